"""The command `lethe retention`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from engine.cli import terminal
from engine.cli.exits import Exit
from engine.errors import UnusableFolder
from engine.wording import counted
from store.accounts.actor import shell
from store.command_line import opened
from store.database import open_read_only
from store.retention.folders import shredding
from store.retention.folders.contents import Contents, contents
from store.retention.folders.layout import NOT_COVERED, Kind
from store.retention.report import Report, report_in
from store.retention.sweeper import sweep
from store.times import day

_DESCRIPTION = """\
What is held of pictures, until when, and its end. docs/how-to/retention.md says what destroying
promises and what it cannot.
"""
_REPORT = f"""\
Tell what the app holds, until when, and what is overdue. Nothing is changed. Stop the app first:
only one program may have the data open; while it runs, its page Audit tells the same.

With OUT, tell it of the output folder of `lethe redact`, or of an export of labels: names.csv, what
waits for review or is held back, receipts, the folder's key, what may go out; of an export the
originals. A run's deadlines are those of its policy, from the day on which it began; a manifest's
retain_days are not kept in the folder.
{NOT_COVERED}
"""
_SWEEP = """\
Destroy what is over, as the app does by itself while it runs. Stop the app first. Where the clock
cannot be right, nothing is destroyed: it was set by more than a day while the machine was on, is
behind the last sweep, or is more than a month ahead of it over a restart. Set it right, or confirm
it with --confirm-clock.
"""
_SHRED = f"""\
Destroy what OUT keeps privately. Of the output folder of `lethe redact` that is the folder's key,
names.csv, receipts.jsonl, review.jsonl, quarantine.jsonl and .lethe; released/ stays, and `lethe
verify` goes on working, unless --releases ends it too. Of an export of labels it is all of it. Each
file is overwritten, then removed. Nobody can go on in such a folder. The audit trail of the app
tells nothing of it. Without --yes nothing is destroyed.
{NOT_COVERED}
"""


def main(
    arguments: Sequence[str] | None = None,
    environment: Mapping[str, str] = os.environ,
    *,
    program: str = "python -m store.retention",
) -> int:
    """Run one command and return its exit status; `program` is how it is called."""
    return terminal.run(_parser(program, environment), arguments)


def _parser(program: str, environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = terminal.parser_of("retention", program, _DESCRIPTION)
    commands = terminal.commands_of(parser)
    reporting = terminal.add_command(
        commands,
        "retention report",
        _report,
        short="tell what is held, until when, and what is overdue",
        description=_REPORT,
    )
    reporting.add_argument(
        "out", metavar="OUT", type=Path, nargs="?", help="of a run, or an export"
    )
    terminal.add_home(reporting)
    reporting.add_argument("--json", action="store_true", help="print JSON instead of sentences")
    sweeping = terminal.add_command(
        commands,
        "retention sweep",
        lambda options: _sweep(options, environment),
        short="destroy what is over",
        description=_SWEEP,
    )
    terminal.add_home(sweeping)
    sweeping.add_argument(
        "--confirm-clock",
        action="store_true",
        help="the clock is right, whatever speaks against it",
    )
    ending = terminal.add_command(
        commands,
        "retention shred",
        _shred,
        short="destroy what a folder keeps privately",
        description=_SHRED,
    )
    ending.add_argument("out", metavar="OUT", type=Path, help="of a run, or an export of labels")
    ending.add_argument("--releases", action="store_true", help="destroy what may go out, too")
    ending.add_argument("--yes", action="store_true", help="do it: nothing brings it back")
    return parser


def _report(options: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    if options.out is not None:
        return _report_folder(options, now)
    with open_read_only(options.home) as connection:
        try:
            found = report_in(connection, now)
        except duckdb.CatalogException as error:
            raise UnusableFolder(
                "The data is of an earlier Lethe, which kept no deadlines. Start the app once, "
                "which brings it up to date."
            ) from error
    terminal.say(json.dumps(_plain(asdict(found))) if options.json else "\n".join(_lines(found)))
    return Exit.FOUND if found.pictures_overdue or found.unfinished else Exit.DONE


def _lines(found: Report) -> list[str]:
    lines = [f"{'':<10}{'held':>8}{'overdue':>9}{'destroyed':>11}{'no end':>8}  next"]
    lines += [
        f"{holding.value:<10}{one.total:>8}{one.overdue:>9}{one.destroyed:>11}{one.unlimited:>8}  "
        f"{'' if one.next_until is None else day(one.next_until)}".rstrip()
        for holding, one in found.holdings.items()
    ]
    if found.unfinished:
        lines.append(
            f"The end of {counted(found.unfinished, 'picture')} was begun and not ended; lethe "
            "retention sweep goes on."
        )
    swept = "never" if found.swept_at is None else f"on {day(found.swept_at)}"
    lines.append(f"Last sweep: {swept}.")
    if found.refused is not None:
        lines.append(found.refused)
    return lines


def _report_folder(options: argparse.Namespace, now: datetime) -> int:
    found = contents(options.out)
    late = found.overdue(now)
    if options.json:
        terminal.say(json.dumps({**_plain(asdict(found)), "overdue": len(late)}))
    else:
        terminal.say("\n".join([*_lines_of(found, now), NOT_COVERED]))
    return Exit.FOUND if late else Exit.DONE


def _lines_of(found: Contents, now: datetime) -> list[str]:
    late = found.overdue(now)
    return [
        f"Output folder of a run, since {day(found.since)}:"
        if found.kind is Kind.RUN
        else f"Export of labels, since {day(found.since)}:",
        *(
            f"{part.files:>6}  {part.what}"
            + ("" if part.until is None else f", until {day(part.until)}")
            + (": overdue" if part in late else "")
            for part in found.parts
        ),
    ]


def _sweep(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    with opened(options.home, environment) as database:
        swept = sweep(
            shell(os.getuid()), database, datetime.now(UTC), confirm_clock=options.confirm_clock
        )
    if swept.refusal is not None:
        terminal.complain(swept.refusal)
        return Exit.FOUND
    terminal.say(f"Destroyed what was over of {counted(swept.ended, 'picture')}.")
    if swept.failed:
        terminal.complain(
            f"The disk did not let go of {counted(swept.failed, 'picture')}; no key of theirs is "
            "used any more. Do it again."
        )
    return Exit.FOUND if swept.failed else Exit.DONE


def _shred(options: argparse.Namespace) -> int:
    if not options.yes:
        terminal.say("\n".join(_lines_of(contents(options.out), datetime.now(UTC))))
        terminal.complain("Nothing was destroyed. To destroy it for good, add --yes.")
        return Exit.USAGE
    ended = shredding.shred(options.out, releases=options.releases)
    terminal.say(f"Destroyed {counted(ended, 'file')}.\n{NOT_COVERED}")
    return Exit.DONE


def _plain(value: Any) -> Any:  # noqa: ANN401 -- what JSON can hold
    """Moments as text, at every depth."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value


if __name__ == "__main__":
    sys.exit(main())
