"""Decoded pictures. A picture's state is its type: `RgbImage` stays in, `RedactedImage` may go out.

Both hold uint8 RGB, upright, read-only. Only `engine.redact.removal` builds a `RedactedImage`, and
only a `RedactedImage` can be encoded; `tests/test_boundaries.py` proves it from the syntax trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.geometry import Size

DEFAULT_BLOCK = Size(16, 16)
FormatChoice: TypeAlias = Literal["same", "png", "jpeg"]
"""In which format a release is wanted; the same as the original's, where it may be."""


class Leakage(StrEnum):
    """How far hidden pixels may already have spread in the *source* file, before Lethe saw it.

    A codec mixes neighbouring pixels, so what lay under a mask may linger outside it. This is what
    the file itself tells; a picture that was scaled and saved again elsewhere before leaves no
    sure trace of that, and its blocks then lie on no grid that could be snapped to.
    """

    NONE = "none"
    """True-colour or grey PNG, lossless TIFF, BMP: no block of this file mixes pixels."""
    BLOCK = "block"
    """JPEG without a trace of an earlier save: reaches the MCU's border and 1 px of chroma more."""
    TWICE = "twice"
    """JPEG that looks saved twice: reached 20 px where measured."""
    UNBOUNDED = "unbounded"
    """Palette, GIF, WebP, AVIF, HEIC, JPEG 2000: no bound is known."""


@dataclass(frozen=True, slots=True)
class SourceCodec:
    """What the file a picture came from says about where its pixels may have leaked."""

    format: str
    """Lower-case name: jpeg, png, tiff, bmp, gif, webp, avif, heif, …"""
    stored_size: Size
    """Before `orientation` is applied."""
    orientation: int = 1
    """EXIF orientation, 1..8."""
    block: Size = DEFAULT_BLOCK
    """MCU of a JPEG in stored pixels (8, 16 or 32 a side); 16 x 16 for other formats."""
    leakage: Leakage = Leakage.NONE


@dataclass(frozen=True, slots=True, eq=False)
class RgbImage:
    """An upright original.

    `rgb` is uint8 (H, W, 3) and read-only; an array that is still writeable is copied, one that is
    already read-only is taken over.
    """

    id: str
    rgb: NDArray[np.uint8]
    codec: SourceCodec

    def __post_init__(self) -> None:
        object.__setattr__(self, "rgb", _frozen(self.rgb))

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return _size_of(self.rgb)


@dataclass(frozen=True, slots=True, eq=False)
class RedactedImage:
    """A picture whose planned regions were removed. Only `engine.redact.removal` makes one."""

    rgb: NDArray[np.uint8]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rgb", _frozen(self.rgb))

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return _size_of(self.rgb)


def _size_of(rgb: NDArray[np.uint8]) -> Size:
    height, width, _ = rgb.shape
    return Size(width, height)


def _frozen(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"expected uint8 (H, W, 3), got {rgb.dtype} {rgb.shape}")
    if rgb.shape[0] == 0 or rgb.shape[1] == 0:
        raise ValueError(f"expected at least one pixel, got {rgb.shape}")
    if rgb.flags.writeable or not rgb.flags.c_contiguous:
        rgb = rgb.copy(order="C")
        rgb.flags.writeable = False
    return rgb
