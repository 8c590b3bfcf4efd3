"""The store's command line, for when the app is not running."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from engine.cli import terminal
from engine.cli.exits import Exit
from engine.wording import counted
from store.accounts.actor import shell
from store.batches.progress import totals_in
from store.command_line import day, opened
from store.database import open_read_only
from store.exchange.export_labels import export_labels
from store.exchange.import_run import ingest

_DESCRIPTION = """\
Look into Lethe's data, take in what a command-line run left for review, or write what reviewers
decided as a data set.
Stop the app first: only one program may have the data open.
"""
_INGEST = """\
Put the pictures that a run of `lethe redact IN OUT` left for review into the
app's review queue, with their originals. Doing it twice adds nothing. A line that cannot be taken
in is named on standard error and the rest goes on.

The app does the same for runs it finds in the folder `inbox` of its data when it starts: put OUT
there, with IN inside it as `originals`.
"""
_EXPORT = """\
Write what reviewers settled as a COCO data set into the new folder OUT: labels.json, and the
original pictures in images/, unredacted and named by random ids. `lethe evaluate OUT`
measures with it, `make train` learns from it.

A settled picture is taken as labelled completely for every category that its batch's policy looked
for. That assumes reviewers deleted each box that held nothing, drew each thing that had none, and
did so also where another region hid it already: an earring under a face's mask that nobody boxed
counts as no earring. A category that nobody looked for is labelled in part where somebody drew it.
The category `other` is left out, and so are rejected pictures. A batch is one group.

Labels are of no use without pixels: a picture whose original is gone, or came before Lethe kept
what originals look like, is left out and counted. What is written is readable, while Lethe's own
originals are sealed: delete OUT when it was used.
"""


def main(arguments: list[str] | None = None, *, program: str = "python -m store") -> int:
    """Run one command and return its exit status; `program` is how it is called."""
    return terminal.run(_parser(program), arguments)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = terminal.parser_of("store", program, _DESCRIPTION)
    commands = terminal.commands_of(parser)
    taking_in = terminal.add_command(
        commands,
        "store ingest",
        _ingest,
        short="take a command-line run's pictures into the review queue",
        description=_INGEST,
    )
    taking_in.add_argument("out", metavar="OUT", type=Path, help="the run's output folder")
    taking_in.add_argument(
        "--originals", metavar="IN", type=Path, required=True, help="the run's input folder"
    )
    exporting = terminal.add_command(
        commands,
        "store export-labels",
        _export,
        short="write reviewers' decisions as a data set to measure with and train on",
        description=_EXPORT,
    )
    exporting.add_argument("out", metavar="OUT", type=Path, help="a new folder; private")
    exporting.add_argument(
        "--since", metavar="DATE", type=day, help="decisions from this day on (UTC), as 2026-11-22"
    )
    status = terminal.add_command(
        commands,
        "store status",
        _status,
        short="print how many pictures are where; changes nothing",
    )
    for command in (taking_in, exporting, status):
        terminal.add_home(command)
    return parser


def _export(options: argparse.Namespace) -> int:
    with opened(options.home) as database:
        exported = export_labels(shell(os.getuid()), database, options.out, since=options.since)
    written = f"{counted(exported.pictures, 'picture')} with {counted(exported.labels, 'label')}"
    sys.stdout.write(f"{written} written to {options.out}.\n")
    if exported.without_original:
        left = counted(exported.without_original, "picture")
        sys.stdout.write(f"Left out, because the original is gone or unknown: {left}.\n")
    return Exit.DONE


def _ingest(options: argparse.Namespace) -> int:
    with opened(options.home, makes_new=True) as database:
        result = ingest(
            shell(os.getuid()), database, options.out, options.originals, datetime.now(UTC)
        )
    for problem in result.problems:
        sys.stderr.write(f"{problem}\n")
    sys.stdout.write(
        f"{result.added} added to the review queue, {result.known} were there already, "
        f"{len(result.problems)} left out.\n"
    )
    return Exit.FOUND if result.problems else Exit.DONE


def _status(options: argparse.Namespace) -> int:
    with open_read_only(options.home) as cursor:
        counts = totals_in(cursor)
    for state, count in asdict(counts).items():
        sys.stdout.write(f"{state:<12}{count:>8}\n")
    sys.stdout.write(f"{'total':<12}{counts.total:>8}\n")
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
