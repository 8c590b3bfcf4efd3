"""Read-back check: a written file decodes, in another library, to the pixels it was made of.

A PNG must give them back exactly. What JPEG may change is known: each coefficient of a block by at
most half a step of its quantisation table, and by Parseval's theorem the block's pixels by no more
in all (ITU-T T.81, A.3.3 and A.3.4).
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

BLOCK = 8
STRIP = 64 * BLOCK
"""Rows compared at once, so that a large picture takes little memory."""
ROUNDING = 2.0
"""What rounding to whole numbers, in the colours and in the pixels, adds to each pixel at most."""


def is_faithful(data: bytes, rgb: NDArray[np.uint8]) -> bool:
    """True when the file shows these pixels, as far as its format allows.

    Args:
        data: a PNG, or a JPEG without subsampling.
        rgb: (H, W, 3), what it was made of.

    Raises:
        OSError: it cannot be decoded.
    """
    with Image.open(io.BytesIO(data)) as picture:
        if picture.size != (rgb.shape[1], rgb.shape[0]):
            return False
        if not isinstance(picture, JpegImagePlugin.JpegImageFile):
            return np.array_equal(np.asarray(picture.convert("RGB")), rgb)
        steps = [picture.quantization[index] for index in sorted(picture.quantization)]
        picture.draft("YCbCr", picture.size)
        return _is_near(np.asarray(picture.convert("YCbCr")), rgb, steps)


def _is_near(
    decoded: NDArray[np.uint8], rgb: NDArray[np.uint8], steps: Sequence[Sequence[int]]
) -> bool:
    most = [math.hypot(*table) / 2 + BLOCK * ROUNDING for table in (steps[0], steps[-1], steps[-1])]
    for top in range(0, rgb.shape[0], STRIP):
        expected = np.asarray(Image.fromarray(rgb[top : top + STRIP]).convert("YCbCr"))
        for channel, limit in enumerate(most):
            values = decoded[top : top + STRIP, :, channel].astype(np.int32)
            error = values - expected[..., channel]
            if _largest_sum(error**2) > limit**2:
                return False
    return True


def _largest_sum(values: NDArray[np.int32]) -> int:
    """Over the blocks; those at the right and lower edge may be narrower."""
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], BLOCK), axis=0)
    return int(np.add.reduceat(rows, np.arange(0, values.shape[1], BLOCK), axis=1).max())
