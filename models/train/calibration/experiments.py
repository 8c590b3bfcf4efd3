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

RECALLS = (0.90, 0.95, 0.98)
HEAD = (
    "| what was changed | category | labels | never hidden | false regions a picture at recall "
    + " | at ".join(f"{one:.2f}" for one in RECALLS)
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
        cells += ["–" if one is None else f"{one:.2f}" for one in self.false_at]
        cells.append("–" if self.risk is None else f"{self.risk:.0%}")
        return "| " + " | ".join(cells) + " |\n"


def measured(
    every: Sequence[Proposals], category: Category, likely_in: Likelihood, chosen: Control
) -> Experiment:
    """Measure one category."""
    scores: list[float] = []
    false: list[float] = []
    pictures = 0
    for one in every:
        own = one.of(category)
        likely = likely_in(one, category)
        scores += one.hiding(category, likely)
        if category in one.picture.labelled_for:
            pictures += 1
            false += [p for p, each in zip(likely, own, strict=True) if each.is_true is False]
    ordered = np.sort(scores)
    return Experiment(
        category,
        len(scores),
        int((ordered <= 0).sum()),
        tuple(_false_at(ordered, np.array(false), recall, pictures) for recall in RECALLS),
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
    """Append rows to the table at the end of a Markdown file."""
    if "\n" in note or "|" in note:
        raise ValueError(f"a note is one line without |, got {note!r}")
    with file.open("a", encoding="utf-8") as out:
        out.writelines(one.row(note) for one in experiments)
