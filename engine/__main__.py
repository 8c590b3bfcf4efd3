"""`python -m engine`: the line without the app, for folders, scripts and clusters."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from engine import bench, commands
from engine.batch import default_workers
from engine.category import DETECTABLE, Category
from engine.errors import LetheError
from engine.evaluation import command as evaluation
from engine.evaluation.recall import TARGET
from engine.manifest import Manifest, read_manifest
from engine.policy import Policy, default_policy, read_policy
from engine.weights import own_weights_notice

EXIT_DONE, EXIT_PROBLEMS, EXIT_USAGE, EXIT_MISSED, EXIT_INTERRUPTED = 0, 1, 2, 4, 130

_REDACT = """\
Find faces, tattoos and jewelry in pictures, remove them for good, and write what may be shared to
OUT/released. Pictures that a person must look at are listed in OUT/review.jsonl with the reasons,
pictures that are held back in OUT/quarantine.jsonl. OUT/names.csv says which release came from
which file and is private. Stop at any time; the same command goes on where it stopped.
"""
_RELEASE = """\
Release pictures from OUT/review.jsonl that a person has decided. VERDICTS is a file of such lines
with "accept": true added and "regions" set to the final ones, boxes in pixels of the upright
picture. Move the doubts you want removed to "regions" and delete the others: a doubt that is still
there counts as undecided and is removed. Other lines are left waiting.
"""
_BENCH = """\
Measure pictures per second and CPU seconds per picture, by stage, looking for faces alone. With
--against deface the same files go through deface in turn, and the ratio is printed.
"""
_EVALUATE = """\
Measure recall on labelled pictures: COCO (.json), YOLO (data.yaml), Pascal VOC or CVAT (.xml), or a
folder that holds one of them. A label is found when masks of its category hide at least 90 % of it,
whether removed without asking or shown to a person as a doubt; IoU recall stands beside it. Nothing
is released and no picture is changed. docs/how-to/evaluate.md says what every figure means.
"""
_STOPPED = "Stopped. What was finished is kept; the same command goes on from there."
_EXITS = """\
exit status: 0 every picture reached an outcome; 1 some verdict lines could not be carried out;
2 the command could not be understood or started; 4 recall lies below --fail-under;
130 stopped with Ctrl-C
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except LetheError as error:
        _complain(str(error))
        return EXIT_USAGE
    except OSError as error:
        _complain(f"The disk or a folder refused: {error.strerror or type(error).__name__}.")
        return EXIT_USAGE
    except KeyboardInterrupt:
        _complain(options.when_stopped)
        return EXIT_INTERRUPTED


def _redact(options: argparse.Namespace) -> int:
    policy = _policy(options)
    summary = commands.redact(
        options.input,
        options.output,
        policy,
        file_format=options.format,
        manifest=_manifest(options.manifest),
        workers=options.workers,
    )
    notice = own_weights_notice()
    if notice is not None:
        _complain(notice)
    return _report(summary, as_json=options.json)


def _release(options: argparse.Namespace) -> int:
    summary = commands.release(
        options.input, options.output, options.verdicts, workers=options.workers
    )
    return _report(summary, as_json=options.json)


def _bench(options: argparse.Namespace) -> int:
    report = bench.measure(
        options.pictures,
        _policy(options),
        limit=options.limit,
        workers=options.workers,
        against=options.against,
    )
    _print(json.dumps(report) if options.json else bench.as_text(report))
    return EXIT_DONE


def _evaluate(options: argparse.Namespace) -> int:
    wanted = evaluation.Wanted(
        dataset=options.dataset,
        images=options.images,
        policy=_policy(options),
        workers=options.workers,
        target=TARGET if options.fail_under is None else options.fail_under,
        json=options.json,
        report=options.report,
        misses=options.misses,
        policy_file=options.policy,
        only=options.only,
    )
    summary = evaluation.measure(wanted, _print)
    is_strict = options.fail_under is not None
    return EXIT_MISSED if is_strict and evaluation.is_missed(summary) else EXIT_DONE


def _report(summary: commands.Summary, *, as_json: bool) -> int:
    _print(json.dumps(summary.to_json()) if as_json else str(summary))
    return EXIT_PROBLEMS if summary.problems else EXIT_DONE


def _policy(options: argparse.Namespace) -> Policy:
    if options.policy is None:
        policy = default_policy()
    else:
        policy = read_policy(_text(options.policy), name=options.policy.name)
    return policy if options.only is None else policy.only(options.only)


def _manifest(path: Path | None) -> Manifest:
    return Manifest() if path is None else read_manifest(_text(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LetheError(f"{path} could not be read as text: {error}.") from error


def _categories(text: str) -> tuple[Category, ...]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in {category.value for category in DETECTABLE}]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown category {unknown[0]!r}; choose from {', '.join(DETECTABLE)}"
        )
    return tuple(Category(name) for name in names)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine",
        description="Lethe: remove faces, tattoos and jewelry from pictures, irreversibly.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    redact = _verb(verbs, "redact", _redact, _REDACT, "find and remove, folder to folder")
    redact.add_argument("input", metavar="IN", help="a picture, a folder (recursive) or a glob")
    redact.add_argument("output", metavar="OUT", type=Path, help="a folder of this run's own")
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
    _add_policy(redact)
    _add_running(redact)
    _add_json(redact)

    release = _verb(verbs, "release", _release, _RELEASE, "release what a person accepted")
    release.add_argument("input", metavar="IN", help="the input of the redact run")
    release.add_argument("output", metavar="OUT", type=Path, help="the output folder of that run")
    release.add_argument("--verdicts", type=Path, required=True, metavar="FILE.jsonl")
    _add_running(release)
    _add_json(release)
    _add_evaluate(verbs)

    measure = _verb(verbs, "bench", _bench, _BENCH, "measure speed")
    measure.add_argument("pictures", metavar="PICTURES", help="a folder or a glob")
    measure.add_argument(
        "--against", choices=("deface",), help="also measure this on the same files"
    )
    measure.add_argument(
        "--limit",
        type=_positive,
        default=100,
        metavar="N",
        help="use the first N pictures (default 100)",
    )
    _add_policy(measure, only=(Category.FACE,))
    _add_running(measure)
    _add_json(measure)
    return parser


def _add_evaluate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = _verb(verbs, "evaluate", _evaluate, _EVALUATE, "measure recall on labelled pictures")
    evaluation.add_options(verb)
    _add_policy(verb)
    _add_running(verb)


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    description: str,
    short: str,
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(
        name,
        help=short,
        description=description,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    keeps = run in (_redact, _release)
    verb.set_defaults(run=run, when_stopped=_STOPPED if keeps else "Stopped; nothing was written.")
    return verb


def _add_policy(parser: argparse.ArgumentParser, only: tuple[Category, ...] | None = None) -> None:
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="thresholds and rules; default: engine/policy.toml",
    )
    parser.add_argument(
        "--only",
        type=_categories,
        default=only,
        metavar="CATEGORIES",
        help="look for these alone, e.g. face or face,tattoo; receipts say so",
    )


def _add_running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=_positive,
        default=default_workers(),
        metavar="N",
        help="processes (default: one per core)",
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
