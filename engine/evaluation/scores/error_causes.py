"""Error causes: a false negative or false positive in, the first cause that applies out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.category import Category
from engine.evaluation.data.labels import Label
from engine.evaluation.scores.matching import (
    HIDDEN_SHARE,
    NEVER,
    hidden_from,
    hidden_share,
    is_found_by,
    is_too_large,
)
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.geometry import Box
from engine.plan import Reason, ReasonKind, Region
from engine.policy import Policy
from engine.triage import Route

PARTLY_HIDDEN = 0.5
"""Share of a label from which its region was there, but too small."""
TOUCHING = 0.5
"""Share of the smaller of two boxes that lies in the other, from which they are of one thing."""


class FalseNegativeCause(StrEnum):
    """Causes of false negatives, in the order they are looked for; values are shown as they are."""

    NOBODY_LOOKED = "nobody looked"
    TOO_LARGE = "region too large to count"
    LOST_IN_MERGING = "lost in merging"
    TOO_SMALL = "box too small"
    WRONG_CATEGORY = "wrong category"
    SCORE_TOO_LOW = "score too low"
    UNSEEN = "unseen"


class FalsePositiveCause(StrEnum):
    """Causes of false positives; the values are shown as they are."""

    DUPLICATE = "duplicate"
    WRONG_CATEGORY = "wrong category"
    UNLABELLED = "unlabelled?"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class FalseNegative:
    """A label that was not found, and why."""

    kind: FalseNegativeCause
    score: float | None = None
    """The best score of what would have found it; None where nothing would have."""

    def __str__(self) -> str:
        return self.kind.value if self.score is None else f"{self.kind.value} ({self.score:.2f})"


def explain_false_negative(
    label: Label, hidden: float, findings: PredictionRecord, routed: Route, policy: Policy
) -> FalseNegative:
    """Cause of a false negative.

    Args:
        label: not found, in upright pixels.
        hidden: the share of it that is hidden all the same.
        findings: everything seen in the picture.
        routed: what the thresholds made of it.
        policy: where the thresholds lie.
    """
    category, box = label.category, label.box
    proposed = _of(category, routed.proposed)
    is_blind = Reason(ReasonKind.NO_DETECTOR, category.value) in findings.standing
    if is_blind or category not in policy.looked_for:
        return FalseNegative(FalseNegativeCause.NOBODY_LOOKED)
    if any(_is_only_too_large(box, region) for region in proposed):
        return FalseNegative(FalseNegativeCause.TOO_LARGE)
    if dropped_scores := _covering_scores(box, _of(category, findings.dropped), policy):
        return FalseNegative(FalseNegativeCause.LOST_IN_MERGING, max(dropped_scores))
    if hidden >= PARTLY_HIDDEN or _finding_scores(box, proposed):
        return FalseNegative(FalseNegativeCause.TOO_SMALL)
    others = [region for region in routed.proposed if region.category is not category]
    if other_scores := _finding_scores(box, others):
        return FalseNegative(FalseNegativeCause.WRONG_CATEGORY, max(other_scores))
    detections = _of(category, findings.found)
    score = max([hidden_from(box, detections), *_finding_scores(box, detections)])
    if score > NEVER:
        return FalseNegative(FalseNegativeCause.SCORE_TOO_LOW, score)
    return FalseNegative(FalseNegativeCause.UNSEEN)


def explain_false_positive(
    region: Region, labels: Sequence[Label], policy: Policy
) -> FalsePositiveCause:
    """Cause of a false positive.

    Args:
        region: proposed, not on an ignored label.
        labels: of the whole picture, of every category.
        policy: a region that it would remove without asking may well be a thing nobody labelled.
    """
    counted = [label for label in labels if not label.is_ignored]
    touching = {label.category for label in counted if _is_touching(region.box, label.box)}
    if region.category in touching:
        return FalsePositiveCause.DUPLICATE
    if touching:
        return FalsePositiveCause.WRONG_CATEGORY
    is_sure = (region.score or 0.0) >= policy.thresholds(region.category).auto_redact_at
    return FalsePositiveCause.UNLABELLED if is_sure else FalsePositiveCause.BACKGROUND


def _of(category: Category, regions: Iterable[Region]) -> list[Region]:
    return [region for region in regions if region.category is category]


def _finding_scores(label: Box, regions: Iterable[Region]) -> list[float]:
    """Scores of those regions that would find the label on their own."""
    return [region.score or 0.0 for region in regions if is_found_by(label, region)]


def _covering_scores(label: Box, dropped: Iterable[Region], policy: Policy) -> list[float]:
    """Scores of dropped raw detections that would cover the label on their own."""
    return [
        region.score or 0.0
        for region in dropped
        if hidden_share(label, [region]) >= HIDDEN_SHARE
        and (region.score or 0.0) >= policy.thresholds(region.category).review_at
    ]


def _is_only_too_large(label: Box, region: Region) -> bool:
    box = region.box
    return is_too_large(box, label) and label.intersection(box) >= PARTLY_HIDDEN * label.area


def _is_touching(region: Box, label: Box) -> bool:
    return region.intersection(label) > TOUCHING * min(region.area, label.area)
