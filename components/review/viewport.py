"""Pictures for the screen: as JPEG, no larger than a screen shows, whole or in part."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry import Box, PixelRect, Size

STAGE_PX = 1600
"""Longer side of a whole picture on the stage: enough for a laptop at 150 %."""
DETAIL = Size(2000, 1600)
"""Most pixels of a part that is looked at closely."""
THUMBNAIL_PX = 320
_JPEG_QUALITY = 88


def thumbnail_jpeg(data: bytes, longest_px: int = THUMBNAIL_PX) -> bytes:
    """A released file, its longer side no longer than that, as a JPEG for the screen."""
    rgb = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    return _jpeg(_within(np.asarray(rgb, np.uint8), Size(longest_px, longest_px)))


def whole_jpeg(rgb: NDArray[np.uint8], longest_px: int = STAGE_PX) -> bytes:
    """The whole picture, its longer side no longer than that.

    Args:
        rgb: uint8 (H, W, 3).
        longest_px: of the JPEG; a smaller picture keeps its size.
    """
    small = _within(rgb, Size(longest_px, longest_px))
    return _jpeg(small)


def part_jpeg(rgb: NDArray[np.uint8], window: Box) -> tuple[bytes, PixelRect]:
    """A part of the picture in full size, or in as much of it as `DETAIL` holds, and which part.

    Args:
        rgb: uint8 (H, W, 3), the whole picture.
        window: in picture pixels; may reach beyond the picture.

    Raises:
        ValueError: the window shows nothing of the picture.
    """
    height, width = rgb.shape[:2]
    rect = window.outward().clipped(Size(width, height))
    if rect.area == 0:
        raise ValueError(f"{window} shows nothing of a picture of {width} x {height}")
    part = _within(rgb[rect.rows, rect.columns], DETAIL)
    return _jpeg(part), rect


def _within(picture: NDArray[np.uint8], most: Size) -> NDArray[np.uint8]:
    """Reduced to fit; by averaging, so that nothing small vanishes."""
    height, width = picture.shape[:2]
    scale = min(most.width / width, most.height / height, 1.0)
    if scale == 1.0:
        return picture
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()
