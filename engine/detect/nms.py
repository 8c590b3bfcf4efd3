"""Which of many overlapping boxes are of the same thing, by arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAME_IOU = 0.45
"""Boxes that overlap this much are of one thing."""
LOOK_IOU = 0.6
"""The same within one look, where neighbouring cells of a network answer with nearly one box."""
_TINY = 1e-9


def merged(raw_detections: NDArray[np.float32], iou: float = SAME_IOU) -> NDArray[np.float32]:
    """Group overlapping boxes around the surest of each group.

    Args:
        raw_detections: (N, 5 or more) `x0 y0 x1 y1 score …`, of one category; what follows
            the score is carried along.
        iou: overlap with the group's surest member from which a box joins it.

    Returns:
        Each group's surest row, surest first.
    """
    return raw_detections[surest(raw_detections, iou)]


def surest(raw_detections: NDArray[np.floating], iou: float = SAME_IOU) -> NDArray[np.intp]:
    """Where `merged`'s rows stand among the boxes: (M,), surest first."""
    return np.array([group[0] for group in groups(raw_detections, iou)], dtype=np.intp)


def groups(
    raw_detections: NDArray[np.floating], iou: float = SAME_IOU, *, inside: float = np.inf
) -> list[NDArray[np.intp]]:
    """Where each group's members stand among the boxes; surest groups and members first.

    Args:
        raw_detections: (N, 5 or more) `x0 y0 x1 y1 score …`, of one category.
        iou: overlap with the group's surest member from which a box joins it.
        inside: a box also joins when this share of it, and of no less than a quarter of the surest
            member's area, lies in the surest member, or the other way round.
    """
    remaining = np.argsort(-raw_detections[:, 4], kind="stable")
    found = []
    while len(remaining):
        first, others = raw_detections[remaining[0]], raw_detections[remaining]
        overlap, contained = overlaps(first, others)
        same = (overlap >= iou) | (contained >= inside)
        same[0] = True  # also when the box is empty and overlaps nothing, itself included
        found.append(remaining[same])
        remaining = remaining[~same]
    return found


def overlaps(
    one: NDArray[np.floating], many: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Intersection of one box with many, over the union; and over the smaller of the two.

    The second is 0 where their areas differ more than fourfold: a speck is no part.
    """
    shared, own, area = _shared(one, many), _area(one), _area(many)
    smaller, larger = np.minimum(own, area), np.maximum(own, area)
    contained = np.where(larger <= 4 * smaller, shared / np.maximum(smaller, _TINY), 0.0)
    return shared / np.maximum(own + area - shared, _TINY), contained


def parts(raw_detections: NDArray[np.floating]) -> NDArray[np.float64]:
    """How much of each box lies in a surer one, and the other way round.

    Args:
        raw_detections: (N, 5) `x0 y0 x1 y1 score`, of one category.

    Returns:
        (N, 2): the largest share of each box that lies in a surer one, and the largest share of a
        surer one that lies in it, 0..1.
    """
    found = np.zeros((len(raw_detections), 2))
    for index, one in enumerate(raw_detections):
        surer = raw_detections[raw_detections[:, 4] > one[4]]
        if len(surer):
            shared = _shared(one, surer)
            found[index] = (
                (shared / np.maximum(_area(one), _TINY)).max(),
                (shared / np.maximum(_area(surer), _TINY)).max(),
            )
    return np.minimum(found, 1.0)


def _shared(one: NDArray[np.floating], many: NDArray[np.floating]) -> NDArray[np.floating]:
    width = np.minimum(one[2], many[:, 2]) - np.maximum(one[0], many[:, 0])
    height = np.minimum(one[3], many[:, 3]) - np.maximum(one[1], many[:, 1])
    return np.asarray(np.clip(width, 0, None) * np.clip(height, 0, None))


def _area(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))
