"""Non-maximum suppression over arrays of boxes, and the overlap measures it goes by.

Boxes are rows `x0 y0 x1 y1 score …` of one category; what follows the score is carried along.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAME_OBJECT_IOU = 0.45
"""Boxes that overlap this much are of one object."""
VIEW_IOU = 0.6
"""The same within one view, where neighbouring cells of a network answer with nearly one box."""
BLOCK = 64
"""So many boxes are compared with all others at once."""
_TINY = 1e-9


def non_max_suppression(
    boxes: NDArray[np.float32], iou: float = SAME_OBJECT_IOU
) -> NDArray[np.float32]:
    """Keep each overlap group's row with the highest score, in descending order (greedy NMS)."""
    return boxes[nms_indices(boxes, iou)]


def nms_indices(boxes: NDArray[np.floating], iou: float = SAME_OBJECT_IOU) -> NDArray[np.intp]:
    """The rows that non-maximum suppression keeps: (M,) indices, in descending order of score."""
    return np.array([group[0] for group in overlap_groups(boxes, iou)], dtype=np.intp)


def overlap_groups(
    boxes: NDArray[np.floating], iou: float = SAME_OBJECT_IOU, *, inside: float = np.inf
) -> list[NDArray[np.intp]]:
    """Group overlapping boxes greedily around the one with the highest score.

    Args:
        boxes: (N, 5 or more).
        iou: overlap with the group's first box from which a box joins it.
        inside: a box also joins when this share of it, and of no less than a quarter of the first
            box's area, lies in the first box, or the other way round.

    Returns:
        Indices of each group's boxes; groups and boxes in descending order of score.
    """
    remaining = np.argsort(-boxes[:, 4], kind="stable")
    groups = []
    while len(remaining):
        firsts = boxes[remaining[:BLOCK]]
        overlap, contained = overlaps(firsts[:, None], boxes[remaining])
        joins = (overlap >= iou) | (contained >= inside)
        is_left = np.ones(len(remaining), np.bool_)
        for index, row in enumerate(joins):
            if is_left[index]:
                row[index] = (
                    True  # also when the box is empty and overlaps nothing, itself included
                )
                groups.append(remaining[row & is_left])
                is_left &= ~row
        remaining = remaining[is_left]
    return groups


def overlaps(
    box: NDArray[np.floating], boxes: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Intersection of boxes with others, over the union; and over the smaller of the two.

    The second is 0 where their areas differ more than fourfold: a speck is no part. Both are of the
    shape to which (..., 4 or more) and (..., 4 or more) broadcast, without the last axis.
    """
    intersection, area, areas = _intersection(box, boxes), _area(box), _area(boxes)
    smaller, larger = np.minimum(area, areas), np.maximum(area, areas)
    contained = np.where(larger <= 4 * smaller, intersection / np.maximum(smaller, _TINY), 0.0)
    return intersection / np.maximum(area + areas - intersection, _TINY), contained


def containment(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """How much of each box lies in one with a higher score, and the other way round.

    Args:
        boxes: (N, 5).

    Returns:
        (N, 2): the largest share of each box that lies in a box with a higher score, and the
        largest share of such a box that lies in it, 0..1.
    """
    shares = np.zeros((len(boxes), 2))
    for index, box in enumerate(boxes):
        surer = boxes[boxes[:, 4] > box[4]]
        if len(surer):
            intersection = _intersection(box, surer)
            shares[index] = (
                (intersection / np.maximum(_area(box), _TINY)).max(),
                (intersection / np.maximum(_area(surer), _TINY)).max(),
            )
    return np.minimum(shares, 1.0)


def _intersection(box: NDArray[np.floating], boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    width = np.minimum(box[..., 2], boxes[..., 2]) - np.maximum(box[..., 0], boxes[..., 0])
    height = np.minimum(box[..., 3], boxes[..., 3]) - np.maximum(box[..., 1], boxes[..., 1])
    return np.asarray(np.clip(width, 0, None) * np.clip(height, 0, None))


def _area(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))
