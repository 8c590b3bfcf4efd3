"""Recall: counts in, a summary with confidence bounds and target status out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.category import DETECTABLE, Category
from engine.errors import InvalidDataset
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.data.uncounted import Missing, Uncounted, total_of
from engine.evaluation.scores.cost import Cost, Histogram
from engine.evaluation.scores.counts import CategoryCounts, Counts, comparable, count
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.proportion import CONFIDENCE, Proportion
from engine.evaluation.scores.scoring import PictureScore, score
from engine.evaluation.scores.summary import (
    CategorySummary,
    CostSummary,
    Coverage,
    Doubtful,
    Found,
    FreePictures,
    GroupSummary,
    Quantiles,
    Reviewed,
    ReviewLoad,
    Spread,
    Summary,
    TargetStatus,
)
from engine.policy import Policy

TARGET = 0.99
"""Recall asked of every category."""
ENOUGH_FOR = 0.95
"""A slice is large enough to say something when, with no miss, its bound would reach this."""
RESAMPLES = 2000
_SEED = 20
_NOTHING_MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Scored:
    """Pictures that could be scored, and how many could not."""

    scores: tuple[PictureScore, ...]
    """By picture name."""
    invalid: tuple[tuple[LabelledPicture, str], ...]
    """Pictures whose labels do not fit them, each with a sentence."""


def score_all(pairs: Iterable[tuple[LabelledPicture, PredictionRecord]], policy: Policy) -> Scored:
    """Score every picture under a policy's thresholds, in the order of their names."""
    scores: list[PictureScore] = []
    invalid: list[tuple[LabelledPicture, str]] = []
    for picture, findings in sorted(pairs, key=lambda pair: pair[0].name):
        try:
            scores.append(score(picture, findings, policy))
        except InvalidDataset as error:
            invalid.append((picture, str(error)))
    return Scored(tuple(scores), tuple(invalid))


def report(
    pairs: Sequence[tuple[LabelledPicture, PredictionRecord]],
    policy: Policy,
    *,
    target: float = TARGET,
    unread: int = 0,
    problems: int = 0,
    missing: Missing = _NOTHING_MISSING,
) -> Summary:
    """Evaluate pictures under a policy: score each, count, and summarise.

    Args:
        pairs: pictures with their prediction records.
        policy: its thresholds apply.
        target: recall asked of every category, 0..1.
        unread: pictures that could not be read; they are in no other figure.
        problems: parts of the data set that were left out.
        missing: boxes that were left out before anything was scored.
    """
    scored = score_all(pairs, policy)
    invalid = tuple(picture for picture, _ in scored.invalid)
    return summary(
        count(scored.scores),
        policy,
        target=target,
        unread=unread + len(invalid),
        problems=problems,
        missing=replace(missing, unread=(*missing.unread, *invalid)),
    )


def summary(
    counts: Counts,
    policy: Policy,
    *,
    target: float,
    unread: int,
    problems: int,
    missing: Missing = _NOTHING_MISSING,
) -> Summary:
    """Summarise the counts of all shards. See `report`."""
    review_load = counts.review_load
    passed = 1.0 - review_load.share if review_load.share is not None else None
    uncounted = {
        category: counts.categories[category].uncounted + missing.of(category)
        for category in DETECTABLE
    }
    return Summary(
        pictures=review_load.total,
        unread=unread,
        problems=problems,
        target=target,
        review_load=ReviewLoad(
            all=_rounded(review_load.share),
            with_labels=_rounded(counts.with_labels.share),
            without_labels=_rounded(counts.without_labels.share),
            audit=_rounded(None if passed is None else passed * policy.review.audit_share),
        ),
        excess_masked=_spread(counts.over_masked),
        margins_masked=_spread(counts.margins),
        cost=_cost(counts.cost),
        categories={
            category: _category(counts.categories[category], target, uncounted[category])
            for category in DETECTABLE
        },
        uncounted=total_of(uncounted.values(), missing),
        turned=counts.turned,
        groups=tuple(
            group
            for category in DETECTABLE
            for group in _groups(category, counts.categories[category])
        ),
        policy=policy.fingerprint,
        weights=tuple(sorted(counts.weights)),
    )


def target_status(proportion: Proportion, target: float) -> tuple[TargetStatus, bool]:
    """Target status of a proportion, and whether it is certain (95 % one-sided bounds).

    *met*: the one-sided lower bound reaches the target. *missed*: recall itself lies below it, for
    certain when the upper bound does too. *not_proven*: between.
    """
    share, lower, upper = proportion.share, proportion.lower(), proportion.upper()
    if share is None or lower is None or upper is None:
        return "not_measured", False
    if lower >= target:
        return "met", True
    if share < target:
        return "missed", upper < target
    return "not_proven", False


