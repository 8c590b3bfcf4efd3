"""Scoring: one labelled picture against its prediction record, under one policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.category import DETECTABLE, Category
from engine.coverage import covered_share, union_area
from engine.errors import InvalidDataset
from engine.evaluation.data.labels import Label, LabelledPicture
from engine.evaluation.scores.cost import PictureCost, cost_of
from engine.evaluation.scores.error_causes import (
    FalseNegative,
    FalsePositiveCause,
    explain_false_negative,
    explain_false_positive,
)
from engine.evaluation.scores.matching import (
    HIDDEN_SHARE,
    MATCH_IOU,
    assigned,
    can_hide,
    hidden_share,
    inside,
    iou_matrix,
    is_found_by,
)
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.geometry import Box, Size, box_to_upright
from engine.plan import Reason, Region
from engine.policy import Policy
from engine.triage import Route, route

_BARELY = 1e-6
"""Affinity of a region that hides a label without resembling it: a pair, but the last choice."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Score of one label that counts."""

    label: Label
    """In pixels of the upright picture."""
    has_own_region: bool
    """By optimal assignment at IoU >= 0.5."""
    hidden: float
    """Share under masks of its category, removed without asking or shown for review, 0..1."""
    removed: float
    """Share under masks that are removed without asking."""
    false_negative: FalseNegative | None
    """Why it was not found by coverage; None when it was."""

    @property
    def is_found(self) -> bool:
        """Found by coverage; the 99 % target is about this."""
        return self.false_negative is None

    @property
    def is_removed(self) -> bool:
        """By coverage, with no person."""
        return self.removed >= HIDDEN_SHARE


@dataclass(frozen=True, slots=True)
class RegionScore:
    """Score of one proposed region of a category the picture is labelled for."""

    region: Region
    needs_review: bool
    false_positive: FalsePositiveCause | None
    """None when it finds a label, or lies on an ignored one and counts neither way."""


@dataclass(frozen=True, slots=True)
class ScoredDetection:
    """A detection at any score, and whether it is on a label, for calibration."""

    category: Category
    score: float
    is_true: bool


@dataclass(frozen=True, slots=True)
class PictureScore:
    """Score of one picture under one policy."""

    picture: LabelledPicture
    size: Size
    labels: tuple[LabelScore, ...]
    """Those that count: not ignored, of a category the picture is labelled for, if in part."""
    regions: tuple[RegionScore, ...]
    scored_detections: tuple[ScoredDetection, ...]
    over_masked: float | None
    """Share of the picture under masks that are on no label; None where nothing is labelled."""
    margins: float | None
    """The part of it under masks of regions that find a label: their margins, mostly."""
    reasons: tuple[Reason, ...]
    """Why a person looks; empty when the picture passes."""
    in_review: frozenset[Category]
    """Categories with a region to review."""
    cost: PictureCost
    weights: tuple[str, ...]
    is_turned: bool = False
    """True when its labels were turned with it, because the stated size is the stored one and
    nothing else said how they were drawn."""

    def labels_of(self, category: Category) -> tuple[LabelScore, ...]:
        """The labels of one category."""
        return tuple(score for score in self.labels if score.label.category is category)

    def false_positives(self, category: Category) -> tuple[RegionScore, ...]:
        """The false regions of one category."""
        return tuple(
            score
            for score in self.regions
            if score.false_positive is not None and score.region.category is category
        )


def score(picture: LabelledPicture, findings: PredictionRecord, policy: Policy) -> PictureScore:
    """Score a picture's labels, regions and detections.

    Args:
        picture: with its labels.
        findings: of the same picture, found under `policy` or one with other thresholds.
        policy: its thresholds decide what is removed and what needs review.

    Raises:
        InvalidDataset: the labels do not fit the picture, so nothing can be said about it.
    """
    labels = upright_labels(picture, findings)
    findings, routed = _inside(
        findings, route(findings.found, findings.standing, policy, findings.size)
    )
    regions = tuple(
        scored
        for category in DETECTABLE
        if category in picture.labelled_for
        for scored in _region_scores(category, labels, routed, policy)
    )
    return PictureScore(
        picture=picture,
        size=findings.size,
        labels=tuple(
            scored
            for category in DETECTABLE
            if category in picture.counted
            for scored in _label_scores(category, labels, findings, routed, policy)
        ),
        regions=regions,
        scored_detections=tuple(_scored_detections(labels, findings.found, picture.labelled_for)),
        over_masked=_over_masked(labels, regions, picture, findings.size),
        margins=_over_masked(
            labels,
            [region for region in regions if region.false_positive is None],
            picture,
            findings.size,
        ),
        reasons=routed.reasons,
        in_review=frozenset(region.category for region in routed.review_regions),
        cost=cost_of(picture, routed, policy, findings.size),
        weights=findings.weights,
        is_turned=bool(picture.labels) and _is_labelled_as_stored(picture, findings),
    )


def upright_labels(picture: LabelledPicture, findings: PredictionRecord) -> tuple[Label, ...]:
    """The labels in pixels of the upright picture, cut off at its edges.

    A data set that labels pictures as stored says so by their size; the labels are turned then.

    Raises:
        InvalidDataset: the labels are for a picture of another size, or lie outside of it.
    """
    labels = picture.labels
    if picture.size is not None and picture.size != findings.size:
        if not _is_labelled_as_stored(picture, findings):
            raise InvalidDataset(
                f"Its labels are for a picture of {picture.size.width} x {picture.size.height} "
                f"pixels, but it has {findings.size.width} x {findings.size.height}."
            )
        labels = tuple(
            replace(
                label, box=box_to_upright(label.box, findings.orientation, findings.stored_size)
            )
            for label in labels
        )
    clipped = tuple(replace(label, box=label.box.clipped(findings.size)) for label in labels)
    if any(label.box.area <= 0 for label in clipped):
        raise InvalidDataset(
            f"A label lies outside the picture of {findings.size.width} x {findings.size.height} "
            "pixels."
        )
    return clipped


