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

    def detect(
        self, image: RgbImage, policy: Policy, *, floor: float | None = None
    ) -> tuple[Detection, ...]:
        """Everything seen in any look; the same thing once for each look that saw it.

        Args:
            image: the upright original.
            policy: which looks are taken; it alone decides that, never `floor`.
            floor: the least score to give back; the category's `doubt_at` when None. Evaluations
                ask for less, to tell what a lower threshold would find.

        Returns:
            Boxes in pixels of the upright picture, which they may exceed.
        """
        ...
