"""The stage: a fixed window of screen pixels onto a picture, and the way between the two.

A zoom changes only which part of the picture is cropped; boxes stay in picture pixels, so none is
lost or rounded by looking closer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry import Box, Size

STAGE = Size(860, 640)
THUMBNAIL_PX = 320
_JPEG_QUALITY = 90


class Zoom(StrEnum):
    """How large picture pixels are on the stage."""

    FIT = "Fit"
    FULL = "100 %"
    DOUBLE = "200 %"


@dataclass(frozen=True, slots=True)
class View:
    """Which part of a picture the stage shows."""

    scale: float
    """Stage pixels per picture pixel."""
    left: float
    """Picture x at the stage's left edge."""
    top: float
    """Picture y at the stage's top edge."""
    shown: Size
    """The part of the stage that shows picture, in stage pixels."""

    def to_stage(self, box: Box) -> Box:
        """Picture pixels to stage pixels."""
        return Box(
            (box.x0 - self.left) * self.scale,
            (box.y0 - self.top) * self.scale,
            (box.x1 - self.left) * self.scale,
            (box.y1 - self.top) * self.scale,
        )

    def to_picture(self, box: Box) -> Box:
        """Stage pixels to picture pixels."""
        return Box(
            box.x0 / self.scale + self.left,
            box.y0 / self.scale + self.top,
            box.x1 / self.scale + self.left,
            box.y1 / self.scale + self.top,
        )

    @property
    def window(self) -> Box:
        """The part of the picture that is shown, in picture pixels."""
        return self.to_picture(Box(0, 0, *self.shown))


def view_of(size: Size, zoom: Zoom, centre: tuple[float, float] | None = None) -> View:
    """Choose the part of a picture to show.

    Args:
        size: of the picture.
        zoom: `FIT` shows all of it, never larger than life by more than a factor of 4.
        centre: picture pixel to bring to the middle; the picture's own middle when None.
    """
    fit = min(STAGE.width / size.width, STAGE.height / size.height, 4.0)
    scale = {Zoom.FIT: fit, Zoom.FULL: 1.0, Zoom.DOUBLE: 2.0}[zoom]
    shown = Size(
        max(min(round(size.width * scale), STAGE.width), 1),
        max(min(round(size.height * scale), STAGE.height), 1),
    )
    across, down = shown.width / scale, shown.height / scale
    x, y = centre or (size.width / 2, size.height / 2)
    left = float(np.clip(x - across / 2, 0, max(size.width - across, 0)))
    top = float(np.clip(y - down / 2, 0, max(size.height - down, 0)))
    return View(scale, left, top, shown)


def thumbnail_jpeg(data: bytes) -> bytes:
    """A released file, at most `THUMBNAIL_PX` wide, as a JPEG for the screen."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    scale = min(THUMBNAIL_PX / max(bgr.shape[:2]), 1.0)
    small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()


def crop_jpeg(rgb: NDArray[np.uint8], view: View) -> bytes:
    """What the view shows, as a JPEG of `view.shown` pixels for the screen.

    Args:
        rgb: uint8 (H, W, 3), the whole picture.
        view: a view of a picture of that size.
    """
    to_stage = np.array(
        [
            [view.scale, 0, -view.left * view.scale],
            [0, view.scale, -view.top * view.scale],
        ]
    )
    if view.scale < 1:  # the whole picture, reduced: average, so that nothing small vanishes
        shown = cv2.resize(rgb, tuple(view.shown), interpolation=cv2.INTER_AREA)
    else:
        shown = cv2.warpAffine(
            rgb,
            to_stage,
            tuple(view.shown),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    bgr = cv2.cvtColor(shown, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return data.tobytes()
