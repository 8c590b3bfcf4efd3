"""`lethe attack`: run the attack battery, and write its report."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from engine.attacks.battery import settings
from engine.attacks.battery.methods import METHODS
from engine.attacks.battery.run import run_battery
from engine.attacks.battery.settings import Settings
from engine.attacks.report import compose
from engine.attacks.subjects.gathering import Request, gather
from engine.attacks.subjects.patches import LEAST_SUBJECTS, Subjects
from engine.attacks.subjects.synthetic import synthetic
from engine.category import DETECTABLE
from engine.cli import command_line, terminal
from engine.cli.exits import Exit
from engine.errors import LetheError, UnusableFolder
from engine.evaluation.report.html import html
from engine.evaluation.report.outputs import check_outputs, write_all

_DESCRIPTION: Final = """\
Hide faces, tattoos and jewelry the way Lethe does, then try to get them back: sharpening,
deconvolution, learned inverses, trained classifiers. Blur and pixelation are attacked in the same
run and must break; so must Lethe's own fill with a share of the original mixed in. Each result is
judged against chance, corrected for the number of attacks. Without --subjects, made-up drawings are
hidden. docs/irreversibility.md says what every figure means.
"""
_SUBJECTS, _QUICK_SUBJECTS = 40, 24


def add_to(verbs: terminal.Commands) -> None:
    """Add the verb."""
    verb = terminal.add_command(
        verbs,
        "attack",
        run,
        description=_DESCRIPTION,
        short="try to get removed pixels back",
        when_stopped=command_line.NOTHING_WRITTEN,
    )
    verb.add_argument(
        "--subjects",
        type=Path,
        metavar="DATA",
        help="what to hide: a labelled data set, or a folder in which each picture is one subject",
    )
    verb.add_argument(
        "--categories",
        type=command_line.categories_of,
        default=DETECTABLE,
        metavar="CATEGORIES",
        help="e.g. face or face,tattoo (default: all)",
    )
    verb.add_argument(
        "--methods",
        type=_words,
        default=(),
        metavar="NAMES",
        help=f"of {', '.join(METHODS)}; {', '.join(settings.NEEDED_METHODS)} always run",
    )
    verb.add_argument(
        "--attacks",
        type=_words,
        default=(),
        metavar="NAMES",
        help=f"of {', '.join(settings.possible_attacks())}, or what several begin with, such as "
        f"unsharp; {' and '.join(settings.NEEDED_ATTACKS)} always run",
    )
    verb.add_argument(
        "--n",
        type=command_line.positive,
        metavar="N",
        help=f"subjects a category (default {_SUBJECTS}, with --quick {_QUICK_SUBJECTS})",
    )
    verb.add_argument(
        "--seed", type=command_line.count, default=0, metavar="N", help="another draw (default 0)"
    )
    verb.add_argument("--quick", action="store_true", help="smaller and fewer, in under a minute")
    verb.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    verb.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write a report without pictures"
    )
    verb.add_argument("--table", type=Path, metavar="FILE.md", help="write the table of a document")
    command_line.add_running(verb)


def run(options: argparse.Namespace) -> int:
    """Run the battery and return its exit status.

    Raises:
        LetheError: the subjects cannot be used, or a file cannot be written.
    """
    battery_settings = _settings(options)
    outputs = [file for file in (options.json, options.report, options.table) if file is not None]
    if options.report is not None and options.report.suffix.lower() not in (".html", ".htm"):
        raise UnusableFolder(f"{options.report}: a report is written as .html.")
    check_outputs(outputs, [] if options.subjects is None else [options.subjects])
    report = _run_with_progress(
        _subjects(options, battery_settings), battery_settings, options.workers
    )
    terminal.say(compose.as_text(report))
    write_all(_texts(options, report))
    return {"pass": Exit.DONE, "fail": Exit.BROKEN}.get(report["verdict"], Exit.INCONCLUSIVE)


def _settings(options: argparse.Namespace) -> Settings:
    n = options.n or (_QUICK_SUBJECTS if options.quick else _SUBJECTS)
    if n < LEAST_SUBJECTS:
        raise LetheError(
            f"--n {n} is too few: {LEAST_SUBJECTS} subjects are the least that can be told from "
            "chance."
        )
    make = settings.quick if options.quick else settings.full
    try:
        return make(n=n, seed=options.seed, methods=options.methods, attacks=options.attacks)
    except ValueError as error:
        raise LetheError(f"The battery could not be started: {error}.") from error


def _subjects(options: argparse.Namespace, battery_settings: Settings) -> tuple[Subjects, ...]:
    if options.subjects is not None:
        request = Request(
            battery_settings.n,
            battery_settings.spare,
            battery_settings.side_px,
            battery_settings.seed,
        )
        return gather(options.subjects, options.categories, request)
    return tuple(
        synthetic(
            category,
            battery_settings.n,
            side_px=battery_settings.side_px,
            spare=battery_settings.spare,
            seed=battery_settings.seed,
        )
        for category in options.categories
    )


def _run_with_progress(
    subjects: tuple[Subjects, ...], battery_settings: Settings, workers: int
) -> dict[str, Any]:
    with tqdm(unit=" trials", file=sys.stderr, smoothing=0.1) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return run_battery(subjects, battery_settings, workers=workers, progress=progress)


def _texts(options: argparse.Namespace, report: dict[str, Any]) -> dict[Path, str]:
    texts = {}
    if options.json is not None:
        texts[options.json] = json.dumps(report, indent=1) + "\n"
    if options.report is not None:
        texts[options.report] = html(compose.document(report, _command(options)))
    if options.table is not None:
        texts[options.table] = compose.as_markdown(report)
    return texts


def _command(options: argparse.Namespace) -> str:
    """The command that remakes the figures, without private folder names."""
    values = {
        "--subjects": None if options.subjects is None else options.subjects.name,
        "--categories": None if options.categories == DETECTABLE else ",".join(options.categories),
        "--methods": ",".join(options.methods),
        "--attacks": ",".join(options.attacks),
        "--n": options.n,
        "--seed": options.seed or None,
    }
    arguments = [str(word) for name, value in values.items() if value for word in (name, value)]
    if options.quick:
        arguments.append("--quick")
    return shlex.join(["lethe", "attack", *arguments])


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
