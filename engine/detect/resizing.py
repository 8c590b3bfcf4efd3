"""Resizing: area means where a picture gets smaller, bilinear interpolation where it does not."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

HALVED_FROM, HALVED_PX = 2.0, 512 * 512
"""From this ratio and this many pixels on a picture is halved first: means of 2 x 2 pixels take a
tenth of the time of means over parts of pixels, and means of means are nearly those of all."""


class Mipmap:
    """A picture and its halvings, each made once (Williams, "Pyramidal parametrics", 1983).

    What is asked of many parts of a large picture, at many sizes, costs what it shows and not what
    the picture holds.
    """

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        """Take a picture, uint8 (H, W, 3)."""
        self._levels = [rgb]

    def level(self, number: int) -> NDArray[np.uint8]:
        """The picture halved so many times: (H // 2^n, W // 2^n, 3), each side at least 1."""
        while len(self._levels) <= number:
            self._levels.append(_halved(self._levels[-1]))
        return self._levels[number]


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
        rgb = _halved(rgb)
    is_smaller = max(rgb.shape[:2]) > max(size)
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)


def _halved(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Means of 2 x 2 pixels; an odd last row or column is left out, a single one kept."""
    rows, columns = (max(side // 2, 1) for side in rgb.shape[:2])
    even = rgb[: 2 * rows, : 2 * columns]
    return np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
