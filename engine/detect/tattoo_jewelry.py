"""Our own detector: tattoos, jewelry and, as a second opinion, faces.

What it was trained on stands in `models/cards/adornments.md`.
"""

from __future__ import annotations

from engine.detect.views import ViewPlan
from engine.detect.weights import Weights
from engine.detect.yolo import Yolo
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy

SURE_AT = 0.5
SEEN_AT = 0.2
"""Scores for `ViewPlan`."""


class TattooJewelry:
    """Looks at the scales and turns the policy asks for."""

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
        looks = policy.detection
        view_plan = ViewPlan(looks.tattoo_jewelry_scales, looks.rotations, SURE_AT, SEEN_AT)
        return self._network.seen(image.rgb, view_plan, policy)
