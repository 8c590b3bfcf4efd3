"""Tattoo-jewelry model (YOLOv8n): a picture in, boxes of tattoos, jewelry and faces out.

What it was trained on stands in `models/cards/adornments.md`.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.detect.views import ViewPlan
from engine.detect.weights import Weights
from engine.detect.yolo import Yolo
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy


class TattooJewelry:
    """Runs at the scales and rotations the policy asks for."""

    def __init__(
        self, weights: Weights, ranges: Mapping[str, tuple[float, float]] | None = None
    ) -> None:
        """Load the file; with `ranges` of its tensors it is computed in 8 bits.

        Raises:
            UnusableWeights: as `Yolo`.
        """
        self._network = Yolo(weights, ranges)
        self.name = weights.label
        self.categories = weights.categories

    def detect(self, image: RgbImage, policy: Policy) -> tuple[Detection, ...]:
        """See `Detector.detect`."""
        options = policy.detection
        view_plan = ViewPlan(options.tattoo_jewelry_scales, options.rotations)
        return self._network.detect(image.rgb, view_plan, policy)
