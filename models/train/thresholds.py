"""Thresholds that hold what they promise on pictures nobody has seen, as far as the data goes.

Conformal risk control (Angelopoulos, Bates, Fisch, Lei & Schuster, "Conformal Risk Control", ICLR
2024, theorem 1): with the losses of n exchangeable units, none above 1 and none growing when the
threshold falls, the highest threshold with (n R + 1) / (n + 1) <= risk keeps the expected loss of
the next unit at or below the risk. The unit is the group (a person, an event), for pictures of one
group are not exchangeable one by one; the loss is the share of a group's labels that are missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.category import Category
from engine.evaluation.findings import Findings
from engine.evaluation.labels import LabelledPicture
from engine.evaluation.matching import hidden_from, inside
from engine.evaluation.scoring import upright_labels


@dataclass(frozen=True, slots=True)
class Control:
    """A threshold and what it promises for one more group from the same sources."""

    threshold: float | None
    """None where no threshold keeps the risk: then even an empty result says nothing."""
    risk: float
    """Bound on the expected share of a new group's labels that are missed, 0..1."""
    groups: int
    missed: float
    """The share missed on these groups, each counting the same."""


def hiding_scores(
    pairs: Iterable[tuple[LabelledPicture, Findings]], category: Category
) -> dict[str, tuple[float, ...]]:
    """By group, the highest threshold at which each of its labels is still hidden."""
    groups: dict[str, list[float]] = {}
    for picture, findings in pairs:
        if category not in picture.counted:
            continue
        found = [
            one for one in inside(findings.found, findings.size) if one.region.category is category
        ]
        for label in upright_labels(picture, findings):
            if label.category is category and not label.is_ignored:
                score = hidden_from(label.box, found)
                groups.setdefault(picture.group or picture.name, []).append(score)
    return {group: tuple(scores) for group, scores in groups.items()}


def controlled(groups: Mapping[str, Sequence[float]], risk: float) -> Control:
    """The highest threshold that keeps a risk."""
    size = len(groups)
    for threshold in sorted(
        {s for scores in groups.values() for s in scores if s > 0}, reverse=True
    ):
        missed = _missed(groups, threshold)
        if _bound(missed, size) <= risk:
            return Control(threshold, risk, size, missed)
    return Control(None, risk, size, _missed(groups, 0.0))


def least_risk(groups: Mapping[str, Sequence[float]]) -> float:
    """The smallest risk that any threshold keeps: with none of what is seen at all dropped."""
    return _bound(_missed(groups, 0.0), len(groups))


def _missed(groups: Mapping[str, Sequence[float]], threshold: float) -> float:
    """Mean over groups of the share of labels that are not hidden at a threshold."""
    shares: list[NDArray[np.bool_]] = [np.array(s) < threshold for s in groups.values()]
    return float(np.mean([share.mean() for share in shares])) if shares else 1.0


def _bound(missed: float, groups: int) -> float:
    return (groups * missed + 1) / (groups + 1)
