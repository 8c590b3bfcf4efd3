"""The interface of detectors, for the ensemble and whoever adds one."""

from __future__ import annotations

from typing import Protocol

from engine.category import Category
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy


class Detector(Protocol):
    """Detector: a picture in, boxes with scores out. Made once per process and reused."""

    @property
    def name(self) -> str:
        """`name@sha256[:8]` of its weights; of several files, joined by +."""
        ...

    @property
    def categories(self) -> frozenset[Category]:
        """What it detects."""
        ...

    def detect(self, image: RgbImage, policy: Policy) -> tuple[Detection, ...]:
        """Raw detections of all views; the same object once for each view that shows it.

        Args:
            image: the upright original.
            policy: which categories are wanted and which views are taken. Its thresholds change
                nothing here: they are for probabilities, which score fusion makes of the scores.

        Returns:
            Boxes in pixels of the upright picture, which they may exceed, with the detector's own
            scores, down to very low ones.
        """
        ...
