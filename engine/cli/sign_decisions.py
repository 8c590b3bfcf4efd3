"""The verb `sign-decisions`: a signature beside a file of decisions."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.cli import command_line, terminal
from engine.cli.exits import Exit
from engine.files import atomic
from engine.files.home import home
from engine.signing.decisions import signature, signature_path
from engine.signing.keys import (
    open_key_ring,
)

_DECISIONS = """\
Sign a file of decisions for lethe release with the key of this installation; the signature is put
beside it. Do it where you decide, with a LETHE_HOME of your own. Whoever releases gets your public
key (lethe keys export) by another way, and names it with --reviewer-key.
"""


def add_to(verbs: terminal.Commands) -> None:
    """Add it to the command line."""
    decisions = terminal.add_command(
        verbs,
        "sign-decisions",
        _sign_decisions,
        description=_DECISIONS,
        short="stand for a file of decisions by a signature",
        when_stopped=command_line.NOTHING_WRITTEN,
    )
    decisions.add_argument("file", metavar="FILE.jsonl", type=Path)


def _sign_decisions(options: argparse.Namespace) -> int:
    file: Path = options.file
    path = signature_path(file)
    keys = open_key_ring(home())
    atomic.write(path, signature(file.read_bytes(), keys.signing), "public")
    terminal.say(f"Signed with key {keys.id}: {path}. The file must stay as it is now.")
    return Exit.DONE
