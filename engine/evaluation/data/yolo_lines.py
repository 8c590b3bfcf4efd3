"""YOLO label lines: class and normalised box or polygon in, a raw box out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.evaluation.data.raw import (
    InvalidEntry,
    Place,
    RawBox,
    attempt,
    box_around,
    box_between,
    number,
    quoted,
)
from engine.geometry import Box, Size

_OVERSHOOT: Final = 0.01
"""By which a share may leave 0..1, for rounding."""
_BOX_VALUES: Final = 5
_SHORTEST_POLYGON_VALUES: Final = 7


@dataclass(frozen=True, slots=True)
class Description:
    """A `data.yaml`."""

    classes: tuple[str, ...]
    """In order of their numbers; empty for a number that has no name."""
    members: dict[str, Any]

    @property
    def has_keypoints(self) -> bool:
        """Whether lines go on after the box, with points that are no polygon."""
        return "kpt_shape" in self.members


def raw_box(place: Place, values: Sequence[str], size: Size, description: Description) -> RawBox:
    """The box that a line's values stand for, in pixels of a picture of `size`."""
    is_box = description.has_keypoints or len(values) == _BOX_VALUES
    return RawBox(
        place=place,
        class_name=attempt(_class_name, values[0], description.classes),
        box=attempt(_box if is_box else _around_polygon, values, size),
    )


def _class_name(value: str, classes: Sequence[str]) -> str:
    index = number(value)
    is_listed = index.is_integer() and 0 <= index < len(classes)
    if not is_listed or not classes[int(index)]:
        raise InvalidEntry(f"There is no class {quoted(value)} in the list of names.")
    return classes[int(index)]


def _box(values: Sequence[str], size: Size) -> Box:
    if len(values) < _BOX_VALUES:
        raise _malformed(values)
    x, y, width, height = (_share(value) for value in values[1:_BOX_VALUES])
    return box_between(
        (x - width / 2) * size.width,
        (y - height / 2) * size.height,
        (x + width / 2) * size.width,
        (y + height / 2) * size.height,
    )


def _around_polygon(values: Sequence[str], size: Size) -> Box:
    if len(values) < _SHORTEST_POLYGON_VALUES or len(values) % 2 == 0:
        raise _malformed(values)
    xs, ys = values[1::2], values[2::2]
    return box_around(
        (_share(x) * size.width, _share(y) * size.height) for x, y in zip(xs, ys, strict=True)
    )


def _malformed(values: Sequence[str]) -> InvalidEntry:
    return InvalidEntry(
        "A line must be a class and four numbers, or a class and three or more points, not "
        f"{len(values)} values."
    )


def _share(value: str) -> float:
    share = number(value)
    if not -_OVERSHOOT <= share <= 1 + _OVERSHOOT:
        raise InvalidEntry(f"{quoted(value)} is not a share of the picture, 0..1.")
    return min(max(share, 0.0), 1.0)
