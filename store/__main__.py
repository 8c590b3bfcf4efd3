"""The store's command line, for when the app is not running."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import LetheError
from store.database import Database
from store.ingest import ingest
from store.progress import totals

_DESCRIPTION = """\
Look into Lethe's data, or take in what a command-line run left for review.
Stop the app first: only one program may have the data open.
"""
_INGEST = """\
Put the pictures that a run of `python -m engine redact IN OUT` left for review into the
app's review queue, with their originals. Doing it twice adds nothing. A line that cannot be taken
in is named on standard error and the rest goes on.

The app does the same for runs it finds in the folder `inbox` of its data when it starts: put OUT
there, with IN inside it as `originals`.
"""
_EXITS = "Exit codes: 0 all well, 1 some lines could not be taken, 2 it could not be started."


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit code."""
    options = _parser().parse_args(arguments)
    try:
        database = Database.open(options.home, datetime.now(UTC))
        try:
            command: Callable[[Database, argparse.Namespace], int] = options.command
            return command(database, options)
        finally:
            database.close()
    except LetheError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m store",
        description=_DESCRIPTION,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    home = argparse.ArgumentParser(add_help=False)
    home.add_argument(
        "--home",
        type=Path,
        default=Path(os.environ.get("LETHE_HOME") or "var"),
        help="folder of Lethe's data (default: $LETHE_HOME, else ./var)",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    taking_in = commands.add_parser(
        "ingest",
        parents=[home],
        help="take a command-line run's pictures into the review queue",
        description=_INGEST,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    taking_in.add_argument("out", metavar="OUT", type=Path, help="the run's output folder")
    taking_in.add_argument(
        "--originals", metavar="IN", type=Path, required=True, help="the run's input folder"
    )
    taking_in.set_defaults(command=_ingest)
    status = commands.add_parser("status", parents=[home], help="print how many pictures are where")
    status.set_defaults(command=_status)
    return parser


def _ingest(database: Database, options: argparse.Namespace) -> int:
    result = ingest(database, options.out, options.originals, datetime.now(UTC))
    for problem in result.problems:
        sys.stderr.write(f"{problem}\n")
    sys.stdout.write(
        f"{result.added} added to the review queue, {result.known} were there already, "
        f"{len(result.problems)} left out.\n"
    )
    return 1 if result.problems else 0


def _status(database: Database, options: argparse.Namespace) -> int:
    del options  # every command takes them
    counts = totals(database)
    for state, count in asdict(counts).items():
        sys.stdout.write(f"{state:<12}{count:>8}\n")
    sys.stdout.write(f"{'total':<12}{counts.total:>8}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
