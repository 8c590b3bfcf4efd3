"""Which of many overlapping boxes are of the same thing, by arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAME_IOU = 0.45
"""Boxes that overlap this much are of one thing."""


def merged(sightings: NDArray[np.float32], iou: float = SAME_IOU) -> NDArray[np.float32]:
    """Group overlapping boxes around the surest of each group.

    Args:
        sightings: (N, 5 or more) `x0 y0 x1 y1 score …`, of one category; what follows the score is
            carried along.
        iou: overlap with the group's surest member from which a box joins it.

    Returns:
        Each group's surest row, surest first.
    """
    return sightings[surest(sightings, iou)]


def surest(sightings: NDArray[np.floating], iou: float = SAME_IOU) -> NDArray[np.intp]:
    """Where `merged`'s rows stand among the boxes: (M,), surest first."""
    return np.array([group[0] for group in groups(sightings, iou)], dtype=np.intp)


def groups(
    sightings: NDArray[np.floating], iou: float = SAME_IOU, *, inside: float = np.inf
) -> list[NDArray[np.intp]]:
    """Where each group's members stand among the boxes; surest groups and members first.

    Args:
        sightings: (N, 5 or more) `x0 y0 x1 y1 score …`, of one category.
        iou: overlap with the group's surest member from which a box joins it.
        inside: a box also joins when this share of it, and of no less than a quarter of the surest
            member's area, lies in the surest member, or the other way round.
    """
    remaining = np.argsort(-sightings[:, 4], kind="stable")
    found = []
    while len(remaining):
        first, others = sightings[remaining[0]], sightings[remaining]
        overlap, contained = _overlaps(first, others)
        same = (overlap >= iou) | (contained >= inside)
        same[0] = True  # also when the box is empty and overlaps nothing, itself included
        found.append(remaining[same])
        remaining = remaining[~same]
    return found


def _overlaps(
    one: NDArray[np.floating], many: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Intersection over union; and over the smaller of the two, 0 where sizes differ fourfold."""
    width = np.minimum(one[2], many[:, 2]) - np.maximum(one[0], many[:, 0])
    height = np.minimum(one[3], many[:, 3]) - np.maximum(one[1], many[:, 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    area = (many[:, 2] - many[:, 0]) * (many[:, 3] - many[:, 1])
    own = (one[2] - one[0]) * (one[3] - one[1])
    smaller, larger = np.minimum(own, area), np.maximum(own, area)
    contained = np.where(larger <= 4 * smaller, shared / np.maximum(smaller, 1e-9), 0.0)
    return shared / np.maximum(own + area - shared, 1e-9), contained
