"""Thresholds by conformal risk control: proposals and limits in, thresholds with bounds out.

Conformal risk control (Angelopoulos, Bates, Fisch, Lei & Schuster, "Conformal Risk Control", ICLR
2024, theorem 1): of n exchangeable units with losses of at most 1 that never fall when a threshold
moves one way, the last threshold with (n R + 1) / (n + 1) <= risk, R being their mean loss, keeps
the expected loss of one more unit at or below the risk. The unit here is the group (a person, an
event), because the pictures of one group are not exchangeable one by one.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.category import Category
from engine.coverage import share_removed
from engine.detect.score_fusion import SUREST
from engine.geometry import PixelRect, Size
from models.train.calibration.fusing import Likelihood
from models.train.calibration.matching import Proposals
from models.train.errors import TrainingRefused

RISKS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.10, 0.15, 0.20)
"""Risks of missing labels that are tried, fixed beforehand and the same for every policy, so that
who may spend more never misses more: the theorem is about a risk chosen
without looking. Which of them is taken does depend on the data, so strictly each holds as: the
expected loss, counted only where that risk or a smaller one was taken, is at most that risk. A
category for which none holds has no threshold worth the name."""
NEEDLESS_RISK = 0.20
"""In at most this share of pictures something is removed without asking that is nothing."""
LEAST_FREE = 0.05
"""What is less likely than this is no reason to ask, where no label is known to need it."""
DIGITS = 4
_HAIR = 1e-12


@dataclass(frozen=True, slots=True)
class Control:
    """A category's thresholds and what they promise for one more group from the same sources."""

    review_at: float
    auto_redact_at: float
    risk: float | None
    """Bound on the expected share of a new group's labels that are missed, one of `RISKS`; None
    where none of them holds, so that an empty result says too little and a person must look."""
    groups: int
    labels: int
    missed: int
    """Labels of these groups that are missed at `review_at`."""
    may_accept: bool
    """False where no threshold keeps the needless risk, so that a person is asked about all."""
    false_regions: float = 0.0
    """From `review_at` on, for a picture that is completely labelled for the category."""
    false_share: float = 0.0
    """Mean share of such a picture under their masks, 0..1."""
    is_by_budget: bool = False
    """True where every threshold that keeps a risk costs more than is allowed, so that the budget
    alone chose `review_at` and nothing is promised."""
    needless: float = NEEDLESS_RISK
    """The share of pictures that `auto_redact_at` keeps."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the thresholds of one category must keep."""

    risks: tuple[float, ...] = RISKS
    """Of missing labels, ascending."""
    false_regions: float = math.inf
    """At most so many for a completely labelled picture, from `review_at` on."""
    false_share: float = 1.0
    """Their masks lie on at most this share of such a picture, on average."""
    price: float = 0.0
    """False regions that one more label found may cost, within the two budgets above."""
    free_regions: float = 0.0
    """So many for a picture, and"""
    free_share: float = 0.0
    """this share of it, may be spent with no label to show for it: a few hundred labels do not hold
    every kind of thing."""
    needless: float = NEEDLESS_RISK
    """At most this share of pictures has something false at or above `auto_redact_at`."""


def control(
    pictures: Sequence[Proposals],
    category: Category,
    likelihood: Likelihood,
    limits: Limits = Limits(),
) -> Control:
    """Choose the thresholds of one category: conformal risk control within a budget.

    `review_at` is the highest threshold at the smallest risk that any keeps; where no risk can be
    kept, it loses nothing that was seen. Where that costs more false regions, or more of a picture
    under their masks, than the budget allows, it is the lowest that keeps the budget, and the risk
    is the smallest that it keeps too. Within the budget it falls further as long as one more label
    found costs fewer false regions than the price: a group counts once, whatever it shows, so
    that the risk alone says little about the many small faces of a crowd; and it falls as far as
    what may be spent freely lets it.
    `auto_redact_at` is the lowest that keeps the needless risk.

    Raises:
        TrainingRefused: no picture has a label of the category.
    """
    hiding: dict[str, list[float]] = {}
    needless: dict[str, list[float]] = {}
    complete: list[_FalsePositives] = []
    for picture in pictures:
        probabilities = likelihood(picture, category)
        if scores := picture.hiding(category, probabilities):
            hiding.setdefault(picture.group, []).extend(scores)
        if category in picture.picture.labelled_for:
            pairs = zip(picture.of(category), probabilities, strict=True)
            false = [
                (score, proposal.region.rect)
                for proposal, score in pairs
                if proposal.is_true is False
            ]
            complete.append(_FalsePositives(tuple(false), picture.size))
            needless.setdefault(picture.group, []).append(
                max([0.0, *(score for score, _ in false)])
            )
    if not hiding:
        raise TrainingRefused(
            f"No picture has a label of {category.value}, so no threshold can be chosen; add "
            "labelled pictures of more people or events."
        )
    cheapest = _cheapest(complete, limits)
    risks = [risk for risk in limits.risks if risk >= least_risk(hiding) - _HAIR]
    review_at = {risk: _down(last_valid(hiding, risk)) for risk in risks}
    safest = _down(last_valid(hiding, risks[0] if risks else least_risk(hiding)))
    chosen = _lower_by_price(
        hiding, complete, max(safest, _up(cheapest)), _up(cheapest), limits.price
    )
    if limits.free_regions > 0:
        free = replace(limits, false_regions=limits.free_regions, false_share=limits.free_share)
        chosen = min(chosen, max(_up(_cheapest(complete, free)), LEAST_FREE))
    kept_risk = next((risk for risk in risks if review_at[risk] >= chosen), None)
    auto_redact_at = max(_up(first_valid(needless, limits.needless)), chosen)
    return Control(
        review_at=chosen,
        auto_redact_at=auto_redact_at,
        risk=kept_risk,
        groups=len(hiding),
        labels=sum(len(scores) for scores in hiding.values()),
        missed=sum(s < chosen or s <= 0 for scores in hiding.values() for s in scores),
        may_accept=auto_redact_at <= SUREST,
        false_regions=_regions(complete, chosen),
        false_share=_share(complete, chosen),
        is_by_budget=kept_risk is None and chosen >= cheapest > 0,
        needless=limits.needless,
    )


