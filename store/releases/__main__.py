"""The command `lethe revoke`."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from engine.cli import terminal
from engine.cli.exits import Exit
from engine.errors import UnreadableFile, UnusableFolder
from engine.files import atomic
from engine.signing.revocations import SignedRevocations, read_revocations_file
from engine.wording import counted
from store.accounts.actor import shell
from store.command_line import opened
from store.releases import revocations
from store.releases.revocations import REASONS, Reason

_DESCRIPTION = f"""\
Revoke releases: nobody should use them any more. They are not handed out again, and stand on a
signed list, revocations.json, that goes along in each later delivery; publish it where whoever has
your pictures finds it. What is on the list stays there; after a restore, --published takes it over
again. lethe verify says REVOKED of what it names. Stop the app first: only one program may have the
data open. The page Release does the same.

The reason stays inside, in the audit trail:

{chr(10).join(f"  {reason.value:<9} {words.lower()}" for reason, words in REASONS.items())}
"""


def main(arguments: list[str] | None = None, *, program: str = "python -m store.releases") -> int:
    """Revoke and return the exit status; `program` is how it is called."""
    return terminal.run(_parser(program), arguments)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = terminal.parser_of("revoke", program, _DESCRIPTION)
    terminal.add_home(parser)
    parser.add_argument("releases", metavar="RELEASE", nargs="*", help="id of a release")
    parser.add_argument("--reason", choices=[reason.value for reason in Reason])
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the signed list there, to publish it"
    )
    parser.add_argument(
        "--published",
        type=Path,
        metavar="FILE",
        help="after a restore: take over from a list of before what was revoked since the backup",
    )
    parser.set_defaults(run=_revoke)
    return parser


def _revoke(options: argparse.Namespace) -> int:
    if bool(options.releases) is not (options.reason is not None):
        raise UnusableFolder("Releases and --reason go together; nothing was revoked.")
    if not options.releases and options.out is None and options.published is None:
        raise UnusableFolder("Name releases to revoke, or --out for the list of those that are.")
    published = None if options.published is None else _published(options.published)
    actor, now = shell(os.getuid()), datetime.now(UTC)
    with opened(options.home) as database:
        if published is not None:
            count = revocations.restored(actor, database, published)
            terminal.say(f"{counted(count, 'revocation')} taken over.")
        if options.releases:
            reason = Reason(options.reason)
            new = revocations.revoke(actor, database, options.releases, reason, now)
            before = len(options.releases) - new
            more = f", {before} revoked before" if before else ""
            terminal.say(f"{counted(new, 'release')} revoked{more}.")
        listed = revocations.signed_list(actor, database, now)
    if options.out is not None:
        if listed is None:
            raise UnusableFolder("Nothing was revoked yet, so there is no list.")
        atomic.write(options.out, listed, "public")
        terminal.say(f"The signed list was written to {options.out}.")
    return Exit.DONE


def _published(path: Path) -> SignedRevocations:
    try:
        return read_revocations_file(path)
    except UnreadableFile as error:
        raise UnusableFolder(f"{path} {error}; nothing was changed.") from error


if __name__ == "__main__":
    sys.exit(main())