def whole_groups(groups: Mapping[str, Proportion]) -> Proportion:
    """Groups of which every label was found, of all groups."""
    return Proportion(sum(group.found == group.total for group in groups.values()), len(groups))


def bootstrap_lower(groups: Mapping[str, Proportion]) -> float | None:
    """One-sided lower bound of recall, bootstrapped by group; None of nothing.

    The percentile bootstrap over clusters (Efron and Tibshirani 1993, chapter 13), for labels of
    one person or event are not independent. It can say nothing beyond what was seen: with no miss
    it is 1, which is why it stands beside the exact bounds and never in their place.
    """
    if not groups:
        return None
    proportions = [groups[name] for name in sorted(groups)]
    found = np.array([proportion.found for proportion in proportions])
    total = np.array([proportion.total for proportion in proportions])
    rng = np.random.default_rng(_SEED)
    even = np.full(len(proportions), 1 / len(proportions))
    shares = []
    for _ in range(RESAMPLES):  # one at a time: all at once would not fit in memory for large sets
        weights = rng.multinomial(len(proportions), even)
        shares.append(float(weights @ found) / float(weights @ total))
    return float(np.quantile(shares, 1 - CONFIDENCE))


def is_enough(labels: int) -> bool:
    """True when so many labels, all found, would prove at least 95 %."""
    bound = Proportion(labels, labels).lower()
    return bound is not None and bound >= ENOUGH_FOR


def _category(counts: CategoryCounts, target: float, uncounted: Uncounted) -> CategorySummary:
    coverage = counts.coverage
    status, certain = target_status(coverage, target)
    groups = whole_groups(counts.groups)
    return CategorySummary(
        labels=coverage.total,
        iou=_found(counts.iou),
        coverage=Coverage(
            found=coverage.found,
            recall=_rounded(coverage.share),
            lower95=_rounded(coverage.lower()),
            upper95=_rounded(coverage.upper()),
            lower95_groups=_rounded(groups.lower()),
            lower95_bootstrap=_rounded(bootstrap_lower(counts.groups)),
            groups=groups.total,
            whole_groups=groups.found,
        ),
        automatic=_found(counts.automatic),
        false_per_picture=_rounded(
            counts.false_positives / counts.complete if counts.complete else None
        ),
        complete_pictures=counts.complete,
        doubtful=Doubtful(
            with_labels=_rounded(counts.review_with.share),
            without_labels=_rounded(counts.review_without.share),
        ),
        misses={cause.value: n for cause, n in sorted(counts.false_negative_causes.items())},
        false_alarms={cause.value: n for cause, n in sorted(counts.false_positive_causes.items())},
        verdict=status,
        certain=certain,
        uncounted=uncounted,
    )


def _cost(cost: Cost) -> CostSummary:
    return CostSummary(
        to_a_person=Reviewed(
            pictures=cost.review_load.found,
            share=_rounded(cost.review_load.share),
            boxes=_quantiles(cost.boxes),
            doubts=_quantiles(cost.review_regions),
        ),
        removed=_spread(cost.removed),
        removed_at_most=_spread(cost.removed_at_most),
        free=FreePictures(
            pictures=cost.free_touched.total,
            touched=cost.free_touched.found,
            to_a_person=cost.free_reviewed.found,
        ),
    )


def _quantiles(boxes: Histogram) -> Quantiles:
    return Quantiles(median=boxes.at(0.5), p90=boxes.at(0.9), worst=boxes.at(1.0))


def _spread(shares: Sequence[float]) -> Spread:
    return Spread(
        mean=_rounded(float(np.mean(shares))) if shares else None,
        p95=_rounded(float(np.percentile(shares, 95))) if shares else None,
    )


def _groups(category: Category, counts: CategoryCounts) -> list[GroupSummary]:
    return [
        GroupSummary(
            by=part.by,
            value=part.value,
            category=category,
            labels=proportion.total,
            found=proportion.found,
            recall=_rounded(proportion.share),
            lower95=_rounded(proportion.lower()),
            enough=is_enough(proportion.total),
        )
        for part, proportion in comparable(counts.slices).items()
    ]


def _found(proportion: Proportion) -> Found:
    return Found(found=proportion.found, recall=_rounded(proportion.share))


def _rounded(value: float | None) -> float | None:
    """Nine digits, so that every machine writes the same; the status goes by the value itself."""
    return None if value is None else round(value, 9)
