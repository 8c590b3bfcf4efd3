"""From many sightings of the same thing, by all detectors in all looks, to one thing.

Where it is follows weighted boxes fusion (Solovyev, Wang & Gabruseva, "Weighted boxes fusion:
Ensembling boxes from different object detection models", 2021): the mean of its boxes, weighted by
their scores. What one look cuts off another may show, so faces and jewelry reach further out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.category import DETECTABLE, Category
from engine.detect.nms import SAME_IOU, groups
from engine.geometry import Box
from engine.plan import Detection

AS_SURE = 0.5
"""Sightings with at least this share of the surest one's score have a say in where the thing is."""
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Cluster:
    """Sightings that are taken to be of the same thing."""

    raw_detections: tuple[Detection, ...]
    """The surest first; never empty; all of one category."""
    box: Box
    """Where those sightings see it that are nearly as sure as the surest."""

    @property
    def category(self) -> Category:
        """What it is taken for."""
        return self.raw_detections[0].category

    @property
    def score(self) -> float:
        """The surest sighting's."""
        return self.raw_detections[0].score


def clusters_of(raw_detections: Iterable[Detection]) -> tuple[Cluster, ...]:
    """Tell which sightings are of the same thing.

    Only surer sightings decide over a sighting: what has a lower score changes nothing above.
    """
    every = tuple(raw_detections)
    found: list[Cluster] = []
    for category in DETECTABLE:
        seen = [one for one in every if one.category is category]
        rows = np.array([(*one.box.corners, one.score) for one in seen]).reshape(-1, 5)
        for members in groups(rows, SAME_IOU, inside=category.traits.contained_share):
            box = Box(*_fused(rows[members], category.traits.reach).tolist())
            found.append(Cluster(tuple(seen[index] for index in members), box))
    return tuple(found)


def _fused(rows: NDArray[np.floating], reach: float) -> NDArray[np.floating]:
    """(4,) where those of one thing's (N, 5) `x0 y0 x1 y1 score` that have a say see it."""
    telling = rows[rows[:, 4] >= AS_SURE * rows[0, 4]]
    corners, weights = telling[:, :4], np.maximum(telling[:, 4], _TINY)
    surest = corners[0]  # from there, so that what all agree on is kept to the last digit
    mean = np.asarray(surest + weights @ (corners - surest) / weights.sum())
    hull = np.concatenate([corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)])
    return np.asarray(mean + reach * (hull - mean))
