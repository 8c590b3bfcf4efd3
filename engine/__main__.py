"""Command line of the engine, `python -m engine`: folders in, releases out, without the app."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from engine.category import DETECTABLE_WORDS
from engine.cli import fetch, keys, lint, redact, release, sign_decisions, terminal, verify
from engine.cli.bench import command as bench

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def main(
    arguments: Sequence[str] | None = None,
    *,
    program: str = "python -m engine",
    apart: Mapping[str, str] = _NONE,
) -> int:
    """Run one command and return its exit status.

    Args:
        arguments: the words after the program's name; those of this process by default.
        program: how it is called.
        apart: commands that `program` has beside these, and their lines in the list of running.
    """
    words = sys.argv[1:] if arguments is None else arguments
    return terminal.run(_parser(program, apart, called=next(iter(words), "")), words)


def _parser(program: str, apart: Mapping[str, str], *, called: str) -> argparse.ArgumentParser:
    """All commands; where one of the others is called, without those that load statistics.

    SciPy takes longer to load than a picture takes to be redacted.
    """
    parser = terminal.parser_of(
        "", program, f"Lethe: remove {DETECTABLE_WORDS} from pictures, irreversibly."
    )
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    for command in (redact, release, fetch, verify, sign_decisions, keys, lint, bench):
        command.add_to(verbs)
    if called not in verbs.choices:
        from engine.cli import attack, evaluate

        evaluate.add_to(verbs)
        attack.add_to(verbs)
    for name, short in apart.items():
        verbs.add_parser(name, help=short)
    return parser


if __name__ == "__main__":
    sys.exit(main())
