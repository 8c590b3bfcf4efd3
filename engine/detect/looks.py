"""Looks: the same picture at several scales and turns, and boxes brought back from each.

Face detectors are trained on upright faces; a person lying down or a picture saved sideways is
missed unless the picture is turned. Small faces are missed unless the picture is large.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry import Size

STRIDE_PX = 32
"""Networks here halve five times; sides are padded up to a multiple of this."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One view of a picture: scaled, padded at the right and bottom, turned counter-clockwise."""

    rgb: NDArray[np.uint8]
    """(h, w, 3), both sides multiples of `STRIDE_PX`; the padding is black."""
    scale: float
    """Look pixels per picture pixel."""
    quarter_turns: int
    """How often the picture was turned by 90 degrees counter-clockwise, 0..3."""
    size: Size
    """Of the upright picture."""

    def to_picture(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring boxes (N, 4) `x0 y0 x1 y1` from look pixels to pixels of the upright picture."""
        x0, y0, x1, y1 = (boxes / self.scale).T
        width, height = self.size
        if self.quarter_turns == 1:
            x0, y0, x1, y1 = width - y1, x0, width - y0, x1
        elif self.quarter_turns == 2:
            x0, y0, x1, y1 = width - x1, height - y1, width - x0, height - y0
        elif self.quarter_turns == 3:
            x0, y0, x1, y1 = y0, height - x1, y1, height - x0
        return np.stack([x0, y0, x1, y1], axis=1)


def look_at(rgb: NDArray[np.uint8], longer: int, turn: int) -> Look:
    """One look.

    Args:
        rgb: uint8 (H, W, 3), upright.
        longer: the longer side's length in the look, before padding, in pixels.
        turn: degrees counter-clockwise: 0, 90, 180 or 270.
    """
    height, width = rgb.shape[:2]
    scale = longer / max(width, height)
    target = (max(round(width * scale), 1), max(round(height * scale), 1))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(rgb, target, interpolation=how), dtype=np.uint8)
    return Look(_padded(np.rot90(scaled, turn // 90)), scale, turn // 90, Size(width, height))


def _padded(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bottom, right = -rgb.shape[0] % STRIDE_PX, -rgb.shape[1] % STRIDE_PX
    return np.pad(rgb, ((0, bottom), (0, right), (0, 0)))
