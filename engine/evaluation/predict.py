"""Detection on a labelled picture, keeping what is below the thresholds."""

from __future__ import annotations

from collections.abc import Sequence

from engine.codec.decode import decode
from engine.detect.ensemble import Ensemble
from engine.evaluation.data.turning import UPRIGHT, turned_image
from engine.evaluation.scores.prediction_record import FLOOR, PredictionRecord
from engine.plan import Detection
from engine.policy import Policy
from engine.triage import masked_regions, standing_reasons

TWIN_IOU = 0.8
"""Intersection over union from which two raw detections count as one object."""


def predict(
    data: bytes,
    image_id: str,
    ensemble: Ensemble,
    policy: Policy,
    *,
    orientation: int = UPRIGHT,
) -> PredictionRecord:
    """Decode a picture and detect, keeping detections below the policy's thresholds.

    Args:
        data: the file.
        image_id: becomes `RgbImage.id`.
        ensemble: finds.
        policy: what is looked for.
        orientation: EXIF orientation, 1..8, in which the upright picture is looked at.

    Raises:
        UnreadableImage: the bytes are not a picture that can be decoded faithfully.
    """
    image = decode(data, image_id, max_megapixels=policy.codec.max_megapixels)
    image = turned_image(image, orientation)
    seen = ensemble.detect(image, policy)
    detections = [
        detection
        for detection in seen.detections
        if detection.category in policy.looked_for
        and detection.score >= min(FLOOR, policy.thresholds(detection.category).review_at)
    ]
    return PredictionRecord(
        size=image.size,
        stored_size=image.codec.stored_size,
        orientation=image.codec.orientation,
        found=masked_regions(image, detections, policy),
        dropped=masked_regions(image, _distinct(detections, seen.raw_detections, policy), policy),
        standing=standing_reasons(image.codec, policy, seen),
        weights=seen.weights,
    )


def _distinct(
    kept: Sequence[Detection], dropped: Sequence[Detection], policy: Policy
) -> list[Detection]:
    """Dropped raw detections from `review_at` on, each object once, that lie on none of `kept`."""
    distinct = list(kept)
    for candidate in sorted(dropped, key=lambda detection: -detection.score):
        category = candidate.category
        if category not in policy.looked_for:
            continue
        if candidate.score >= policy.thresholds(category).review_at and all(
            candidate.box.iou(detection.box) < TWIN_IOU
            for detection in distinct
            if detection.category is category
        ):
            distinct.append(candidate)
    return distinct[len(kept) :]
