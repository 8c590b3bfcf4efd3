"""`lethe evaluate`: a labelled data set in, recall and a target status per category out."""

from __future__ import annotations

import argparse
import json
import math
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from engine.category import Category
from engine.cli import command_line, terminal
from engine.cli.exits import Exit
from engine.detect.registry import verify
from engine.errors import InvalidDataset, UnusableFolder
from engine.evaluation.data.datasets import read_dataset
from engine.evaluation.data.turning import ORIENTATIONS
from engine.evaluation.data.uncounted import Missing
from engine.evaluation.report import compose
from engine.evaluation.report.compose import Subject
from engine.evaluation.report.cost import prices
from engine.evaluation.report.numbers import at_least, at_most, rate_at_most
from engine.evaluation.report.outputs import check_outputs, write_all
from engine.evaluation.report.private_list import private_lines
from engine.evaluation.report.remarks import remarks
from engine.evaluation.run import Run, evaluate
from engine.evaluation.scores import recall
from engine.evaluation.scores.counts import count
from engine.evaluation.scores.recall import TARGET, Scored, score_all
from engine.evaluation.scores.summary import CategorySummary, Summary
from engine.policy import Policy
from engine.runs.jobs import Executor
from engine.wording import counted

_EVALUATE = """\
Measure recall on labelled pictures: COCO (.json), YOLO (data.yaml), Pascal VOC or CVAT (.xml), or a
folder that holds one of them. A label is found when masks of its category hide at least 90 % of it,
whether removed without asking or shown to a person for review; IoU recall stands beside it. Nothing
is released and no picture is changed. docs/how-to/evaluate.md says what every figure means.
"""
PROBLEMS_SHOWN = 20
_REPORTS = (".html", ".htm", ".md")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure, and what to write."""

    dataset: Path
    images: Path | None
    policy: Policy
    workers: int
    target: float
    json: Path | None = None
    report: Path | None = None
    """`.html`, or `.md` with its figures beside it."""
    misses: Path | None = None
    """A line for each missed label, false region and problem; names pictures, so it is private."""
    policy_file: Path | None = None
    only: tuple[Category, ...] | None = None
    turned: str | None = None
    """A key of `turning.ORIENTATIONS`."""
    new_executor: Callable[[int], Executor] | None = None
    """As for `engine.evaluation.run.evaluate`; changes no figure."""

    @property
    def words(self) -> str:
        """The command that remakes the figures; without folders, which say much about a machine."""
        options = {
            "--images": None if self.images is None else "DIR",
            "--policy": None if self.policy_file is None else self.policy_file.name,
            "--only": None if self.only is None else ",".join(self.only),
            "--turned": self.turned,
            "--fail-under": None if self.target == TARGET else f"{self.target:g}",
            "--report": None if self.report is None else self.report.name,
        }
        given = [word for name, value in options.items() if value for word in (name, value)]
        return shlex.join(["lethe", "evaluate", self.dataset.name, *given])

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Every file that will be written, a Markdown report's figures apart."""
        return tuple(file for file in (self.json, self.report, self.misses) if file is not None)


def add_to(verbs: terminal.Commands) -> None:
    """Add it to the command line."""
    verb = terminal.add_command(
        verbs,
        "evaluate",
        _evaluate,
        description=_EVALUATE,
        short="measure recall on labelled pictures",
        when_stopped=command_line.NOTHING_WRITTEN,
    )
    verb.add_argument("dataset", metavar="DATASET", type=Path)
    verb.add_argument(
        "--images", type=Path, metavar="DIR", help="where the pictures lie, if not beside DATASET"
    )
    verb.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    verb.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write a report to print and sign, without pictures or their names (or FILE.md)",
    )
    verb.add_argument(
        "--misses",
        type=Path,
        metavar="FILE.jsonl",
        help="list each miss, false region and problem; names pictures, so it is private",
    )
    verb.add_argument(
        "--turned",
        choices=list(ORIENTATIONS),
        help="look at each picture turned clockwise by so many degrees, or mirrored",
    )
    verb.add_argument(
        "--fail-under",
        type=_share,
        metavar="RECALL",
        help=f"the target, and exit 4 when a category misses it (without: {TARGET}, and exit 0)",
    )
    command_line.add_policy(verb)
    command_line.add_running(verb)
    command_line.add_executor(verb)