def _is_labelled_as_stored(picture: LabelledPicture, findings: PredictionRecord) -> bool:
    """Whether the data set states the size of the picture as stored, which is another upright."""
    return picture.size == findings.stored_size != findings.size


def _inside(findings: PredictionRecord, routed: Route) -> tuple[PredictionRecord, Route]:
    """Clip regions and detections to the picture; after triage, which takes whole boxes."""
    size = findings.size
    return (
        replace(
            findings, found=inside(findings.found, size), dropped=inside(findings.dropped, size)
        ),
        replace(
            routed,
            regions=inside(routed.regions, size),
            review_regions=inside(routed.review_regions, size),
            pieces=inside(routed.pieces, size),
        ),
    )


def _label_scores(
    category: Category,
    labels: Sequence[Label],
    findings: PredictionRecord,
    routed: Route,
    policy: Policy,
) -> Iterable[LabelScore]:
    counted = [label for label in labels if label.category is category and not label.is_ignored]
    proposed = [region for region in routed.proposed if region.category is category]
    pieces = [region for region in routed.pieces if region.category is category]
    removed = [region for region in routed.regions if region.category is category] + pieces
    regions = dict.fromkeys((*proposed, *pieces))
    iou = iou_matrix(_boxes(counted), [region.box for region in regions])
    matches = assigned(np.where(iou >= MATCH_IOU, iou, 0.0))
    for index, label in enumerate(counted):
        hidden = hidden_share(label.box, proposed + pieces)
        is_found = hidden >= HIDDEN_SHARE
        yield LabelScore(
            label=label,
            has_own_region=index in matches,
            hidden=hidden,
            removed=hidden_share(label.box, removed),
            false_negative=None
            if is_found
            else explain_false_negative(label, hidden, findings, routed, policy),
        )


def _region_scores(
    category: Category, labels: Sequence[Label], routed: Route, policy: Policy
) -> Iterable[RegionScore]:
    removed, review_regions = (
        [region for region in part if region.category is category]
        for part in (routed.regions, routed.review_regions)
    )
    proposed = removed + review_regions
    matched = _true_positives(category, labels, proposed)
    for index, region in enumerate(proposed):
        is_matched = index in matched or _is_neutral(region, category, labels)
        cause = None if is_matched else explain_false_positive(region, labels, policy)
        yield RegionScore(region, index >= len(removed), cause)


def _true_positives(
    category: Category, labels: Sequence[Label], proposed: Sequence[Region]
) -> set[int]:
    """True positives: the regions assigned to labels, and those needed to cover one."""
    boxes = _boxes(
        [label for label in labels if label.category is category and not label.is_ignored]
    )
    matched = set(assigned(_affinity(boxes, proposed)).values())
    for box in boxes:
        matched |= _needed(box, proposed, matched)
    return matched


def _needed(label: Box, proposed: Sequence[Region], matched: set[int]) -> set[int]:
    """Further regions needed to cover a label; none when it is not covered."""
    fitting = {index for index, region in enumerate(proposed) if can_hide(label, region)}
    if covered_share(label, [proposed[i].rect for i in fitting]) < HIDDEN_SHARE:
        return set()
    needed: set[int] = set()
    rects = [proposed[i].rect for i in fitting & matched]
    while covered_share(label, rects) < HIDDEN_SHARE:
        rest = sorted(fitting - matched - needed)
        best = max(rest, key=lambda i: covered_share(label, [*rects, proposed[i].rect]))
        needed.add(best)
        rects.append(proposed[best].rect)
    return needed


def _affinity(labels: Sequence[Box], regions: Sequence[Region]) -> NDArray[np.float64]:
    iou = iou_matrix(labels, [region.box for region in regions])
    may = np.array([[is_found_by(label, region) for region in regions] for label in labels])
    return np.where(may.reshape(iou.shape), np.maximum(iou, _BARELY), 0.0)


def _is_neutral(region: Region, category: Category, labels: Sequence[Label]) -> bool:
    """True for a region on an ignored label: mostly inside of it, as crowds are boxed as one."""
    box = region.box
    return any(
        box.iou(label.box) >= MATCH_IOU or box.intersection(label.box) >= MATCH_IOU * box.area
        for label in labels
        if label.is_ignored and label.category is category
    )


def _scored_detections(
    labels: Sequence[Label], found: Iterable[Region], complete: frozenset[Category]
) -> Iterable[ScoredDetection]:
    for detection in found:
        category = detection.category
        if category not in complete or _is_neutral(detection, category, labels):
            continue
        same = [label for label in labels if label.category is category and not label.is_ignored]
        yield ScoredDetection(
            category,
            detection.score or 0.0,
            any(is_found_by(label.box, detection) for label in same),
        )


def _over_masked(
    labels: Sequence[Label], regions: Iterable[RegionScore], picture: LabelledPicture, size: Size
) -> float | None:
    """Share of a picture under the masks of regions that is on no label of any category.

    The regions are those of categories that the picture is labelled completely for: of the others
    nobody knows what is excess.
    """
    if not picture.labelled_for:
        return None
    masks = [Box(*score.region.rect) for score in regions]
    on_labels = [Box(*label.box.outward()) for label in labels]
    over_masked = union_area(masks + on_labels) - union_area(on_labels)
    return over_masked / (size.width * size.height)


def _boxes(labels: Iterable[Label]) -> list[Box]:
    return [label.box for label in labels]
