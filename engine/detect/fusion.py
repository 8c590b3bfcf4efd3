"""From many sightings of the same thing, by all detectors in all looks, to one thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.category import DETECTABLE, Category
from engine.detect.suppress import SAME_IOU, groups
from engine.geometry import Box
from engine.plan import Detection

INSIDE = 0.8
"""Share of a box within another, of not quite another size, from which both are of one thing."""


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
        """Where the surest sighting saw it."""
        return self.sightings[0].box

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
        for members in groups(rows, SAME_IOU, inside=INSIDE):
            found.append(Thing(tuple(seen[index] for index in members)))
    return tuple(found)
