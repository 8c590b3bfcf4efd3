"""Coverage: shares of a box or picture under a union of rectangles.

Rectangles overlap, so an area is that of their union; it is exact, whatever the picture's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engine.geometry import Box, PixelRect, Size

SHARE_DIGITS = 9
"""Shares are sums of products; without rounding, nine tenths may come out a hair below 0.9."""


def share_removed(rects: Iterable[PixelRect], size: Size) -> float:
    """Share of a picture's area under the union of rectangles, 0..1; 0.0 when there are none."""
    boxes = [Box(*rect.clipped(size)) for rect in rects]
    return round(union_area(boxes) / (size.width * size.height), SHARE_DIGITS)


def outermost(rects: Iterable[PixelRect]) -> tuple[PixelRect, ...]:
    """The rectangles with an area that lie in no other; their union is that of all."""
    unique = sorted({rect for rect in rects if rect.area > 0})
    if not unique:
        return ()
    x0, y0, x1, y1 = np.array(unique, dtype=np.int64).T
    holds = (x0[:, None] <= x0) & (y0[:, None] <= y0) & (x1[:, None] >= x1) & (y1[:, None] >= y1)
    others = holds.sum(axis=0) - 1  # but itself
    return tuple(rect for rect, count in zip(unique, others, strict=True) if not count)


def percent(share: float) -> str:
    """A share of a picture for people, in whole percent: `62 %`."""
    return f"{share * 100:.0f}\u00a0%"


def covered_share(box: Box, rects: Iterable[PixelRect]) -> float:
    """Share of a box's area under the union of rectangles, 0..1.

    Raises:
        ValueError: the box has no area.
    """
    if box.area <= 0:
        raise ValueError(f"a box needs an area to be covered, got {box}")
    parts = [part for rect in rects if (part := part_under(box, rect)) is not None]
    return min(round(union_area(parts) / box.area, SHARE_DIGITS), 1.0)


def union_area(boxes: Sequence[Box]) -> float:
    """Square pixels under at least one of the boxes; 0.0 when there are none."""
    xs = _order(x for box in boxes for x in (box.x0, box.x1))
    ys = _order(y for box in boxes for y in (box.y0, box.y1))
    under = np.zeros((max(len(ys) - 1, 0), max(len(xs) - 1, 0)), dtype=np.bool_)
    for box in boxes:
        under[ys[box.y0] : ys[box.y1], xs[box.x0] : xs[box.x1]] = True
    return float(np.diff(list(ys)) @ under @ np.diff(list(xs))) if boxes else 0.0


def _order(values: Iterable[float]) -> dict[float, int]:
    """Each value's place among the different ones, in ascending order."""
    return {value: place for place, value in enumerate(sorted(set(values)))}


def part_under(box: Box, rect: PixelRect) -> Box | None:
    """The part of the box under the rectangle; None where they do not overlap."""
    x0, y0 = max(box.x0, rect.x0), max(box.y0, rect.y0)
    x1, y1 = min(box.x1, rect.x1), min(box.y1, rect.y1)
    return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
