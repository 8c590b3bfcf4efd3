"""Labelled boxes that count in no recall, by reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, field
from operator import add
from typing import TypeAlias

from engine.category import Category
from engine.evaluation.data.labels import LabelledPicture

LostBoxes: TypeAlias = Mapping[Category | None, int]
"""Boxes by category; None where nobody knows of which."""


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Boxes of one category that count in no recall."""

    ignored: int = 0
    """The data set says of them that they count neither way."""
    not_labelled_for: int = 0
    """Their picture is labelled for other categories only."""
    unread: int = 0
    """On pictures that could not be read, or that the labels do not fit."""
    lost: int = 0
    """Not to be read, or of a picture that is missing."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(astuple(self))

    def __add__(self, other: Uncounted) -> Uncounted:
        return Uncounted(*map(add, astuple(self), astuple(other)))

    def to_json(self) -> dict[str, int]:
        """Plain values, for the summary."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Missing:
    """Boxes that never came to be compared with anything."""

    unread: tuple[LabelledPicture, ...] = ()
    """Pictures that could not be measured."""
    lost: LostBoxes = field(default_factory=dict)
    """Boxes lost when the data set was read."""

    def of(self, category: Category) -> Uncounted:
        """Those of one category."""
        labels = (label for picture in self.unread for label in picture.labels)
        unread = sum(label.category is category for label in labels)
        return Uncounted(unread=unread, lost=self.lost.get(category, 0))

    @property
    def of_unknown_class(self) -> int:
        """Lost boxes of which nobody knows the category."""
        return self.lost.get(None, 0)


def uncounted_in(picture: LabelledPicture, category: Category) -> Uncounted:
    """Boxes on a measured picture that count in no recall of `category`."""
    labels = [label for label in picture.labels if label.category is category]
    if category not in picture.counted:
        return Uncounted(not_labelled_for=len(labels))
    return Uncounted(ignored=sum(label.is_ignored for label in labels))


def total_of(categories: Iterable[Uncounted], missing: Missing) -> dict[str, int]:
    """Sum over all categories, for the summary."""
    total = sum(categories, Uncounted())
    return total.to_json() | {"lost_of_unknown_class": missing.of_unknown_class}
