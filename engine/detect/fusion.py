"""From many sightings of the same thing to one box."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.category import DETECTABLE
from engine.plan import Detection

SAME_IOU = 0.45
"""Sightings that overlap this much are of one thing."""


@dataclass(frozen=True, slots=True)
class Fused:
    """Sightings, each thing once."""

    kept: tuple[Detection, ...]
    """The surest sighting of each thing."""
    dropped: tuple[Detection, ...]
    """The other sightings, which evaluations look at: one of them may have fitted better."""


def fused(sightings: Iterable[Detection]) -> Fused:
    """Tell which sightings, of all looks and detectors, are of the same thing.

    Only surer sightings decide over a sighting: what lies below a threshold changes nothing above.
    """
    kept: list[Detection] = []
    dropped: list[Detection] = []
    every = tuple(sightings)
    for category in DETECTABLE:
        seen = [one for one in every if one.category is category]
        rows = np.array([(*one.box.corners, one.score) for one in seen]).reshape(-1, 5)
        first = set(surest(rows).tolist())
        kept += [one for index, one in enumerate(seen) if index in first]
        dropped += [one for index, one in enumerate(seen) if index not in first]
    return Fused(tuple(kept), tuple(dropped))


def merged(sightings: NDArray[np.float32], iou: float = SAME_IOU) -> NDArray[np.float32]:
    """Group overlapping sightings around the surest of each group.

    Args:
        sightings: (N, 5 or more) `x0 y0 x1 y1 score …`, of one category, in picture pixels; what
            follows the score is carried along.
        iou: overlap with the group's surest member from which a sighting joins it.

    Returns:
        Each group's surest row, surest first.
    """
    return sightings[surest(sightings, iou)]


def surest(sightings: NDArray[np.floating], iou: float = SAME_IOU) -> NDArray[np.intp]:
    """Where `merged`'s rows stand among the sightings: (M,), surest first."""
    remaining = np.argsort(-sightings[:, 4], kind="stable")
    groups = []
    while len(remaining):
        first = remaining[0]
        same = _iou(sightings[first], sightings[remaining]) >= iou
        same[0] = True  # also when the box is empty and overlaps nothing, itself included
        groups.append(first)
        remaining = remaining[~same]
    return np.array(groups, dtype=np.intp)


def _iou(one: NDArray[np.floating], many: NDArray[np.floating]) -> NDArray[np.floating]:
    width = np.minimum(one[2], many[:, 2]) - np.maximum(one[0], many[:, 0])
    height = np.minimum(one[3], many[:, 3]) - np.maximum(one[1], many[:, 1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    area = (many[:, 2] - many[:, 0]) * (many[:, 3] - many[:, 1])
    union = (one[2] - one[0]) * (one[3] - one[1]) + area - shared
    return np.asarray(shared / np.maximum(union, 1e-9))
