"""Paired comparison of two evaluations: labels gained and lost, with an exact test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from scipy.special import bdtr

from engine.category import Category
from engine.evaluation.scores.scoring import LabelScore, PictureScore

_Key: TypeAlias = tuple[str, tuple[float, ...], int]


@dataclass(frozen=True, slots=True)
class Change:
    """A label found in one evaluation only."""

    picture: PictureScore
    """As in the later evaluation."""
    before: LabelScore
    after: LabelScore


@dataclass(frozen=True, slots=True)
class Comparison:
    """One category in two evaluations, on the labels that both have."""

    common: int
    gained: tuple[Change, ...]
    """Missed before, found after."""
    lost: tuple[Change, ...]
    """Found before, missed after."""
    only_before: int
    """Labels the later evaluation does not have."""
    only_after: int

    @property
    def p_value(self) -> float | None:
        """Two-sided exact McNemar p-value; None without changes.

        McNemar 1947: a fair coin for each label found in one evaluation only, which is even, so
        that both tails are equal. Labels of one person or event are not independent, so read it as
        a hint.
        """
        fewer, more = sorted((len(self.gained), len(self.lost)))
        return min(1.0, 2 * float(bdtr(fewer, fewer + more, 0.5))) if more else None


def compare(
    before: Sequence[PictureScore], after: Sequence[PictureScore], category: Category
) -> Comparison:
    """Compare label by label; labels match by picture, category and box."""
    earlier, later = _labels(before, category), _labels(after, category)
    common = [
        Change(later[key][0], earlier[key][1], later[key][1])
        for key in sorted(earlier.keys() & later.keys())
    ]
    return Comparison(
        common=len(common),
        gained=tuple(pair for pair in common if pair.after.is_found and not pair.before.is_found),
        lost=tuple(pair for pair in common if pair.before.is_found and not pair.after.is_found),
        only_before=len(earlier.keys() - later.keys()),
        only_after=len(later.keys() - earlier.keys()),
    )


def _labels(
    scores: Sequence[PictureScore], category: Category
) -> dict[_Key, tuple[PictureScore, LabelScore]]:
    labels: dict[_Key, tuple[PictureScore, LabelScore]] = {}
    for score in scores:
        twins: dict[tuple[float, ...], int] = {}
        for label in score.labels_of(category):
            corners = tuple(round(corner, 1) for corner in label.label.box.corners)
            twins[corners] = twins.get(corners, 0) + 1  # the same box may be there twice
            labels[score.picture.name, corners, twins[corners]] = (score, label)
    return labels
