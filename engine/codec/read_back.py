"""Read-back check: a written file decodes, in another library, to the pixels it was made of.

A PNG must give them back exactly. What JPEG may change is known: each coefficient of a block by at
most half a step of its quantisation table, and by Parseval's theorem the block's pixels by no more
in all (ITU-T T.81, A.3.3 and A.3.4).
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

BLOCK = 8
STRIP = 32 * BLOCK
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
            return all(np.array_equal(shown, rgb[rows]) for rows, shown in _strips(picture, "RGB"))
        steps = [picture.quantization[index] for index in sorted(picture.quantization)]
        picture.draft("YCbCr", picture.size)
        tables = (steps[0], steps[-1], steps[-1])
        most = [math.hypot(*table) / 2 + BLOCK * ROUNDING for table in tables]
        return all(
            _is_near(shown, np.asarray(Image.fromarray(rgb[rows]).convert("YCbCr")), most)
            for rows, shown in _strips(picture, "YCbCr")
        )


def _strips(picture: Image.Image, mode: str) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Rows and their pixels in a mode; Pillow's own copy of the picture is the only whole one."""
    for top in range(0, picture.height, STRIP):
        bottom = min(top + STRIP, picture.height)
        strip = picture.crop((0, top, picture.width, bottom))
        yield slice(top, bottom), np.asarray(strip.convert(mode))


def _is_near(
    decoded: NDArray[np.uint8], expected: NDArray[np.uint8], most: Sequence[float]
) -> bool:
    """Whether no 8 x 8 block of any channel is further off than its limit, as root of squares."""
    error = cv2.absdiff(decoded, expected)
    squares = np.asarray(cv2.multiply(error, error, dtype=cv2.CV_32F), np.float32)
    sums = _block_means(squares) * BLOCK**2
    return bool((sums.reshape(-1, 3).max(axis=0) <= np.square(most)).all())


def _block_means(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over the blocks, of which those at the right and lower edge are filled up with zeros.

    They are exact: sums of 64 squares of bytes are whole numbers below 2^24.
    """
    height, width = values.shape[:2]
    whole = cv2.copyMakeBorder(
        values, 0, -height % BLOCK, 0, -width % BLOCK, cv2.BORDER_CONSTANT, value=0
    )
    size = whole.shape[1] // BLOCK, whole.shape[0] // BLOCK
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.float32)