@dataclass(frozen=True, slots=True)
class _FalsePositives:
    """False positives of a picture that is completely labelled for a category."""

    masks: tuple[tuple[float, PixelRect], ...]
    """Probability and mask of each."""
    size: Size

    def above(self, threshold: float) -> list[PixelRect]:
        """The masks from a threshold on."""
        return [rect for score, rect in self.masks if score >= threshold]


def _regions(pictures: Sequence[_FalsePositives], threshold: float) -> float:
    """False regions a picture; 0 where there is none."""
    return sum(len(picture.above(threshold)) for picture in pictures) / max(len(pictures), 1)


def _share(pictures: Sequence[_FalsePositives], threshold: float) -> float:
    """Mean share of a picture under them; 0 where there is none."""
    return _mean(share_removed(picture.above(threshold), picture.size) for picture in pictures)


def _cheapest(pictures: Sequence[_FalsePositives], limits: Limits) -> float:
    """The lowest threshold that keeps the budget; 0 where all do."""

    def is_kept(threshold: float) -> bool:
        return (
            _regions(pictures, threshold) <= limits.false_regions
            and _share(pictures, threshold) <= limits.false_share
        )

    steps = sorted({score for picture in pictures for score, _ in picture.masks})
    steps = [0.0, *(float(np.nextafter(score, 2.0)) for score in steps)]
    return steps[bisect.bisect_left(steps, True, key=is_kept)]  # the last is above all: always kept


def _lower_by_price(
    hiding: Mapping[str, Sequence[float]],
    pictures: Sequence[_FalsePositives],
    start: float,
    least: float,
    price: float,
) -> float:
    """The lowest threshold from `start` down to `least` whose steps are worth their price."""
    chosen, labels = start, _found(hiding, start)
    false = _regions(pictures, start) * len(pictures)
    for threshold in sorted(
        {_down(s) for s in _seen(hiding) if least <= _down(s) < start}, reverse=True
    ):
        gain = _found(hiding, threshold) - labels
        costs = _regions(pictures, threshold) * len(pictures) - false
        if costs < price * gain:
            chosen, labels, false = threshold, labels + gain, false + costs
    return chosen


def _found(hiding: Mapping[str, Sequence[float]], threshold: float) -> int:
    """Labels that are hidden at a threshold."""
    return sum(0 < score >= threshold for scores in hiding.values() for score in scores)


def bound(loss: float, groups: int) -> float:
    """Conformal bound on the expected loss of one more group."""
    return (groups * loss + 1) / (groups + 1)


def least_risk(hiding: Mapping[str, Sequence[float]]) -> float:
    """The smallest controllable risk: that of keeping every proposal."""
    return bound(_missed(hiding, 0.0), len(hiding))


def last_valid(hiding: Mapping[str, Sequence[float]], risk: float) -> float:
    """The highest `review_at` that keeps a risk of missing labels; 0 where none does."""
    for threshold in sorted(set(_seen(hiding)), reverse=True):
        if bound(_missed(hiding, threshold), len(hiding)) <= risk + _HAIR:
            return threshold
    return 0.0


def first_valid(needless: Mapping[str, Sequence[float]], risk: float) -> float:
    """The lowest `auto_redact_at` that keeps a risk of needless removal; infinite if none does."""
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
    return _mean(float((np.array(scores) < least).mean()) for scores in hiding.values())


def _reaching(needless: Mapping[str, Sequence[float]], threshold: float) -> float:
    return _mean(float((np.array(scores) >= threshold).mean()) for scores in needless.values())


def _mean(shares: Iterable[float]) -> float:
    values = list(shares)
    return float(np.mean(values)) if values else 0.0


# The product of a score a hair beside a step and 10**DIGITS may be the step itself.


def _down(score: float) -> float:
    steps = math.floor(score * 10**DIGITS)
    return float((steps if steps / 10**DIGITS <= score else steps - 1) / 10**DIGITS)


def _up(score: float) -> float:
    if score >= 1.0:
        return 1.0
    steps = math.ceil(score * 10**DIGITS)
    return float((steps if steps / 10**DIGITS >= score else steps + 1) / 10**DIGITS)
