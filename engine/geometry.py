"""Boxes and rectangles, in one convention: origin top left, x right, y down, half-open.

Layout::

       x0        x1
    y0 +---------+        column x1 and row y1 lie outside the box, so
       |   box   |        width = x1 - x0 and numpy slices need no +1
    y1 +---------+

A `Box` is a claim in fractional pixels; a `PixelRect` is a set of whole pixels. Both are in the
picture's *upright* frame unless a name says `stored`, which is the frame of the file before its
EXIF orientation is applied.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

N = TypeVar("N", int, float)


class Size(NamedTuple):
    """Extent in pixels. Named, because (w, h) and (h, w) look alike."""

    width: int
    height: int


class PixelRect(NamedTuple):
    """A rectangle of whole pixels, half-open."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def rows(self) -> slice:
        """The rows it covers, for indexing an (H, W) array."""
        return slice(self.y0, self.y1)

    @property
    def columns(self) -> slice:
        """The columns it covers, for indexing an (H, W) array."""
        return slice(self.x0, self.x1)

    @property
    def area(self) -> int:
        """Number of pixels; 0 when it is empty."""
        return max(self.x1 - self.x0, 0) * max(self.y1 - self.y0, 0)

    def clipped(self, size: Size) -> PixelRect:
        """The part inside a picture of `size`; of zero area when there is none."""
        x0, y0 = min(max(self.x0, 0), size.width), min(max(self.y0, 0), size.height)
        x1, y1 = min(max(self.x1, x0), size.width), min(max(self.y1, y0), size.height)
        return PixelRect(x0, y0, x1, y1)


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in pixels of the upright picture; may reach beyond the picture."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in self.corners):
            raise ValueError(f"corners must be finite numbers: {self}")
        if not (self.x0 <= self.x1 and self.y0 <= self.y1):
            raise ValueError(f"corners out of order: {self}")

    @classmethod
    def from_xywh(cls, x: float, y: float, width: float, height: float) -> Box:
        """Build from the top-left corner and an extent (the canvas's and COCO's convention)."""
        return cls(x, y, x + width, y + height)

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """`(x0, y0, x1, y1)`."""
        return (self.x0, self.y0, self.x1, self.y1)

    @property
    def width(self) -> float:
        """Pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Pixels."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    def clipped(self, size: Size) -> Box:
        """The part inside a picture of `size`; of zero area when there is none."""
        x0, y0 = min(max(self.x0, 0.0), size.width), min(max(self.y0, 0.0), size.height)
        x1, y1 = min(max(self.x1, x0), size.width), min(max(self.y1, y0), size.height)
        return Box(x0, y0, x1, y1)

    def intersection(self, other: Box) -> float:
        """Shared area in square pixels; 0.0 for boxes that only touch."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1; 0.0 when both boxes are empty."""
        shared = self.intersection(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0

    def hull(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )

    def outward(self) -> PixelRect:
        """The smallest rectangle of whole pixels that covers the box."""
        return PixelRect(
            math.floor(self.x0), math.floor(self.y0), math.ceil(self.x1), math.ceil(self.y1)
        )


def upright_size(stored: Size, orientation: int) -> Size:
    """Size after EXIF `orientation` (1..8) is applied; 5..8 swap width and height."""
    return Size(stored.height, stored.width) if orientation >= 5 else stored


def to_upright(rect: PixelRect, orientation: int, stored: Size) -> PixelRect:
    """Map a rectangle of the stored picture into the upright one.

    Args:
        rect: pixels of the picture as stored in the file.
        orientation: EXIF orientation, 1..8 (Exif 2.32, tag 0x0112).
        stored: the picture's size as stored.
    """
    ax, ay = _turned(rect.x0, rect.y0, orientation, stored)
    bx, by = _turned(rect.x1, rect.y1, orientation, stored)
    return PixelRect(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


def to_stored(rect: PixelRect, orientation: int, stored: Size) -> PixelRect:
    """Map a rectangle of the upright picture back into the stored one: `to_upright` undone."""
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    return to_upright(rect, inverse, upright_size(stored, orientation))


def box_to_upright(box: Box, orientation: int, stored: Size) -> Box:
    """Map a box of the stored picture into the upright one; see `to_upright`."""
    ax, ay = _turned(box.x0, box.y0, orientation, stored)
    bx, by = _turned(box.x1, box.y1, orientation, stored)
    return Box(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


def _turned(x: N, y: N, orientation: int, stored: Size) -> tuple[N, N]:
    width, height = stored
    turned = {
        1: (x, y),
        2: (width - x, y),
        3: (width - x, height - y),
        4: (x, height - y),
        5: (y, x),
        6: (height - y, x),
        7: (height - y, width - x),
        8: (y, width - x),
    }
    if orientation not in turned:
        raise ValueError(f"EXIF orientation must be 1..8, got {orientation}")
    return turned[orientation]
