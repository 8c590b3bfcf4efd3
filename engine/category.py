"""Categories of regions: one table of what each is called, how it looks, and its defaults.

Policies, certificates, charts, reports and the command line are made from it; CONTRIBUTING.md says
what else a new category needs. Its rows stand in the order they are always shown in. Class numbers
of exported labels and trained networks follow that order too, so a new row comes after the others
that are detected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from engine.wording import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is the same for all regions of a category; measured thresholds stand in policies."""

    plural: str
    colour: str
    """Told apart also by people who see few colours; always beside the category's name."""
    dark_colour: str
    """The same hue on dark ground, lighter, so that it keeps a contrast of 3 : 1 and more."""
    mark: Literal["circle", "square", "diamond", "triangle-up", "x"]
    """Plotly's marker in charts; of a report's drawings, which know no `x`, too."""
    is_detected: bool = True
    """False where reviewers alone draw it."""
    margins: tuple[float, float, float, float] = (0.1, 0.1, 0.1, 0.1)
    """Left, right, top, bottom: how far a mask reaches beyond a box, as shares of its sides;
    measured in docs/decisions/0043-margins.md."""
    contained_share: float = math.inf
    """Share of a box within another, of not quite another size, from which both are of one object.
    Measured: of a face or a tattoo, that loses the detection which fits."""
    reach: float = 0.0
    """How far each side of a fused box lies from the weighted mean, 0, towards the outermost box,
    1; measured with the margins."""


class Category(StrEnum):
    """The kinds of region; the value is their name in files and policies."""

    FACE = "face"
    TATTOO = "tattoo"
    JEWELRY = "jewelry"
    OTHER = "other"

    @property
    def traits(self) -> Traits:
        """Its row of the table."""
        return TRAITS[self]


TRAITS: Mapping[Category, Traits] = {
    Category.FACE: Traits(
        plural="faces",
        colour="#2F6FDE",
        dark_colour="#6C9FF5",
        mark="circle",
        margins=(0.15, 0.15, 0.15, 0.20),
        reach=0.75,
    ),
    Category.TATTOO: Traits(
        plural="tattoos", colour="#E07B00", dark_colour="#F29A3A", mark="square"
    ),
    Category.JEWELRY: Traits(
        plural="jewelry",
        colour="#8E44AD",
        dark_colour="#C08ADB",
        mark="diamond",
        margins=(0.20, 0.20, 0.20, 0.20),
        contained_share=0.8,
        reach=0.5,
    ),
    Category.OTHER: Traits(
        plural="other",
        colour="#5B6770",
        dark_colour="#A3AFB8",
        mark="x",
        is_detected=False,
    ),
}
DETECTABLE = tuple(category for category in Category if category.traits.is_detected)
"""The categories a detector can be asked for, in the order they are always shown."""

DETECTABLE_WORDS = listed([category.traits.plural for category in DETECTABLE])
"""`faces, tattoos and jewelry`."""

if TYPE_CHECKING:
    DetectableName: TypeAlias = str
else:
    DetectableName = Literal[tuple(category.value for category in DETECTABLE)]
"""A detectable category's name, for pydantic."""
