"""Which region finds which label.

Two rules, because they answer two questions. *IoU*: does the region say where the thing is (the
field's usual rule)? *Coverage*: is the thing hidden (the privacy claim)? A region that is far
larger than a label hides it but does not find it: a mask over the whole picture would find
everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from engine.geometry import Box, PixelRect, Size
from engine.masks import Masked

SAME_IOU = 0.5
HIDDEN_SHARE = 0.9
"""Share of a label that masks must cover for it to count as hidden."""
LARGEST_FACTOR = 4.0
LARGEST_EXTRA_PX2 = 64.0**2
"""A region over LARGEST_FACTOR x the label's area + LARGEST_EXTRA_PX2 finds nothing."""
NEVER = -1.0
"""The score of what no threshold finds."""
_SHARE_DIGITS = 9
"""Shares are sums of products; without rounding, nine tenths may come out a hair below 0.9."""


def inside(found: Iterable[Masked], size: Size) -> tuple[Masked, ...]:
    """Regions with their boxes cut off at the picture's edges, as labels are.

    What a detector makes up beyond the edge neither hides anything nor makes a region too large.
    """
    return tuple(_cut(one, size) for one in found)


def _cut(one: Masked, size: Size) -> Masked:
    box = one.region.box
    if box.x0 >= 0 and box.y0 >= 0 and box.x1 <= size.width and box.y1 <= size.height:
        return one
    return replace(one, region=replace(one.region, box=box.clipped(size)))


def is_too_large(region: Box, label: Box) -> bool:
    """True when the region is so much larger than the label that it does not find it."""
    return region.area > LARGEST_FACTOR * label.area + LARGEST_EXTRA_PX2


def covered_share(label: Box, rects: Iterable[PixelRect]) -> float:
    """Share of the label's area under the union of rectangles, 0..1.

    Raises:
        ValueError: the label has no area.
    """
    if label.area <= 0:
        raise ValueError(f"a label needs an area to be covered, got {label}")
    parts = [part for rect in rects if (part := _part(label, rect)) is not None]
    return min(round(union_area(parts) / label.area, _SHARE_DIGITS), 1.0)


def union_area(boxes: Sequence[Box]) -> float:
    """Square pixels under at least one of the boxes; 0.0 when there are none."""
    xs = _order(x for one in boxes for x in (one.x0, one.x1))
    ys = _order(y for one in boxes for y in (one.y0, one.y1))
    under = np.zeros((max(len(ys) - 1, 0), max(len(xs) - 1, 0)), dtype=np.bool_)
    for one in boxes:
        under[ys[one.y0] : ys[one.y1], xs[one.x0] : xs[one.x1]] = True
    return float(np.diff(list(ys)) @ under @ np.diff(list(xs))) if boxes else 0.0


def _order(values: Iterable[float]) -> dict[float, int]:
    """Each value's place among the different ones, in ascending order."""
    return {value: place for place, value in enumerate(sorted(set(values)))}


def can_hide(label: Box, one: Masked) -> bool:
    """True when a region's mask lies on the label, and the region is not too large to find it."""
    return _part(label, one.rect) is not None and not is_too_large(one.region.box, label)


def hidden_share(label: Box, regions: Iterable[Masked]) -> float:
    """Share of the label under those regions that are not too large to find it, 0..1."""
    return covered_share(label, [one.rect for one in regions if can_hide(label, one)])


def hidden_from(label: Box, found: Sequence[Masked]) -> float:
    """The highest threshold at which masks still hide the label; `NEVER` when none does.

    Args:
        label: of positive area, inside the picture.
        found: of the label's category, the surest first.
    """
    rects = []
    for one in found:
        if not can_hide(label, one):
            continue
        rects.append(one.rect)
        if covered_share(label, rects) >= HIDDEN_SHARE:
            return one.region.score or 0.0
    return NEVER


def is_found_by(label: Box, region: Masked) -> bool:
    """True when this region alone finds the label, by either rule."""
    if is_too_large(region.region.box, label):
        return False
    part = _part(label, region.rect)
    hidden = round(part.area / label.area, _SHARE_DIGITS) if part else 0.0
    return hidden >= HIDDEN_SHARE or region.region.box.iou(label) >= SAME_IOU


def assigned(affinity: NDArray[np.float64]) -> dict[int, int]:
    """The most pairs possible, and among those the ones that fit best together.

    Args:
        affinity: (labels, regions), 0..1; where it is 0 the two may not be paired.

    Returns:
        The region of each label that has one; nobody occurs twice (Hungarian method).
    """
    if not affinity.size:
        return {}
    pairs_first = (affinity > 0) * (min(affinity.shape) + 1.0)
    labels, regions = linear_sum_assignment(pairs_first + affinity, maximize=True)
    return {
        int(label): int(region)
        for label, region in zip(labels, regions, strict=True)
        if affinity[label, region] > 0
    }


def iou_matrix(labels: Sequence[Box], regions: Sequence[Box]) -> NDArray[np.float64]:
    """(labels, regions), intersection over union."""
    values = [[label.iou(region) for region in regions] for label in labels]
    return np.array(values, dtype=np.float64).reshape(len(labels), len(regions))


def _part(label: Box, rect: PixelRect) -> Box | None:
    """The part of the label under the rectangle; None where they do not overlap."""
    x0, y0 = max(label.x0, rect.x0), max(label.y0, rect.y0)
    x1, y1 = min(label.x1, rect.x1), min(label.y1, rect.y1)
    return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
