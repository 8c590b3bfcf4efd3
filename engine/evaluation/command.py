"""`python -m engine evaluate`: a labelled data set in, recall and a verdict per category out."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from engine.errors import UnusableFolder
from engine.evaluation import recall, report
from engine.evaluation.counts import count
from engine.evaluation.datasets import read_dataset
from engine.evaluation.listing import listed
from engine.evaluation.recall import TARGET, Scored, score_all
from engine.evaluation.report import Subject
from engine.evaluation.run import Run, evaluate
from engine.evaluation.tally import share_down, share_up
from engine.policy import Policy
from engine.weights import load_weights

PROBLEMS_SHOWN = 20


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
    """One line for each missed label and false region; names pictures, so it is private."""

    @property
    def words(self) -> str:
        """The command that remakes the report; without folders, which say much about a machine."""
        images = " --images DIR" if self.images else ""
        report = f" --report {self.report.name}" if self.report else ""
        return f"python -m engine evaluate {self.dataset.name}{images}{report}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The words that `evaluate` alone knows."""
    parser.add_argument("dataset", metavar="DATASET", type=Path)
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="where the pictures lie, if not beside DATASET"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write a report to print and sign, without pictures or their names (or FILE.md)",
    )
    parser.add_argument(
        "--misses",
        type=Path,
        metavar="FILE.jsonl",
        help="list each miss and false region; names pictures, so it is private",
    )
    parser.add_argument(
        "--fail-under",
        type=_share,
        metavar="RECALL",
        help=f"the target, and exit 4 when a category misses it (without: {TARGET}, and exit 0)",
    )


def measure(wanted: Wanted) -> dict[str, Any]:
    """Evaluate and write what was asked for; the summary is `recall.report`'s.

    Raises:
        InvalidDataset: the data set cannot be read, or has no picture.
        UnusableFolder: something cannot be written; said before the work begins.
    """
    load_weights("centerface")  # say what is missing before starting processes
    for file in filter(None, (wanted.json, wanted.report, wanted.misses)):
        _check_writable(file)
    dataset = read_dataset(wanted.dataset, wanted.images)
    _say_problems([str(problem) for problem in dataset.problems])
    with tqdm(total=len(dataset.pictures), unit=" pictures", file=sys.stderr, smoothing=0.1) as bar:
        run = evaluate(dataset, wanted.policy, workers=wanted.workers, progress=bar.update)
    scored = score_all(run.pairs, wanted.policy)
    refused = [(picture.name, why) for picture, why in (*run.unread, *scored.unfit)]
    _say_problems([f"{name}: {why}" for name, why in refused])
    summary = recall.summary(
        count(scored.scores),
        wanted.policy,
        target=wanted.target,
        unread=len(refused),
        problems=len(dataset.problems),
    )
    _write(wanted, run, scored, summary)
    return summary


def is_missed(summary: dict[str, Any]) -> bool:
    """True when any category's recall lies below the target."""
    return any(one["verdict"] == "missed" for one in summary["categories"].values())


def as_text(summary: dict[str, Any]) -> str:
    """The summary as a person reads it in a terminal; recall is never rounded up."""
    load, excess = summary["review_load"], summary["excess_masked"]
    weights = ", ".join(summary["weights"]) or "no detector"
    shares = [share_up(load[which]) for which in ("all", "with", "without")]
    lines = [
        f"{summary['pictures']} pictures, {summary['unread']} could not be used; {weights}",
        "category  labels   found   at least  automatic  false/picture  verdict",
        *(_line(name, one) for name, one in summary["categories"].items()),
        "A person must look at {} of the pictures (with labels {}, without {}).".format(*shares),
        f"Masked without need: {share_up(excess['mean'])} of a picture on average.",
    ]
    return "\n".join(lines)


def _line(name: str, one: dict[str, Any]) -> str:
    false = one["false_per_picture"]
    word = one["verdict"].replace("_", " ")
    if word == "missed" and one["certain"]:
        word += " for certain"
    return (
        f"{name:8} {one['labels']:7} {share_down(one['coverage']['recall']):>8} "
        f"{share_down(one['coverage']['lower95']):>9} {share_down(one['automatic']['recall']):>10} "
        f"{'-' if false is None else f'{false:.2f}':>14}  {word}"
    )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, like 0.99, not {text!r}")
    return value


def _write(wanted: Wanted, run: Run, scored: Scored, summary: dict[str, Any]) -> None:
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    if wanted.misses is not None:
        text = "".join(json.dumps(line) + "\n" for line in listed(scored))
        wanted.misses.write_text(text, encoding="utf-8")
    if wanted.report is not None:
        _write_report(wanted.report, wanted, run, scored, summary)


def _write_report(
    file: Path, wanted: Wanted, run: Run, scored: Scored, summary: dict[str, Any]
) -> None:
    subject = Subject(
        name=run.dataset.name,
        fingerprint=run.dataset.fingerprint,
        pictures=len(run.dataset.pictures),
        problems=tuple(problem.text for problem in run.dataset.problems),
        unread=tuple(why for _, why in (*run.unread, *scored.unfit)),
        policy=wanted.policy,
        target=wanted.target,
        made_on=datetime.now(UTC).date().isoformat(),
        command=wanted.words,
    )
    made = report.document(subject, run.pairs, scored, summary)
    if file.suffix.lower() != ".md":
        file.write_text(report.html(made), encoding="utf-8")
        return
    written = report.markdown(made, prefix=f"{file.stem}-")
    file.write_text(written.text, encoding="utf-8")
    for name, svg in written.figures.items():
        (file.parent / name).write_text(svg, encoding="utf-8")


def _check_writable(file: Path) -> None:
    if not file.parent.is_dir():
        raise UnusableFolder(f"{file} cannot be written: there is no folder {file.parent}.")
    if file.is_dir():
        raise UnusableFolder(f"{file} cannot be written: it is a folder.")


def _say_problems(problems: Sequence[str]) -> None:
    for problem in problems[:PROBLEMS_SHOWN]:
        tqdm.write(problem, file=sys.stderr)
    if len(problems) > PROBLEMS_SHOWN:
        tqdm.write(f"... and {len(problems) - PROBLEMS_SHOWN} more like these.", file=sys.stderr)
