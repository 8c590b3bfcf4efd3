"""Command line of the engine, `python -m engine`: folders in, releases out, without the app."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from engine.category import DETECTABLE_WORDS
from engine.cli import (
    command_line,
    fetch,
    keys,
    redact,
    release,
    running,
    sign_decisions,
    terminal,
    verify,
)
from engine.cli import lint as linting
from engine.cli.bench import measure as bench
from engine.cli.exits import Exit
from engine.cluster.bucket import is_url
from engine.cluster.output_folder import Place
from engine.detect.weights import own_weights_notice
from engine.errors import InvalidLicenceList, LetheError
from engine.runs.licences import LicenceList, read_licence_list

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_REDACT = f"""\
Find {DETECTABLE_WORDS} in pictures, remove them for good, and write what may be shared to
OUT/released. Pictures that a person must look at are listed in OUT/review.jsonl with the reasons,
pictures that are held back in OUT/quarantine.jsonl. OUT/names.csv says which release came from
which file and is private. Stop at any time; the same command goes on where it stopped.
"""
_RELEASE = """\
Release pictures from OUT/review.jsonl that a person has decided. VERDICTS is a file of such lines
with "accept": true added and "regions" set to the final ones, boxes in pixels of the upright
picture. Move what you want removed from "doubts" to "regions" and delete the rest: a box that is
still there counts as undecided and is removed. Other lines are left waiting.

