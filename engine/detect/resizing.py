"""Resizing: area means where a picture gets smaller, bilinear interpolation where it does not."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

HALVED_FROM, HALVED_PX = 2.0, 512 * 512
"""From this ratio and this many pixels on a picture is halved first: means of 2 x 2 pixels take a
tenth of the time of means over parts of pixels, and means of means are nearly those of all."""


def resized(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture in another size.

    Args:
        rgb: uint8 (H, W, 3).
        size: width and height.
    """
    width, height = size
    while (
        min(rgb.shape[0] / height, rgb.shape[1] / width) >= HALVED_FROM
        and rgb.shape[0] * rgb.shape[1] >= HALVED_PX
    ):
        rows, columns = rgb.shape[0] // 2, rgb.shape[1] // 2  # an odd last one is left out
        even = rgb[: 2 * rows, : 2 * columns]
        rgb = np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    is_smaller = max(rgb.shape[:2]) > max(size)
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)
