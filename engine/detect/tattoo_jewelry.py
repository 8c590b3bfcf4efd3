"""Tattoo-jewelry model (YOLOv8n): a picture in, boxes of tattoos, jewelry and faces out.

What it was trained on stands in `models/cards/adornments.md`.
"""

from __future__ import annotations

from engine.detect.views import ViewPlan, pyramid_of
from engine.detect.weights import Weights
from engine.detect.yolo import Yolo
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy


class TattooJewelry:
    """Runs at the scales and rotations the policy asks for."""

    def __init__(self, weights: Weights) -> None:
        """Load the file.

        Raises:
            UnusableWeights: as `Yolo`.
        """
        self._network = Yolo(weights)
        self.name = weights.label
        self.categories = weights.categories

    def detect(self, image: RgbImage, policy: Policy) -> tuple[Detection, ...]:
        """See `Detector.detect`."""
        options = policy.detection
        view_plan = ViewPlan(options.tattoo_jewelry_scales, options.rotations)
        return self._network.detect(pyramid_of(image), view_plan, policy)
