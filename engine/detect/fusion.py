"""From many sightings of the same thing, by all detectors in all looks, to one thing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.category import DETECTABLE, Category
from engine.detect.suppress import SAME_IOU, groups
from engine.geometry import Box
from engine.plan import Detection

INSIDE = {Category.FACE: math.inf, Category.TATTOO: math.inf, Category.JEWELRY: 0.8}
"""Share of a box within another, of not quite another size, from which both are of one thing.
Measured: of a face or a tattoo, that loses the sighting which fits."""
AS_SURE = 0.5
"""Sightings with at least this share of the surest one's score have a say in where the thing is."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Sightings that are taken to be of the same thing."""

    sightings: tuple[Detection, ...]
    """The surest first; never empty; all of one category."""
    box: Box
    """The hull of those sightings that are nearly as sure as the surest: what one look cuts off
    another may show (measured in docs/decisions/0008-detectors.md)."""

    @property
    def category(self) -> Category:
        """What it is taken for."""
        return self.sightings[0].category

    @property
    def score(self) -> float:
        """The surest sighting's."""
        return self.sightings[0].score


def things(sightings: Iterable[Detection]) -> tuple[Thing, ...]:
    """Tell which sightings are of the same thing.

    Only surer sightings decide over a sighting: what has a lower score changes nothing above.
    """
    every = tuple(sightings)
    found: list[Thing] = []
    for category in DETECTABLE:
        seen = [one for one in every if one.category is category]
        rows = np.array([(*one.box.corners, one.score) for one in seen]).reshape(-1, 5)
        for members in groups(rows, SAME_IOU, inside=INSIDE[category]):
            hull = Box(*_hull(rows[members]).tolist())
            found.append(Thing(tuple(seen[index] for index in members), hull))
    return tuple(found)


def _hull(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """(4,) around those of one thing's (N, 5) `x0 y0 x1 y1 score` that have a say."""
    telling = rows[:, 4] >= AS_SURE * rows[0, 4]
    corners = rows[telling, :4]
    return np.concatenate([corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)])