Anybody can write such a file. Where its signature lies beside it, which lethe sign-decisions makes,
and its key is known, certificates say that the decision was authenticated, else that it was not.
"""
_BENCH = """\
Measure pictures a second, CPU milliseconds a picture by stage, and a worker's memory: on the
pictures named and on photographs of 12 megapixels composed of them, all workers against one, all
stages against the least there is to do. With --against deface the same files go through deface.
"""
_EVALUATE = """\
Measure recall on labelled pictures: COCO (.json), YOLO (data.yaml), Pascal VOC or CVAT (.xml), or a
folder that holds one of them. A label is found when masks of its category hide at least 90 % of it,
whether removed without asking or shown to a person for review; IoU recall stands beside it. Nothing
is released and no picture is changed. docs/how-to/evaluate.md says what every figure means.
"""


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


def _redact(options: argparse.Namespace) -> int:
    policy = command_line.policy_of(options)
    summary = redact.redact(
        options.input,
        _output(options),
        policy,
        file_format=options.format,
        manifest=_manifest(options.manifest),
        workers=options.workers,
        new_executor=command_line.executor_of(options),
    )
    notice = own_weights_notice()
    if notice is not None:
        terminal.complain(notice)
    return _report(summary, as_json=options.json)


def _release(options: argparse.Namespace) -> int:
    summary = release.release(
        options.input,
        _output(options),
        options.verdicts,
        workers=options.workers,
        known=keys.named_or_own(options.reviewer_keys),
        new_executor=command_line.executor_of(options),
    )
    return _report(summary, as_json=options.json)


def _bench(options: argparse.Namespace) -> int:
    report = bench.measure(
        options.pictures,
        command_line.policy_of(options),
        bench.Wanted(
            options.workers,
            options.limit,
            against=options.against is not None,
            photographs=not options.no_photographs,
            large=options.large,
        ),
    )
    terminal.say(json.dumps(report) if options.json else bench.as_text(report))
    return Exit.DONE


def _evaluate(options: argparse.Namespace) -> int:
    from engine.cli import evaluate as evaluation
    from engine.evaluation.scores.recall import TARGET

    wanted = evaluation.Wanted(
        dataset=options.dataset,
        images=options.images,
        policy=command_line.policy_of(options),
        workers=options.workers,
        target=TARGET if options.fail_under is None else options.fail_under,
        json=options.json,
        report=options.report,
        misses=options.misses,
        policy_file=None if options.policy is None else Path(options.policy),
        only=options.only,
        turned=options.turned,
        new_executor=command_line.executor_of(options),
    )
    summary = evaluation.measure(wanted, terminal.say)
    is_strict = options.fail_under is not None
    return Exit.MISSED if is_strict and evaluation.is_missed(summary) else Exit.DONE


def _report(summary: running.Summary, *, as_json: bool) -> int:
    terminal.say(json.dumps(summary.to_json()) if as_json else str(summary))
    return Exit.FOUND if summary.problems else Exit.DONE


def _output(options: argparse.Namespace) -> Path | Place:
    if is_url(options.output):
        return running.place_at(options.output, takes_over=options.take_over)
    if options.take_over:
        raise LetheError("--take-over is for an output at an address; leave it out.")
    return Path(options.output)


def _manifest(path: Path | None) -> LicenceList:
    if path is None:
        return LicenceList()
    try:
        return read_licence_list(path.read_bytes())
    except OSError as error:
        raise InvalidLicenceList(f"{path} could not be read: {error.strerror}.") from error


def _parser(program: str, apart: Mapping[str, str], *, called: str) -> argparse.ArgumentParser:
    """All commands; where one of the others is called, without those that load statistics.

    SciPy takes longer to load than a picture takes to be redacted.
    """
    parser = terminal.parser_of(
        "", program, f"Lethe: remove {DETECTABLE_WORDS} from pictures, irreversibly."
    )
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    redact = terminal.add_command(
        verbs,
        "redact",
        _redact,
        description=_REDACT,
        short="find and remove, folder to folder",
        when_stopped=command_line.KEPT,
    )
    redact.add_argument(
        "input",
        metavar="IN",
        help="a picture, a folder (recursive) or a glob; or an address such as s3://bucket/in",
    )
    redact.add_argument(
        "output",
        metavar="OUT",
        help="a folder of this run's own, or such an address",
    )
    redact.add_argument(
        "--format",
        choices=("same", "png", "jpeg"),
        default="same",
        help="of the releases; same: JPEG stays JPEG, all else becomes PNG",
    )
    redact.add_argument(
        "--manifest",
        type=Path,
        metavar="CSV",
        help="licences: filename, source, licence, attribution_needed, …",
    )
    command_line.add_policy(redact)
    command_line.add_running(redact)
    command_line.add_executor(redact)
    command_line.add_take_over(redact)
    command_line.add_json(redact)

    release = terminal.add_command(
        verbs,
        "release",
        _release,
        description=_RELEASE,
        short="release what a person accepted",
        when_stopped=command_line.KEPT,
    )
    release.add_argument("input", metavar="IN", help="the input of the redact run")
    release.add_argument("output", metavar="OUT", help="the output folder of that run")
    release.add_argument("--verdicts", type=Path, required=True, metavar="FILE.jsonl")
    release.add_argument(
        "--reviewer-key",
        dest="reviewer_keys",
        action="append",
        type=Path,
        metavar="PUB",
        help="public key (PEM) of somebody who decides, for a signature beside the file; may be "
        "given again (default: the keys of this installation)",
    )
    command_line.add_running(release)
    command_line.add_executor(release)
    command_line.add_take_over(release)
    command_line.add_json(release)
    fetch.add_to(verbs)
    for verb in (verify, sign_decisions, keys):
        verb.add_to(verbs)
    linting.add_to(verbs)

    measure = terminal.add_command(
        verbs,
        "bench",
        _bench,
        description=_BENCH,
        short="measure speed",
        when_stopped=command_line.NOTHING_WRITTEN,
    )
    measure.add_argument("pictures", metavar="PICTURES", help="a folder or a glob")
    measure.add_argument(
        "--against", choices=("deface",), help="also measure this on the same files"
    )
    measure.add_argument(
        "--limit",
        type=command_line.positive,
        default=100,
        metavar="N",
        help="use N pictures, evenly spread over them (default 100)",
    )
    measure.add_argument(
        "--no-photographs", action="store_true", help="leave out those of 12 megapixels"
    )
    measure.add_argument(
        "--large", action="store_true", help="measure one picture of 100 megapixels, too"
    )
    command_line.add_policy(measure)
    command_line.add_running(measure)
    command_line.add_json(measure)
    if called not in verbs.choices:
        _add_evaluate(verbs)
        _add_attack(verbs)
    for name, short in apart.items():
        verbs.add_parser(name, help=short)
    return parser


def _add_attack(verbs: terminal.Commands) -> None:
    from engine.cli import attack

    attack.add_to(verbs)


def _add_evaluate(verbs: terminal.Commands) -> None:
    from engine.cli import evaluate as evaluation

    verb = terminal.add_command(
        verbs,
        "evaluate",
        _evaluate,
        description=_EVALUATE,
        short="measure recall on labelled pictures",
        when_stopped=command_line.NOTHING_WRITTEN,
    )
    evaluation.add_options(verb)
    command_line.add_policy(verb)
    command_line.add_running(verb)
    command_line.add_executor(verb)


if __name__ == "__main__":
    sys.exit(main())
