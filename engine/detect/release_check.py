"""The release check (T7): an independent detector over the finished picture.

It is another network than the ensemble's, trained from nothing, so that it does not miss what they
miss for the same reason. It removes nothing: its residual detections go to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.category import Category
from engine.detect.clusters import clusters_of
from engine.detect.nms import SAME_OBJECT_IOU
from engine.detect.views import Pyramid, ViewPlan
from engine.detect.weights import Weights
from engine.detect.yolo import FLOOR, Yolo
from engine.geometry import Box, Size
from engine.images import RedactedImage
from engine.plan import Detection, Origin, Region
from engine.policy import Policy

SCALES: Final = (800,)
"""Longer sides, in pixels, of its views of a release; upright alone."""
MASKED_SHARE: Final = 0.5
"""Share of a detection under the mask from which it comes from the fill, or is what was removed.
The outline of a head, which is not hidden, looks like one."""
DECIDED_SHARE: Final = 0.6
"""Share of a detection within a decided region from which it is a part of that."""


class ReleaseCheck(Protocol):
    """A detector for releases."""

    @property
    def name(self) -> str:
        """`name@sha256[:8]`."""
        ...

    @property
    def categories(self) -> frozenset[Category]:
        """What it detects."""
        ...

    @property
    def independent(self) -> frozenset[Category]:
        """Those of them that the ensemble detects without it."""
        ...

    def detect(self, redacted: RedactedImage, policy: Policy) -> tuple[Detection, ...]:
        """Detections of the policy's categories that may count, each object once."""
        ...


class YoloReleaseCheck:
    """The release check that Lethe ships."""

    def __init__(self, weights: Weights) -> None:
        """Load the file.

        Raises:
            UnusableWeights: as `Yolo`.
        """
        self._network = Yolo(weights)
        self.name = weights.label
        self.categories = weights.categories
        self.independent = weights.categories

    def detect(self, redacted: RedactedImage, policy: Policy) -> tuple[Detection, ...]:
        """See `ReleaseCheck.detect`."""
        view_plan = ViewPlan(SCALES, (0,), sure_at=1.0, fallback_at=1.0)
        least = max(FLOOR, min(map(policy.release_check.ask_at, self.categories)))
        pyramid = Pyramid(redacted.rgb)
        clusters = clusters_of(self._network.detect(pyramid, view_plan, policy, least=least))
        return tuple(cluster.raw_detections[0] for cluster in clusters)


def residual_detections(
    detections: Sequence[Detection],
    mask: NDArray[np.bool_],
    decided: Sequence[Region],
    policy: Policy,
) -> tuple[Region, ...]:
    """Detections in a release that were not removed and that no person has decided about.

    Args:
        detections: of the release check, in the release.
        mask: (H, W), True where pixels were removed.
        decided: regions of this picture that a person has been shown and left.
        policy: from which score a detection counts.
    """
    size = Size(mask.shape[1], mask.shape[0])
    return tuple(
        Region(detection.box.clipped(size), detection.category, Origin.MODEL, detection.score)
        for detection in detections
        if policy.release_check.is_enabled(detection.category)
        and detection.score >= policy.release_check.ask_at(detection.category)
        and detection.box.clipped(size).area > 0
        and _masked_share(detection.box.clipped(size), mask) < MASKED_SHARE
        and not any(_is_decided(detection, region) for region in decided)
    )


def _masked_share(box: Box, mask: NDArray[np.bool_]) -> float:
    rect = box.outward().clipped(Size(mask.shape[1], mask.shape[0]))
    return float(mask[rect.rows, rect.columns].mean())


def _is_decided(detection: Detection, region: Region) -> bool:
    intersection = detection.box.intersection(region.box)
    union = detection.box.area + region.box.area - intersection
    return detection.category is region.category and (
        intersection >= DECIDED_SHARE * detection.box.area
        or intersection >= SAME_OBJECT_IOU * union
    )
