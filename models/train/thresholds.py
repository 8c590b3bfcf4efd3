"""Thresholds that hold what they promise on pictures nobody has seen, as far as the data goes.

Conformal risk control (Angelopoulos, Bates, Fisch, Lei & Schuster, "Conformal Risk Control", ICLR
2024, theorem 1): of n exchangeable units with losses of at most 1 that never fall when a threshold
moves one way, the last threshold with (n R + 1) / (n + 1) <= risk, R being their mean loss, keeps
the expected loss of one more unit at or below the risk. The unit here is the group (a person, an
event), because the pictures of one group are not exchangeable one by one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.category import Category
from engine.detect.fuser import SUREST, FittedFuser
from models.train.errors import TrainingRefused
from models.train.judging import Judged

RISKS = (0.01, 0.02, 0.05, 0.10)
"""Risks of missing labels that are tried, fixed beforehand: the theorem is about a risk chosen
without looking. Which of them is taken does depend on the data, so strictly each holds as: the
expected loss, counted only where that risk or a smaller one was taken, is at most that risk. A
category for which none holds has no threshold worth the name."""
NEEDLESS_RISK = 0.20
"""In at most this share of pictures something is removed without asking that is nothing."""
DIGITS = 4
_HAIR = 1e-12


@dataclass(frozen=True, slots=True)
class Control:
    """A category's thresholds and what they promise for one more group from the same sources."""

    doubt_at: float
    accept_at: float
    risk: float | None
    """Bound on the expected share of a new group's labels that are missed, one of `RISKS`; None
    where none of them holds, so that an empty result says too little and a person must look."""
    groups: int
    labels: int
    missed: int
    """Labels of these groups that are missed at `doubt_at`."""
    may_accept: bool
    """False where no threshold keeps the needless risk, so that a person is asked about all."""
    false_regions: float = 0.0
    """From `doubt_at` on, for a picture that is completely labelled for the category."""
    is_by_budget: bool = False
    """True where every threshold that keeps a risk costs more false regions than allowed, so that
    the budget alone chose `doubt_at` and nothing is promised."""
    needless: float = NEEDLESS_RISK
    """The share of pictures that `accept_at` keeps."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the thresholds of one category must keep."""

    risks: tuple[float, ...] = RISKS
    """Of missing labels, ascending."""
    false_regions: float = math.inf
    """At most so many for a completely labelled picture, from `doubt_at` on."""
    needless: float = NEEDLESS_RISK
    """At most this share of pictures has something false at or above `accept_at`."""


def control(
    every: Sequence[Judged], category: Category, fuser: FittedFuser, limits: Limits = Limits()
) -> Control:
    """Choose the thresholds of one category: conformal risk control within a budget.

    `doubt_at` is the highest threshold at the smallest risk that any keeps; where no risk can be
    kept, it loses nothing that was seen. Where that costs more false regions than the budget
    allows, it is the lowest that keeps the budget, and the risk is the smallest that it keeps too.
    `accept_at` is the lowest that keeps the needless risk.

    Raises:
        TrainingRefused: no picture has a label of the category.
    """
    hiding: dict[str, list[float]] = {}
    needless: dict[str, list[float]] = {}
    false_scores: list[float] = []
    complete = 0
    for one in every:
        likely = [fuser.probability(each.thing, each.clues) for each in one.of(category)]
        if scores := one.hiding(category, likely):
            hiding.setdefault(one.group, []).extend(scores)
        if category in one.picture.labelled_for:
            false = [
                p for p, each in zip(likely, one.of(category), strict=True) if each.is_true is False
            ]
            needless.setdefault(one.group, []).append(max(false, default=0.0))
            false_scores += false
            complete += 1
    if not hiding:
        raise TrainingRefused(
            f"No picture of half B has a label of {category.value}, so no threshold can be chosen; "
            "add labelled pictures of more people or events."
        )
    cheapest = _cheapest(false_scores, limits.false_regions * complete if complete else math.inf)
    kept = [one for one in limits.risks if one >= least_risk(hiding) - _HAIR]
    doubt_at = {one: _down(last_valid(hiding, one)) for one in kept}
    safest = _down(last_valid(hiding, kept[0] if kept else least_risk(hiding)))
    chosen = max(safest, _up(cheapest))
    risk = next((one for one in kept if doubt_at[one] >= chosen), None)
    accept_at = max(_up(first_valid(needless, limits.needless)), chosen)
    return Control(
        doubt_at=chosen,
        accept_at=accept_at,
        risk=risk,
        groups=len(hiding),
        labels=sum(len(scores) for scores in hiding.values()),
        missed=sum(s < chosen or s <= 0 for scores in hiding.values() for s in scores),
        may_accept=accept_at <= SUREST,
        false_regions=sum(one >= chosen for one in false_scores) / max(complete, 1),
        is_by_budget=risk is None and chosen >= cheapest > 0,
        needless=limits.needless,
    )


