"""From many sightings of the same thing to one box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAME_IOU = 0.45
"""Sightings that overlap this much are of one thing."""


def merged(sightings: NDArray[np.float32], iou: float = SAME_IOU) -> NDArray[np.float32]:
    """Group overlapping sightings around the surest of each group.

    Args:
        sightings: (N, 5 or more) `x0 y0 x1 y1 score …`, of one category, in picture pixels; what
            follows the score is carried along.
        iou: overlap with the group's surest member from which a sighting joins it.

    Returns:
        Each group's surest row, surest first.
    """
    order = np.argsort(-sightings[:, 4], kind="stable")
    remaining = sightings[order]
    groups = []
    while len(remaining):
        first = remaining[0]
        same = _iou(first, remaining) >= iou
        same[0] = True  # also when the box is empty and overlaps nothing, itself included
        groups.append(first)
        remaining = remaining[~same]
    return np.array(groups, dtype=np.float32).reshape(-1, sightings.shape[1])


def _iou(one: NDArray[np.float32], many: NDArray[np.float32]) -> NDArray[np.float32]:
    width = np.minimum(one[2], many[:, 2]) - np.maximum(one[0], many[:, 0])
    height = np.minimum(one[3], many[:, 3]) - np.maximum(one[1], many[:, 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    area = (many[:, 2] - many[:, 0]) * (many[:, 3] - many[:, 1])
    union = (one[2] - one[0]) * (one[3] - one[1]) + area - shared
    return np.asarray(shared / np.maximum(union, 1e-9), dtype=np.float32)
