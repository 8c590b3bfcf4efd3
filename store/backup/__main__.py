"""The commands `lethe backup` and `lethe restore`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.cli import terminal
from engine.cli.exits import Exit
from engine.files.safe_read import printable
from engine.wording import counted
from store.accounts.actor import shell
from store.backup.making import back_up
from store.backup.parts import Part
from store.backup.restoring import Restoration, Source, restore

_BACKUP = """\
Write what makes an installation whole into the new folder DEST, in three parts that can be kept
apart: data, keyring, and secrets. The master key is in none of them: keep it elsewhere, or nothing
sealed can be opened after a restore.
Delete copies of the part keyring after days: a picture that was deleted comes back with a keyring
from before, and with nothing else.
Stop the app first. The master key has to be there as when the app is started.
docs/how-to/backup.md has each step.
"""
_RESTORE = """\
Make a data folder of a backup. Every file is compared with its digest first; the folder must not
be there yet, or be empty. What is damaged or missing is a sentence, and nothing is written then.
"""
_MOST_SAID = 5


def main(
    arguments: Sequence[str],
    environment: Mapping[str, str] = os.environ,
    *,
    program: str = "python -m store.backup",
) -> int:
    """Run one command and return its exit status; `program` is how it is called."""
    return terminal.run(_parser(program, environment), arguments)


def _parser(program: str, environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program)
    commands = terminal.commands_of(parser)
    making = terminal.add_command(
        commands,
        "backup",
        lambda options: _back_up(options, environment),
        short="write a backup into a new folder",
        description=_BACKUP,
        when_stopped="Stopped; there is no backup.",
    )
    terminal.add_home(making)
    making.add_argument("target", metavar="DEST", type=Path, help="a new folder, on another disk")
    restoring = terminal.add_command(
        commands,
        "restore",
        _restore,
        short="make a data folder of a backup",
        description=_RESTORE,
        when_stopped="Stopped; nothing was restored.",
    )
    terminal.add_home(restoring)
    restoring.add_argument("source", metavar="SOURCE", type=Path, help="the folder of a backup")
    keys = restoring.add_mutually_exclusive_group()
    keys.add_argument(
        "--keyring", metavar="FOLDER", type=Path, help="the part keyring of another, newer backup"
    )
    keys.add_argument(
        "--without-keys",
        action="store_true",
        help="leave the keyring out, and go on where secrets are missing",
    )
    return parser


def _back_up(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    made = back_up(
        shell(os.getuid()), options.home, options.target, lambda: datetime.now(UTC), environment
    )
    terminal.say(f"Backed up to {options.target}:")
    for part, header in made.parts.items():
        size = f"{header.bytes / 1e6:.1f} MB"
        terminal.say(f"  {part:<8} {counted(header.files, 'file'):>12} {size:>14}")
    terminal.say(
        f"Delete {options.target / Part.KEYRING} after days: pictures that are deleted come back "
        "with it. The master key is not in the backup; keep it elsewhere."
    )
    if made.left_out:
        named = ", ".join(map(printable, made.left_out[:_MOST_SAID]))
        more = len(made.left_out) - _MOST_SAID
        rest = f" and {more} more" if more > 0 else ""
        terminal.complain(f"Left out, since they are none of Lethe's own: {named}{rest}.")
    return Exit.DONE


def _restore(options: argparse.Namespace) -> int:
    source = Source(options.source, options.keyring, options.without_keys)
    found = restore(shell(os.getuid()), source, options.home, datetime.now(UTC))
    terminal.say(f"Restored to {options.home}, as it was at {found.data.header.made_at}.")
    for line in _notes(found, options.home):
        terminal.say(line)
    return Exit.DONE


def _notes(found: Restoration, home: Path) -> list[str]:
    """What whoever restored has to know."""
    notes = []
    if found.keyring is None:
        notes.append(
            f"Without a keyring {counted(found.sealed, 'file')} in originals, staging and "
            f"set-aside cannot be opened, and the app does not start while such lie in {home}."
        )
    elif found.keyring.header.backup != found.data.header.backup:
        notes.append(
            f"The keyring is as it was at {found.keyring.header.made_at}: what was deleted by "
            "then stays deleted."
        )
    else:
        notes.append(f"What was deleted after {found.data.header.made_at} has its key again.")
    if found.secrets is None:
        notes.append(
            "Without the part secrets the app does not start, and nobody can tell whether "
            "decisions agree with the audit trail; lethe audit verify tells the rest."
        )
    notes.append(
        "The master key is in no backup: set it as the app had it, or put it back as "
        f"{home / 'keys' / 'master'}."
    )
    return notes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
