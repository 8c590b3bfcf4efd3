"""Experiment log: false positives at a given recall, on calibration pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.category import Category
from models.train.calibration.fusing import Likelihood
from models.train.calibration.matching import Proposals
from models.train.calibration.thresholds import Control
from models.train.files import write_whole

RECALLS = (0.90, 0.95, 0.98)
HEAD = (
    "| what was changed | category | labels | never hidden | false regions a picture at recall "
    + " | at ".join(f"{recall:.2f}" for recall in RECALLS)
    + " | expected to be missed, at most |\n|---|---|---|---|"
    + "---|" * (len(RECALLS) + 1)
    + "\n"
)


@dataclass(frozen=True, slots=True)
class Experiment:
    """One category, by coverage."""

    category: Category
    labels: int
    never: int
    """Labels that no threshold hides."""
    false_at: tuple[float | None, ...]
    """False proposals a completely labelled picture at each of `RECALLS`; None: out of reach."""
    risk: float | None

    def row(self, note: str) -> str:
        """A line of the table under `HEAD`."""
        cells = [note, self.category.value, str(self.labels), str(self.never)]
        cells += ["–" if rate is None else f"{rate:.2f}" for rate in self.false_at]
        cells.append("–" if self.risk is None else f"{self.risk:.0%}")
        return "| " + " | ".join(cells) + " |\n"


def measured(
    pictures: Sequence[Proposals], category: Category, likely_in: Likelihood, chosen: Control
) -> Experiment:
    """Measure one category."""
    scores: list[float] = []
    false: list[float] = []
    complete = 0
    for picture in pictures:
        proposals = picture.of(category)
        likely = likely_in(picture, category)
        scores += picture.hiding(category, likely)
        if category in picture.picture.labelled_for:
            complete += 1
            false += [
                probability
                for probability, proposal in zip(likely, proposals, strict=True)
                if proposal.is_true is False
            ]
    ordered = np.sort(scores)
    return Experiment(
        category,
        len(scores),
        int((ordered <= 0).sum()),
        tuple(_false_at(ordered, np.array(false), recall, complete) for recall in RECALLS),
        chosen.risk,
    )


def _false_at(
    ordered: np.ndarray,
    false: np.ndarray,
    recall: float,
    pictures: int,
) -> float | None:
    place = int(np.floor((1 - recall) * len(ordered) + 1e-9))
    threshold = ordered[place] if place < len(ordered) else 0.0
    if threshold <= 0 or not pictures:
        return None
    return float((false >= threshold).sum() / pictures)


def note_down(file: Path, note: str, experiments: Sequence[Experiment]) -> None:
    """Append rows to the last table of a Markdown file; what is said below it stays below."""
    if "\n" in note or "|" in note:
        raise ValueError(f"a note is one line without |, got {note!r}")
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    rows = [number for number, line in enumerate(lines) if line.startswith("|")]
    end = rows[-1] + 1 if rows else len(lines)
    lines[end:end] = [experiment.row(note) for experiment in experiments]
    write_whole(file, "".join(lines).encode())
