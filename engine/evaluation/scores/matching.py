"""Matching of regions with labels: coverage by masks, and IoU with optimal assignment.

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

from engine.coverage import SHARE_DIGITS, covered_share, part_under
from engine.geometry import Box, Size
from engine.plan import Region

MATCH_IOU = 0.5
"""A region that overlaps a label this much finds it."""
HIDDEN_SHARE = 0.9
"""Share of a label that masks must cover for it to count as hidden."""
LARGEST_FACTOR = 4.0
LARGEST_EXTRA_PX2 = 64.0**2
"""A region over LARGEST_FACTOR x the label's area + LARGEST_EXTRA_PX2 finds nothing."""
NEVER = -1.0
"""The score of what no threshold finds."""


def inside(regions: Iterable[Region], size: Size) -> tuple[Region, ...]:
    """Regions with their boxes cut off at the picture's edges, as labels are.

    What a detector makes up beyond the edge neither hides anything nor makes a region too large.
    """
    return tuple(_cut(region, size) for region in regions)


def _cut(region: Region, size: Size) -> Region:
    box = region.box
    if box.x0 >= 0 and box.y0 >= 0 and box.x1 <= size.width and box.y1 <= size.height:
        return region
    return replace(region, box=box.clipped(size)).with_rect(region.rect)


def is_too_large(region: Box, label: Box) -> bool:
    """True when the region is so much larger than the label that it does not find it."""
    return region.area > LARGEST_FACTOR * label.area + LARGEST_EXTRA_PX2


def can_hide(label: Box, region: Region) -> bool:
    """True when a region's mask lies on the label, and the region is not too large to find it."""
    return part_under(label, region.rect) is not None and not is_too_large(region.box, label)


def hidden_share(label: Box, regions: Iterable[Region]) -> float:
    """Share of the label under those regions that are not too large to find it, 0..1."""
    return covered_share(label, [region.rect for region in regions if can_hide(label, region)])


def hidden_from(label: Box, found: Sequence[Region]) -> float:
    """The highest score threshold at which the label is still covered; `NEVER` when none does.

    Args:
        label: of positive area, inside the picture.
        found: of the label's category, the surest first.
    """
    rects = []
    for region in found:
        if not can_hide(label, region):
            continue
        rects.append(region.rect)
        if covered_share(label, rects) >= HIDDEN_SHARE:
            return region.score or 0.0
    return NEVER


def is_found_by(label: Box, region: Region) -> bool:
    """True when this region alone finds the label, by either rule."""
    if is_too_large(region.box, label):
        return False
    part = part_under(label, region.rect)
    hidden = round(part.area / label.area, SHARE_DIGITS) if part else 0.0
    return hidden >= HIDDEN_SHARE or region.box.iou(label) >= MATCH_IOU


def assigned(affinity: NDArray[np.float64]) -> dict[int, int]:
    """Optimal assignment (Hungarian): the most pairs, among those the highest sum of IoU.

    Args:
        affinity: (labels, regions), 0..1; where it is 0 the two may not be paired.

    Returns:
        The region of each label that has one; no region occurs twice.
    """
    from scipy.optimize import linear_sum_assignment  # 30 MB, which the idle app does not need

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
