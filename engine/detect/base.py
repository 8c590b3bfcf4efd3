"""What every detector offers."""

from __future__ import annotations

from typing import Protocol

from engine.category import Category
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy


class Detector(Protocol):
    """Looks at a whole picture. Made once per process; safe to call again and again."""

    @property
    def name(self) -> str:
        """`name@sha256[:8]` of its weights."""
        ...

    @property
    def categories(self) -> frozenset[Category]:
        """What it can see."""
        ...

    def detect(self, image: RgbImage, policy: Policy) -> tuple[Detection, ...]:
        """Everything seen in any look; the same thing once for each look that saw it.

        Args:
            image: the upright original.
            policy: which categories are wanted and which looks are taken. Its thresholds change
                nothing here: they are for probabilities, which `fusion` makes of the scores.

        Returns:
            Boxes in pixels of the upright picture, which they may exceed, with the detector's own
            scores, down to very low ones.
        """
        ...
