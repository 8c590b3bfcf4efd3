"""Detection on a labelled picture, keeping what is below the thresholds."""

from __future__ import annotations

from collections.abc import Sequence

from engine.codec.decode import decode
from engine.detect.ensemble import Ensemble
from engine.evaluation.data.turning import UPRIGHT, turned_image
from engine.evaluation.scores.findings import FLOOR, PredictionRecord
from engine.plan import Detection
from engine.policy import Policy
from engine.triage import masked_regions, standing_reasons

TWIN_IOU = 0.8
"""A dropped sighting that is this close to another says nothing new about why a label was lost."""


def predict(
    data: bytes,
    image_id: str,
    ensemble: Ensemble,
    policy: Policy,
    *,
    orientation: int = UPRIGHT,
) -> PredictionRecord:
    """Decode a picture and look for what the policy asks for, keeping what is below its thresholds.

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
        one
        for one in seen.detections
        if one.category in policy.looked_for
        and one.score >= min(FLOOR, policy.thresholds(one.category).review_at)
    ]
    return PredictionRecord(
        size=image.size,
        stored_size=image.codec.stored_size,
        orientation=image.codec.orientation,
        found=masked_regions(image, detections, policy),
        dropped=masked_regions(image, _telling(detections, seen.raw_detections, policy), policy),
        standing=standing_reasons(image.codec, policy, seen),
        weights=seen.weights,
    )


def _telling(
    kept: Sequence[Detection], dropped: Sequence[Detection], policy: Policy
) -> list[Detection]:
    """Dropped sightings that would have counted, and lie elsewhere than what is told already."""
    told = list(kept)
    for one in sorted(dropped, key=lambda detection: -detection.score):
        if one.category not in policy.looked_for:
            continue
        counts = one.score >= policy.thresholds(one.category).review_at
        others = (other for other in told if other.category is one.category)
        if counts and all(one.box.iou(other.box) < TWIN_IOU for other in others):
            told.append(one)
    return told[len(kept) :]
