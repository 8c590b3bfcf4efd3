"""What a reviewer has done to one picture so far. Plain values: every edit gives a new draft.

A dropped item stays in the list, so that dropping is never losing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.category import Category
from engine.geometry import Box, Size
from engine.plan import Origin, Plan, Region

SMALLEST_PX = 6.0
"""A box with a shorter side, on the stage, is a slip of the mouse."""
SAME_IOU = 0.9
"""Two boxes of one category that overlap this much are one."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the list."""

    region: Region
    needs_review: bool = False
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """All lines, in order; a line's number is its place, and never changes."""

    items: tuple[Item, ...] = ()

    @property
    def kept(self) -> tuple[Region, ...]:
        """What will be removed."""
        return tuple(item.region for item in self.items if not item.is_dropped)

    def with_drawn(self, box: Box, category: Category, size: Size) -> Draft:
        """Add a box that was drawn; one that nearly repeats another widens that one.

        Less than a pixel more is the mouse's rounding and changes nothing.
        """
        clipped = box.clipped(size)
        if clipped.area == 0:
            return self
        for number, item in enumerate(self.items):
            known = item.region
            is_twin = known.category is category and known.box.iou(clipped) >= SAME_IOU
            if is_twin and not item.is_dropped:
                wider = known.box.hull(clipped)
                says_more = max(wider.width - known.box.width, wider.height - known.box.height) >= 1
                return self._changed(number, box=wider) if says_more else self
        return Draft((*self.items, Item(Region(clipped, category, Origin.REVIEWER))))

    def with_box(self, number: int, box: Box, size: Size) -> Draft:
        """Move or resize an item; a box wholly outside the picture drops it."""
        clipped = box.clipped(size)
        if clipped.area == 0:
            return self.with_dropped(number, dropped=True)
        return self._changed(number, box=clipped)

    def with_category(self, number: int, category: Category) -> Draft:
        """Give an item another category."""
        return self._changed(number, category=category)

    def with_dropped(self, number: int, *, dropped: bool) -> Draft:
        """Drop an item, or take it back."""
        items = list(self.items)
        items[number] = replace(items[number], is_dropped=dropped)
        return Draft(tuple(items))

    def nudged(self, number: int, dx: float, dy: float, size: Size) -> Draft:
        """Shift an item by picture pixels."""
        box = self.items[number].region.box
        return self.with_box(number, Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy), size)

    def redrawn(self, kept: Iterable[Region]) -> Draft:
        """The draft a verdict with these regions would leave: theirs kept, the rest dropped."""
        regions = tuple(kept)
        known = {item.region for item in self.items}
        items = [replace(item, is_dropped=item.region not in regions) for item in self.items]
        return Draft((*items, *(Item(region) for region in regions if region not in known)))

    def _changed(self, number: int, **values: Any) -> Draft:  # noqa: ANN401 -- fields of Region
        items = list(self.items)
        items[number] = replace(items[number], region=replace(items[number].region, **values))
        return Draft(tuple(items))

    def to_json(self) -> dict[str, Any]:
        """Plain values, to be kept beside the regions in the store."""
        return {
            "items": [
                {**item.region.to_json(), "doubt": item.needs_review, "dropped": item.is_dropped}
                for item in self.items
            ]
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Draft:
        """Undo `to_json`."""
        return cls(
            tuple(
                Item(Region.from_json(item), item["doubt"], item["dropped"])
                for item in value["items"]
            )
        )


def first_draft(plan: Plan) -> Draft:
    """What review starts from: everything proposed is kept, doubts too, the safe side."""
    regions = [Item(region) for region in plan.regions]
    return Draft(
        (
            *regions,
            *(Item(review_region, needs_review=True) for review_region in plan.review_regions),
        )
    )
