"""From many sightings of the same thing, by all detectors in all looks, to one thing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.category import DETECTABLE, Category
from engine.detect.suppress import SAME_IOU, groups
from engine.geometry import Box
from engine.plan import Detection

INSIDE = {Category.FACE: 0.8, Category.JEWELRY: 0.8, Category.TATTOO: math.inf}
"""Share of a box within another, of not quite another size, from which both are of one thing. A
tattoo may lie within a larger one; half a face is no face of its own."""
AS_SURE = 0.5
"""Sightings with at least this share of the surest one's score have a say in where the thing is."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Sightings that are taken to be of the same thing."""

    sightings: tuple[Detection, ...]
    """The surest first; never empty; all of one category."""

    @property
    def category(self) -> Category:
        """What it is taken for."""
        return self.sightings[0].category

    @property
    def box(self) -> Box:
        """The hull of those sightings that are nearly as sure as the surest, and nearly there.

        What one look cuts off another may show; measured in docs/decisions/0008-detectors.md.
        """
        surest = self.sightings[0]
        boxes = [
            one.box
            for one in self.sightings[1:]
            if one.score >= AS_SURE * surest.score and one.box.iou(surest.box) >= SAME_IOU
        ]
        x0s, y0s, x1s, y1s = zip(surest.box.corners, *(box.corners for box in boxes), strict=True)
        return Box(min(x0s), min(y0s), max(x1s), max(y1s))

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
            found.append(Thing(tuple(seen[index] for index in members)))
    return tuple(found)
