"""Calibration: scored detections in, reliability bins and expected calibration error out.

Only detections on pictures labelled completely for their category count. A label's own attributes
say nothing about false detections, which have no label; so calibration by group goes by what the
data set says about whole pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.category import Category
from engine.evaluation.scores.counts import NOT_A_GROUP, Slice, comparable
from engine.evaluation.scores.proportion import NONE, Proportion
from engine.evaluation.scores.scoring import PictureScore

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Detections with scores in one tenth, or of one group."""

    label: str
    mean_score: float
    on_labels: Proportion

    @property
    def gap(self) -> float:
        """Mean score minus precision; above 0 the detector is overconfident."""
        return self.mean_score - (self.on_labels.share or 0.0)


def reliability(scores: Iterable[PictureScore], category: Category) -> tuple[Bin, ...]:
    """Reliability bins: detections by tenths of their score, ascending; empty bins left out."""
    points = _points(scores, category)
    bins = []
    for index in range(BINS):
        inside = [point for point in points if min(int(point[0] * BINS), BINS - 1) == index]
        if inside:
            bins.append(_bin(f"{index / BINS:.1f} to {(index + 1) / BINS:.1f}", inside))
    return tuple(bins)


def expected_error(bins: Sequence[Bin]) -> float | None:
    """Expected calibration error: the mean gap's size, weighted by detections (Guo et al. 2017)."""
    total = sum(part.on_labels.total for part in bins)
    return sum(abs(part.gap) * part.on_labels.total for part in bins) / total if total else None


def bins_by_slice(scores: Iterable[PictureScore], category: Category) -> dict[Slice, Bin]:
    """One bin for each group of pictures that has detections."""
    grouped: dict[Slice, list[PictureScore]] = {}
    for score in scores:
        for by, value in score.picture.attributes:
            if by not in NOT_A_GROUP:
                grouped.setdefault(Slice(by, value), []).append(score)
    parts = comparable(dict.fromkeys(sorted(grouped), NONE))
    points = {part: _points(grouped[part], category) for part in parts}
    return {part: _bin(part.value, inside) for part, inside in points.items() if inside}


def _points(scores: Iterable[PictureScore], category: Category) -> list[tuple[float, bool]]:
    return [
        (point.score, point.is_true)
        for score in scores
        for point in score.scored_detections
        if point.category is category
    ]


def _bin(label: str, points: Sequence[tuple[float, bool]]) -> Bin:
    mean = sum(score for score, _ in points) / len(points)
    return Bin(label, mean, Proportion(sum(is_true for _, is_true in points), len(points)))
