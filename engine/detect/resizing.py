"""Resizing: a picture is halved as often as it can be, then interpolated bilinearly.

Halves are means of 2 x 2 pixels, and what is left to shrink is less than two times, so that no
pixel is passed over ("mipmaps": Williams, "Pyramidal Parametrics", 1983). Means over parts of
pixels cost ten times as much, so only thin pictures are shrunk by them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

HALVED_FROM_PX = 64
"""Shorter side from which on it matters little that an odd number has no half."""


def resized(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture in another size.

    Args:
        rgb: uint8 (H, W, 3).
        size: width and height.
    """
    width, height = size
    while (
        min(rgb.shape[0] / height, rgb.shape[1] / width) >= 2
        and min(rgb.shape[:2]) >= HALVED_FROM_PX
    ):
        half = (rgb.shape[1] // 2, rgb.shape[0] // 2)
        rgb = np.asarray(cv2.resize(rgb, half, interpolation=cv2.INTER_LINEAR), np.uint8)
    shrinks_much = max(rgb.shape[0] / height, rgb.shape[1] / width) > 2
    how = cv2.INTER_AREA if shrinks_much else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)
