"""What a reviewer has done to one picture so far. Plain values: every edit gives a new draft.

A dropped item stays in the list, so that dropping is never losing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.category import Category
from engine.errors import LetheError
from engine.geometry import Box, Size
from engine.plan import Origin, Plan, Region


class InvalidEdit(LetheError):
    """A list of boxes that cannot have come from editing this draft."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the list."""

    region: Region
    needs_review: bool = False
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class EditedBox:
    """What the browser says of one line; the rest about it is known here."""

    box: Box
    category: Category
    is_dropped: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """All lines, in order; a line's number is its place, and never changes."""

    items: tuple[Item, ...] = ()
    fixed: int = 0
    """How many lines, from the first on, no edit can take away: those of the plan it began with."""

    @property
    def kept(self) -> tuple[Region, ...]:
        """What will be removed."""
        return tuple(item.region for item in self.items if not item.is_dropped)

    def edited(self, boxes: Sequence[EditedBox], size: Size) -> Draft:
        """The draft with its lines as the browser has them now.

        What the plan proposed keeps its score and its origin, whatever is sent. A box is clipped to
        the picture; a fixed one wholly outside is dropped where it last was. Lines after the fixed
        ones are a reviewer's.

        Args:
            boxes: the fixed lines, in order, then what was drawn.
            size: of the picture.

        Raises:
            InvalidEdit: fixed lines are missing.
        """
        if len(boxes) < self.fixed:
            raise InvalidEdit(
                f"The page sent {len(boxes)} boxes of {self.fixed}, so nothing was saved; it shows "
                "the picture as it was saved last."
            )
        known = zip(self.items[: self.fixed], boxes, strict=False)
        fixed = [_edited(item, edit, size) for item, edit in known]
        drawn = [
            Item(Region(box, edit.category, Origin.REVIEWER), is_dropped=edit.is_dropped)
            for edit in boxes[self.fixed :]
            if (box := edit.box.clipped(size)).area > 0
        ]
        return Draft((*fixed, *drawn), self.fixed)

    def redrawn(self, kept: Iterable[Region]) -> Draft:
        """The draft a decision with these regions would leave: theirs kept, the rest dropped."""
        regions = tuple(kept)
        known = {item.region for item in self.items}
        items = [replace(item, is_dropped=item.region not in regions) for item in self.items]
        added = [Item(region) for region in regions if region not in known]
        moved = [at for at, one in enumerate(added, 1) if one.region.origin is Origin.MODEL]
        fixed = len(items) + max(moved) if moved else self.fixed
        return Draft((*items, *added), fixed)

    def to_json(self) -> dict[str, Any]:
        """Plain values, to be kept beside the regions in the store."""
        return {
            "items": [
                {**item.region.to_json(), "doubt": item.needs_review, "dropped": item.is_dropped}
                for item in self.items
            ],
            "fixed": self.fixed,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Draft:
        """Undo `to_json`; what was saved before `fixed` was fixes all up to a model's last line."""
        items = tuple(
            Item(Region.from_json(item), item["doubt"], item["dropped"]) for item in value["items"]
        )
        by_model = [at for at, one in enumerate(items, 1) if one.region.origin is Origin.MODEL]
        return cls(items, value.get("fixed", max(by_model, default=0)))


def first_draft(plan: Plan) -> Draft:
    """What review starts from: all that is proposed is kept, the safe side; what needs it first."""
    regions = [Item(region) for region in plan.regions]
    return Draft(
        (
            *(Item(review_region, needs_review=True) for review_region in plan.review_regions),
            *regions,
        ),
        len(plan.proposed),
    )


def _edited(item: Item, edit: EditedBox, size: Size) -> Item:
    box = edit.box.clipped(size) if edit.box != item.region.box else edit.box
    if box.area == 0:
        return replace(item, is_dropped=True)
    region = replace(item.region, box=box, category=edit.category)
    return Item(region, item.needs_review, edit.is_dropped)