def _evaluate(options: argparse.Namespace) -> int:
    wanted = Wanted(
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
    summary = measure(wanted, terminal.say)
    is_strict = options.fail_under is not None
    return Exit.MISSED if is_strict and is_missed(summary) else Exit.DONE


def measure(wanted: Wanted, say: Callable[[str], None]) -> Summary:
    """Evaluate, say the result, and write what was asked for.

    Args:
        wanted: what to do.
        say: called once with the result as text, before anything is written.

    Returns:
        The summary, as `recall.summary` gives it.

    Raises:
        InvalidDataset: the data set cannot be read, or nothing of it could be measured.
        UnusableFolder: something cannot be written; said before the work begins where possible.
    """
    verify(wanted.policy)  # say what is missing before starting processes
    if wanted.report is not None and wanted.report.suffix.lower() not in _REPORTS:
        raise UnusableFolder(f"{wanted.report}: a report is written as {' or '.join(_REPORTS)}.")
    read = [wanted.dataset, *filter(None, (wanted.images, wanted.policy_file))]
    check_outputs(wanted.outputs, read)
    dataset = read_dataset(wanted.dataset, wanted.images)
    check_outputs(wanted.outputs, [*read, *(picture.path for picture in dataset.pictures)])
    _say_problems([str(problem) for problem in dataset.problems])
    with tqdm(total=len(dataset.pictures), unit=" pictures", file=sys.stderr, smoothing=0.1) as bar:
        run = evaluate(
            dataset,
            wanted.policy,
            workers=wanted.workers,
            turned=wanted.turned,
            progress=bar.update,
            new_executor=wanted.new_executor,
        )
    scored = score_all(run.pairs, wanted.policy)
    refused = [f"{picture.name}: {why}" for picture, why in (*run.unread, *scored.invalid)]
    _say_problems(refused)
    if not scored.scores:
        raise InvalidDataset(f"Nothing was measured: no picture of {dataset.name} could be used.")
    summary = recall.summary(
        count(scored.scores),
        wanted.policy,
        target=wanted.target,
        unread=len(refused),
        problems=len(dataset.problems),
        missing=Missing(
            tuple(picture for picture, _ in (*run.unread, *scored.invalid)), dataset.lost
        ),
    )
    say(as_text(summary, wanted.policy))
    write_all(_texts(wanted, run, scored, summary))
    return summary


def is_missed(summary: Summary) -> bool:
    """True when any category's recall lies below the target, or none of its boxes counts."""
    return any(
        part.verdict == "missed" or part.has_only_uncounted for part in summary.categories.values()
    )


def as_text(summary: Summary, policy: Policy) -> str:
    """The summary as a person reads it in a terminal; recall is never rounded up."""
    load = summary.review_load
    parts = [
        f"{at_most(share)} of those {name} labels"
        for name, share in (("with", load.with_labels), ("without", load.without_labels))
        if share is not None
    ]
    unread = f"{counted(summary.unread, 'picture')} could not be used"
    lines = [
        f"{counted(summary.pictures, 'picture')}, {unread}; {', '.join(summary.weights)}",
        "category  labels     found  at least  automatic  false/picture  status",
        *(_line(category, part, policy) for category, part in summary.categories.items()),
        f"A person must look at {at_most(load.all)} of the pictures ({', '.join(parts)}).",
        *(f"{price.what}: {price.much}" for price in prices(summary)[1:]),
        *remarks(summary),
    ]
    return "\n".join(lines)


def _line(category: Category, part: CategorySummary, policy: Policy) -> str:
    word = "nothing to find" if part.has_nothing else part.verdict.replace("_", " ")
    if word == "missed" and part.certain:
        word += " for certain"
    is_blind = category not in policy.looked_for or "nobody looked" in part.misses
    if is_blind and part.labels:
        word += ", nobody looked"
    return (
        f"{category.value:8} {part.labels:7} {at_least(part.coverage.recall):>9} "
        f"{at_least(part.coverage.lower95):>9} {at_least(part.automatic.recall):>10} "
        f"{rate_at_most(part.false_per_picture):>14}  {word}"
    )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, like 0.99, not {text!r}")
    return value


def _texts(wanted: Wanted, run: Run, scored: Scored, summary: Summary) -> dict[Path, str]:
    """What each file is to hold."""
    texts = {}
    if wanted.json is not None:
        subject = {"made_on": command_line.today(), "dataset": run.dataset.fingerprint}
        texts[wanted.json] = json.dumps(subject | summary.to_json(), indent=2) + "\n"
    if wanted.misses is not None:
        lines = private_lines(scored, run.dataset.problems)
        texts[wanted.misses] = "".join(json.dumps(line) + "\n" for line in lines)
    if wanted.report is not None:
        texts |= _report_texts(wanted.report, wanted, run, scored, summary)
    return texts


def _report_texts(
    file: Path, wanted: Wanted, run: Run, scored: Scored, summary: Summary
) -> dict[Path, str]:
    subject = Subject(
        name=run.dataset.name,
        fingerprint=run.dataset.fingerprint,
        pictures=len(run.dataset.pictures),
        problems=tuple(problem.text for problem in run.dataset.problems),
        unread=tuple(why for _, why in (*run.unread, *scored.invalid)),
        policy=wanted.policy,
        target=wanted.target,
        made_on=command_line.today(),
        command=wanted.words,
    )
    document = compose.document(subject, run.pairs, scored, summary)
    if file.suffix.lower() != ".md":
        return {file: compose.html(document)}
    page = compose.markdown(document, prefix=f"{file.stem}-")
    figures = {file.with_name(name): svg for name, svg in page.figures.items()}
    return {file: page.text, **figures}


def _say_problems(problems: Sequence[str]) -> None:
    for problem in problems[:PROBLEMS_SHOWN]:
        tqdm.write(problem, file=sys.stderr)
    if len(problems) > PROBLEMS_SHOWN:
        tqdm.write(
            f"... and {len(problems) - PROBLEMS_SHOWN} more; --misses lists them all.",
            file=sys.stderr,
        )
