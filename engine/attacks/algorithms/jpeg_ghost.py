"""JPEG ghost attack: the difference to a re-quantised picture shows earlier compression.

The codec's arithmetic is done here without writing a file: only `engine.codec.encode` encodes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

F32 = NDArray[np.float32]

_BLOCK: Final = 8
_GAIN: Final = 8.0
_LUMA_TABLE: Final = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
"""ITU-T T.81, table K.1."""


def jpeg_ghost(picture: F32, *, quality: int) -> F32:
    """How far quantising at `quality` changes each pixel (Farid 2009), around grey.

    Args:
        picture: float32 (H, W, 3), 0..255.
        quality: 1..100, as libjpeg scales its tables.
    """
    height, width = picture.shape[:2]
    down, right = -height % _BLOCK, -width % _BLOCK
    padded = np.pad(picture, ((0, down), (0, right), (0, 0)), mode="edge") - np.float32(128)
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    steps = np.clip(np.floor((_LUMA_TABLE * scale + 50) / 100), 1, 255)[None, :, None, :, None]
    blocks = padded.reshape(padded.shape[0] // _BLOCK, _BLOCK, padded.shape[1] // _BLOCK, _BLOCK, 3)
    waves = fft.dctn(blocks, axes=(1, 3), norm="ortho")
    again = fft.idctn(np.rint(waves / steps) * steps, axes=(1, 3), norm="ortho")
    change = (blocks - again).reshape(padded.shape)[:height, :width]
    return np.asarray(128 + _GAIN * change, np.float32)
