"""Detection clusters: raw detections of all detectors in all views in, one cluster an object out.

A cluster's box follows weighted boxes fusion (Solovyev, Wang & Gabruseva, "Weighted boxes fusion:
Ensembling boxes from different object detection models", 2021): the mean of its boxes, weighted by
their scores. What one view cuts off another may show, so faces and jewelry reach further out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.category import DETECTABLE, Category
from engine.detect.nms import SAME_OBJECT_IOU, overlap_groups
from engine.geometry import Box
from engine.plan import Detection

AS_SURE = 0.5
"""Detections with at least this share of the highest score count towards the cluster's box."""
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Cluster:
    """Raw detections that are taken to be of the same object, with their fused box."""

    raw_detections: tuple[Detection, ...]
    """In descending order of score; never empty; all of one category."""
    box: Box

    @property
    def category(self) -> Category:
        """The category of its detections."""
        return self.raw_detections[0].category

    @property
    def score(self) -> float:
        """The highest of its detections."""
        return self.raw_detections[0].score


def clusters_of(raw_detections: Iterable[Detection]) -> tuple[Cluster, ...]:
    """Group raw detections by category and overlap, and fuse each group's boxes.

    Only higher scores decide over a detection: a lower one changes nothing above it.
    """
    everything = tuple(raw_detections)
    clusters: list[Cluster] = []
    for category in DETECTABLE:
        detections = [detection for detection in everything if detection.category is category]
        rows = np.array(
            [(*detection.box.corners, detection.score) for detection in detections]
        ).reshape(-1, 5)
        for members in overlap_groups(
            rows, SAME_OBJECT_IOU, inside=category.traits.contained_share
        ):
            box = Box(*_fused_box(rows[members], category.traits.reach).tolist())
            clusters.append(Cluster(tuple(detections[index] for index in members), box))
    return tuple(clusters)


def _fused_box(rows: NDArray[np.floating], reach: float) -> NDArray[np.floating]:
    """The (4,) box of one cluster's (N, 5) `x0 y0 x1 y1 score`, the highest score first."""
    rows = rows[rows[:, 4] >= AS_SURE * rows[0, 4]]
    corners, weights = rows[:, :4], np.maximum(rows[:, 4], _TINY)
    first = corners[0]  # from there, so that what all agree on is kept to the last digit
    mean = np.asarray(first + weights @ (corners - first) / weights.sum())
    hull = np.concatenate([corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)])
    return np.asarray(mean + reach * (hull - mean))
