"""The command `lethe audit`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from engine.cli import terminal
from engine.cli.exits import Exit
from engine.signing.keys import distrusted_keys, own_keys, own_secret
from engine.wording import counted
from store.audit import anchors, heads
from store.audit.anchors import Anchor
from store.audit.verify import Verification, verify
from store.database import open_read_only
from store.files import Files

_DESCRIPTION = """\
The audit trail of the app: who did what, and what was refused to whom.
"""
_VERIFY = """\
Tell whether the audit trail is whole: no event was changed, removed, moved or added between others,
none is missing at the end, and the database is not an older one than was sealed. Nothing is
changed. Stop the app first: only one program may have the data open.

Heads of the trail are signed into audit/heads.jsonl, every hundred events and when Lethe stops. Who
puts back an older copy of the whole folder puts back those too. Deliveries of the app know better:
each takes the end of the trail along in its signed manifest.json. Name one, its zip, or a folder of
such with --manifest, and the trail must hold what they tell.
"""


def main(arguments: list[str] | None = None, *, program: str = "python -m store.audit") -> int:
    """Run one command and return its exit status; `program` is how it is called."""
    return terminal.run(_parser(program), arguments)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = terminal.parser_of("audit", program, _DESCRIPTION)
    commands = terminal.commands_of(parser)
    verifying = terminal.add_command(
        commands,
        "audit verify",
        _verify,
        short="tell whether the trail is whole; changes nothing",
        description=_VERIFY,
    )
    terminal.add_home(verifying)
    verifying.add_argument(
        "--manifest",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="manifest.json or zip of a delivery, or a folder of such; may be given again",
    )
    verifying.add_argument("--json", action="store_true", help="print JSON instead of sentences")
    return parser


def _verify(options: argparse.Namespace) -> int:
    sealed, known = heads.read(Files(options.home).heads), anchors.read(options.manifest)
    with open_read_only(options.home) as connection:
        keys, secret = own_keys(options.home), own_secret(options.home)
        distrusted = distrusted_keys(options.home)
        found = verify(connection, sealed, keys, known, secret=secret, distrusted=distrusted)
    if options.json:
        sys.stdout.write(f"{json.dumps(asdict(found))}\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in [*_lines(found), *_anchored(known)])
    return Exit.FOUND if found.problems else Exit.DONE


def _lines(found: Verification) -> list[str]:
    if found.problems:
        return [*found.problems, f"{counted(len(found.problems), 'problem')}: do not rely on it."]
    words = [f"{counted(found.events, 'event')}, all as recorded."]
    if found.unsealed:
        words.append(f"Not sealed yet: {counted(found.unsealed, 'event')}.")
    if found.distrusted:
        words.append(f"Left out: {counted(found.distrusted, 'head')} by a distrusted key.")
    return [" ".join([*words, f"Last hash {found.head}."])]


def _anchored(known: Collection[Anchor]) -> list[str]:
    """How many deliveries could tell something; nothing where none was named."""
    if not known:
        return []
    silent = sum(one.head is None for one in known)
    verb = "tells" if silent == 1 else "tell"
    words = f" {counted(silent, 'manifest')} of them {verb} nothing of a trail." if silent else ""
    return [f"Compared with {counted(len(known), 'manifest')}.{words}"]


if __name__ == "__main__":
    sys.exit(main())
