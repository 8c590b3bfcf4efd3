"""The verb `bench`: pictures a second, CPU time by stage, memory."""

from __future__ import annotations

import argparse
import json

from engine.cli import command_line, terminal
from engine.cli.bench.measure import Wanted, as_text, measure
from engine.cli.exits import Exit

_BENCH = """\
Measure pictures a second, CPU milliseconds a picture by stage, and a worker's memory: on the
pictures named and on photographs of 12 megapixels composed of them, all workers against one, all
stages against the least there is to do. With --against deface the same files go through deface.
"""


def add_to(verbs: terminal.Commands) -> None:
    """Add it to the command line."""
    verb = terminal.add_command(
        verbs,
        "bench",
        _bench,
        description=_BENCH,
        short="measure speed",
        when_stopped=command_line.NOTHING_WRITTEN,
    )
    verb.add_argument("pictures", metavar="PICTURES", help="a folder or a glob")
    verb.add_argument("--against", choices=("deface",), help="also measure this on the same files")
    verb.add_argument(
        "--limit",
        type=command_line.positive,
        default=100,
        metavar="N",
        help="use N pictures, evenly spread over them (default 100)",
    )
    verb.add_argument(
        "--no-photographs", action="store_true", help="leave out those of 12 megapixels"
    )
    verb.add_argument(
        "--large", action="store_true", help="measure one picture of 100 megapixels, too"
    )
    command_line.add_policy(verb)
    command_line.add_running(verb)
    command_line.add_json(verb)


def _bench(options: argparse.Namespace) -> int:
    report = measure(
        options.pictures,
        command_line.policy_of(options),
        Wanted(
            options.workers,
            options.limit,
            against=options.against is not None,
            photographs=not options.no_photographs,
            large=options.large,
        ),
    )
    terminal.say(json.dumps(report) if options.json else as_text(report))
    return Exit.DONE