def _cheapest(false_scores: Sequence[float], allowed: float) -> float:
    """The lowest threshold that no more than so many false proposals reach; 0 where all may."""
    if len(false_scores) <= allowed:
        return 0.0
    return float(np.nextafter(sorted(false_scores, reverse=True)[int(allowed)], 2.0))


def bound(loss: float, groups: int) -> float:
    """What the mean loss of these groups promises for the expected loss of one more."""
    return (groups * loss + 1) / (groups + 1)


def least_risk(hiding: Mapping[str, Sequence[float]]) -> float:
    """The smallest risk that any threshold keeps: that of dropping nothing that was seen."""
    return bound(_missed(hiding, 0.0), len(hiding))


def last_valid(hiding: Mapping[str, Sequence[float]], risk: float) -> float:
    """The highest `doubt_at` that keeps a risk of missing labels; 0 where none does."""
    for threshold in sorted(set(_seen(hiding)), reverse=True):
        if bound(_missed(hiding, threshold), len(hiding)) <= risk + _HAIR:
            return threshold
    return 0.0


def first_valid(needless: Mapping[str, Sequence[float]], risk: float) -> float:
    """The lowest `accept_at` that keeps a risk of needless removal; infinite where none does."""
    # Pictures with nothing false are at 0.0: the first threshold they do not reach is above it.
    above = sorted(np.nextafter(score, 2.0) for score in {0.0, *_seen(needless)})
    for threshold in [0.0, *above]:
        if bound(_reaching(needless, threshold), len(needless)) <= risk:
            return float(threshold)
    return math.inf


def _seen(groups: Mapping[str, Sequence[float]]) -> Iterable[float]:
    return (score for scores in groups.values() for score in scores if score > 0)


def _missed(hiding: Mapping[str, Sequence[float]], threshold: float) -> float:
    """Mean over groups of the share of labels not hidden at a threshold, or at none above 0."""
    least = max(threshold, np.nextafter(0.0, 1.0))
    return _mean(np.array(scores) < least for scores in hiding.values())


def _reaching(needless: Mapping[str, Sequence[float]], threshold: float) -> float:
    return _mean(np.array(scores) >= threshold for scores in needless.values())


def _mean(groups: Iterable[NDArray[np.bool_]]) -> float:
    shares = [group.mean() for group in groups]
    return float(np.mean(shares)) if shares else 0.0


# The product of a score a hair beside a step and 10**DIGITS may be the step itself.


def _down(score: float) -> float:
    steps = math.floor(score * 10**DIGITS)
    return float((steps if steps / 10**DIGITS <= score else steps - 1) / 10**DIGITS)


def _up(score: float) -> float:
    if score >= 1.0:
        return 1.0
    steps = math.ceil(score * 10**DIGITS)
    return float((steps if steps / 10**DIGITS >= score else steps + 1) / 10**DIGITS)
