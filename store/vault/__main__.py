"""`lethe vault`: what the keyring holds, and a new master key for it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.cli import terminal
from engine.cli.exits import Exit
from engine.errors import UnusableFolder
from engine.wording import counted
from store.vault.keyring import Keyring
from store.vault.vault import Vault

_DESCRIPTION = """\
The keyring that seals originals and names, in `keyring` of Lethe's data, and the master key that
wraps it. docs/how-to/keys.md says how both are kept, and apart from each other.
"""
_ROTATE = """\
Have a new master key wrap every key of the keyring. Nothing that is sealed is written anew, and the
app may go on meanwhile. Where the key is in keys/master, a new one is made and the old one is
destroyed. Where it is set in the environment, set the new one there and the old one as
LETHE_MASTER_KEY_OLD or LETHE_PASSPHRASE_OLD, start the app again with both, and then rotate. After
a stop, the same command goes on. Copies of the keyring from before need the old key: make new ones.
"""


def main(
    arguments: Sequence[str],
    environment: Mapping[str, str] = os.environ,
    *,
    program: str = "python -m store.vault",
) -> int:
    """Run one command and return its exit status; `program` is how it is called."""
    return terminal.run(_parser(program, environment), arguments)


def _parser(program: str, environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = terminal.parser_of("vault", program, _DESCRIPTION)
    commands = terminal.commands_of(parser)
    status = terminal.add_command(
        commands,
        "vault status",
        lambda options: _status(options.home, environment),
        short="how many keys there are, and under which master key",
    )
    rotating = terminal.add_command(
        commands,
        "vault rotate",
        lambda options: _rotate(options.home, environment),
        short="wrap every key by a new master key",
        description=_ROTATE,
    )
    for command in (status, rotating):
        terminal.add_home(command)
    return parser


def _status(home: Path, environment: Mapping[str, str]) -> int:
    if Keyring(home).is_new:
        sys.stdout.write(f"There is no keyring in {home}; nothing is sealed there.\n")
        return Exit.DONE
    status = Vault.open(home, environment).status()
    lines = [
        f"master key    {status.master}, from {status.origin}",
        f"batches       {status.batches}",
        f"pictures      {status.pictures}",
    ]
    if status.under_earlier:
        lines.append(
            f"A rotation was begun and not ended: {counted(status.under_earlier, 'key')} to go. "
            "lethe vault rotate goes on."
        )
    elif status.target != status.master:
        lines.append(f"The key {status.target} waits: lethe vault rotate goes over to it.")
    sys.stdout.write("\n".join(lines) + "\n")
    return Exit.DONE


def _rotate(home: Path, environment: Mapping[str, str]) -> int:
    if Keyring(home).is_new:
        raise UnusableFolder(f"There is no keyring in {home}, so there is nothing to rotate.")
    vault = Vault.open(home, environment)
    try:
        count = vault.rotate()
    except OSError as error:
        raise UnusableFolder(
            f"The keyring could not be written ({error.strerror}). Every key is usable still; do "
            "it again."
        ) from error
    status = vault.status()
    if not count:
        sys.stdout.write(
            f"Nothing was to be done: all is wrapped by {status.master}, from {status.origin}. For "
            "another key, set it there and the old one as LETHE_MASTER_KEY_OLD or "
            "LETHE_PASSPHRASE_OLD.\n"
        )
        return Exit.DONE
    sys.stdout.write(
        f"{counted(count, 'key')} wrapped by the master key {status.master}, from {status.origin}. "
        "Make a new copy of the keyring; older ones need the old key.\n"
    )
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
