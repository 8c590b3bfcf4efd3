"""A piece of a labelled picture as a JPEG: what was to be found, and the masks that were there.

Made from the original in memory when it is looked at, and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry import Box, PixelRect, Size

CROP = Size(320, 240)
LARGE = Size(1200, 900)
"""Of a piece that is looked at closely."""
_CONTEXT = 2.4
"""How much wider and higher than the box the piece is."""
_LEAST_PX = 64.0
_EMPTY = 128
_SHADE = 0.7
"""Light enough to see what lies under a mask: that may be what was missed."""
_JPEG_QUALITY = 88
_WHITE = (255, 255, 255)


def crop_jpeg(
    rgb: NDArray[np.uint8],
    box: Box,
    masks: Iterable[PixelRect],
    colour: str,
    screen: Size = CROP,
) -> bytes:
    """The piece around a box as a JPEG.

    Args:
        rgb: uint8 (H, W, 3), the whole upright picture.
        box: drawn in `colour`.
        masks: shaded, with a white edge.
        colour: of the box, `#RRGGBB`.
        screen: how large the piece is shown.
    """
    window = _window(box, Size(rgb.shape[1], rgb.shape[0]), screen)
    scale = screen.width / window.width
    shown = _piece(rgb, window, scale, screen)
    edges = [_on_screen(Box(*mask), window, scale) for mask in masks]
    shade = np.zeros(shown.shape[:2], np.uint8)
    for x0, y0, x1, y1 in edges:
        cv2.rectangle(shade, (x0, y0), (x1 - 1, y1 - 1), 1, cv2.FILLED)
    shown[shade > 0] = (shown[shade > 0] * _SHADE).astype(np.uint8)
    for x0, y0, x1, y1 in edges:
        cv2.rectangle(shown, (x0, y0), (x1, y1), _WHITE, 1)
    x0, y0, x1, y1 = _on_screen(box, window, scale)
    cv2.rectangle(shown, (x0 - 1, y0 - 1), (x1 + 1, y1 + 1), _WHITE, 4)
    cv2.rectangle(shown, (x0 - 1, y0 - 1), (x1 + 1, y1 + 1), _rgb(colour), 2)
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(shown, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    return data.tobytes()


def _window(box: Box, size: Size, screen: Size) -> Box:
    """The part of the picture to show, in the shape of `screen`.

    It stays inside the picture where it can; a picture of another shape is shown with its edges.
    """
    wanted = _CONTEXT * max(box.width, box.height * screen.width / screen.height)
    all_of_it = max(size.width, size.height * screen.width / screen.height)
    width = min(max(wanted, _LEAST_PX), all_of_it)
    height = width * screen.height / screen.width
    left = _inside((box.x0 + box.x1 - width) / 2, width, size.width)
    top = _inside((box.y0 + box.y1 - height) / 2, height, size.height)
    return Box(left, top, left + width, top + height)


def _inside(start: float, length: float, room: int) -> float:
    """Where a stretch begins so that it lies in the room, centred when it is longer."""
    return (room - length) / 2 if length > room else min(max(start, 0.0), room - length)


def _piece(rgb: NDArray[np.uint8], window: Box, scale: float, screen: Size) -> NDArray[np.uint8]:
    """The window at `scale`; grey where it reaches beyond the picture."""
    shown = np.full((screen.height, screen.width, 3), _EMPTY, np.uint8)
    inside = window.clipped(Size(rgb.shape[1], rgb.shape[0])).outward()
    part = rgb[inside.rows, inside.columns]
    x0, y0, x1, y1 = _on_screen(Box(*inside), window, scale)
    if x1 <= x0 or y1 <= y0:
        return shown
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    sized = cv2.resize(part, (x1 - x0, y1 - y0), interpolation=how)
    left, top = max(x0, 0), max(y0, 0)
    fits = sized[top - y0 : screen.height - y0, left - x0 : screen.width - x0]
    shown[top : top + fits.shape[0], left : left + fits.shape[1]] = fits
    return shown


def _on_screen(box: Box, window: Box, scale: float) -> tuple[int, int, int, int]:
    return (
        round((box.x0 - window.x0) * scale),
        round((box.y0 - window.y0) * scale),
        round((box.x1 - window.x0) * scale),
        round((box.y1 - window.y0) * scale),
    )


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
