"""Boxes that count in no recall, and why: whatever is left out is said with its number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeAlias

from engine.category import DETECTABLE, Category
from engine.evaluation.data.labels import LabelledPicture
from engine.wording import counted

LostBoxes: TypeAlias = Mapping[Category | None, int]
"""Boxes by category; None where nobody knows of which."""

_WHY: Final = {
    "ignored": "marked as a crowd, as difficult or to be ignored",
    "not_labelled_for": "of a category that their picture is not labelled for",
    "unread": "on pictures that could not be measured",
    "lost": "that could not be read, or whose picture is missing",
}


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Boxes of one category that count in no recall."""

    ignored: int = 0
    """The data set says of them that they count neither way."""
    not_labelled_for: int = 0
    """Their picture is labelled for other categories only."""
    unread: int = 0
    """On pictures that could not be looked at, or that the labels do not fit."""
    lost: int = 0
    """Not to be read, or of a picture that is missing."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.ignored + self.not_labelled_for + self.unread + self.lost

    def __add__(self, other: Uncounted) -> Uncounted:
        return Uncounted(
            self.ignored + other.ignored,
            self.not_labelled_for + other.not_labelled_for,
            self.unread + other.unread,
            self.lost + other.lost,
        )

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
        labels = [one for picture in self.unread for one in picture.labels]
        unread = sum(one.category is category for one in labels)
        return Uncounted(unread=unread, lost=self.lost.get(category, 0))

    @property
    def of_unknown_class(self) -> int:
        """Lost boxes of which nobody knows the category."""
        return self.lost.get(None, 0)


def uncounted_in(picture: LabelledPicture, category: Category) -> Uncounted:
    """Boxes on a measured picture that count in no recall of `category`."""
    labels = [one for one in picture.labels if one.category is category]
    if category not in picture.counted:
        return Uncounted(not_labelled_for=len(labels))
    return Uncounted(ignored=sum(one.is_ignored for one in labels))


def total_of(categories: Iterable[Uncounted], missing: Missing) -> dict[str, int]:
    """All categories together, for the summary."""
    total = sum(categories, Uncounted())
    return total.to_json() | {"lost_of_unknown_class": missing.of_unknown_class}


def uncounted_words(summary: Mapping[str, Any]) -> str:
    """What counts in no recall, in a sentence; empty when every box counts.

    Args:
        summary: as `recall.summary` gives it, or as it was stored, perhaps long ago.
    """
    total = summary.get("uncounted")
    if total is None:
        return ""
    parts = []
    for key, why in _WHY.items():
        number = total[key] + (total["lost_of_unknown_class"] if key == "lost" else 0)
        if number:
            parts.append(f"{counted(number, 'box')} {why}{_by_category(summary, key)}")
    return f"Not counted: {'; '.join(parts)}." if parts else ""


def turned_words(summary: Mapping[str, Any]) -> str:
    """That labels were turned with their pictures, a guess that may be wrong; empty without any.

    Args:
        summary: as `recall.summary` gives it, or as it was stored, perhaps long ago.
    """
    turned = summary.get("turned", 0)
    if not turned:
        return ""
    return (
        f"{counted(turned, 'picture')} stored turned: the labels were turned as well, for the data "
        "set states the stored size. If they were drawn on the upright picture, as browsers show "
        "it, recall is wrong here: state the upright width and height."
    )


def remarks(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """What a reader of the figures must know about the labels, a sentence or two each.

    Args:
        summary: as `recall.summary` gives it, or as it was stored, perhaps long ago.
    """
    return tuple(filter(None, (uncounted_words(summary), turned_words(summary))))


def has_only_uncounted(category: Mapping[str, Any]) -> bool:
    """True when boxes of a category are there, and none of them counts.

    Args:
        category: its part of a summary.
    """
    own = category.get("uncounted", {})
    return not category["labels"] and any(own.get(key) for key in ("ignored", "unread", "lost"))


def _by_category(summary: Mapping[str, Any], key: str) -> str:
    parts = [
        f"{category} {number}"
        for category in DETECTABLE
        if (number := summary["categories"][category.value]["uncounted"][key])
    ]
    unknown = summary["uncounted"]["lost_of_unknown_class"] if key == "lost" else 0
    parts += [f"of unknown class {unknown}"] if unknown else []
    return f" ({', '.join(parts)})"
