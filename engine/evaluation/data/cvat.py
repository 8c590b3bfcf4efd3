"""CVAT for images 1.1: one XML file with all pictures (docs.cvat.ai, "CVAT for image").

Shapes become the box around them: a rotated rectangle's, a polygon's, an ellipse's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from lxml import etree

from engine.errors import InvalidDataset
from engine.evaluation.data.image_lookup import ImageLookup
from engine.evaluation.data.labels import Problem
from engine.evaluation.data.raw import (
    InvalidEntry,
    Origin,
    RawBox,
    RawDataset,
    RawPicture,
    attempt,
    box_around,
    box_between,
    number,
    parse_size,
    quoted,
    rotate_box,
    turn,
)
from engine.evaluation.data.xml import root_of, tag_of, text_in
from engine.geometry import Box

_NO_SHAPES: Final = frozenset({"tag"})
"""Said of a whole picture, so no box is lost with them."""


def read_cvat(origin: Origin) -> RawDataset:
    """Read a CVAT file.

    Raises:
        InvalidDataset: it is no XML, or has no images.
    """
    try:
        root = root_of(origin.file)
    except InvalidEntry as error:
        raise InvalidDataset(f"{origin.file.name} cannot be used. {error}") from error
    images = list(root.iterchildren("image"))
    if not images:
        raise InvalidDataset(
            f"{origin.file.name} has no <image>. Export it from CVAT as “CVAT for images 1.1”."
        )
    home = origin.images or origin.home
    folders = (home,) if origin.images else (origin.file.parent, home, home / "images")
    lookup = ImageLookup(home, folders, also_by_last_part=origin.images is not None)
    pictures: list[RawPicture] = []
    problems: list[Problem] = []
    unused: list[RawBox] = []
    for image in images:
        boxes = tuple(_box(origin, shape) for shape in _shapes(image))
        try:
            picture, size_problems = _picture(origin, image, lookup, boxes)
        except InvalidEntry as error:
            problems.append(origin.place(origin.file, image.sourceline).problem(error))
            unused += boxes
            continue
        pictures.append(picture)
        problems += size_problems
    return RawDataset(
        origin.name, _classes(root), tuple(pictures), tuple(problems), unused=tuple(unused)
    )


def _classes(root: etree._Element) -> tuple[str, ...]:
    names = [text_in(label, "name") for label in root.iterfind("meta//labels/label")]
    names += [
        shape.get("label", "") for image in root.iterchildren("image") for shape in _shapes(image)
    ]
    return tuple(dict.fromkeys(filter(None, names)))


def _shapes(image: etree._Element) -> list[etree._Element]:
    return [child for child in image.iterchildren("*") if tag_of(child) not in _NO_SHAPES]


def _picture(
    origin: Origin, image: etree._Element, lookup: ImageLookup, boxes: tuple[RawBox, ...]
) -> tuple[RawPicture, list[Problem]]:
    name = image.get("name", "")
    if not name.strip():
        raise InvalidEntry("The image has no name.")
    place = origin.place(origin.file, image.sourceline)
    subset = image.get("subset", "")  # a project has one name once in each of its subsets
    path = lookup.find(name, subset)
    size, problems = parse_size(place, image.get("width"), image.get("height"))
    return RawPicture(place, f"{subset}/{name}" if subset else name, path, size, boxes), problems


def _box(origin: Origin, shape: etree._Element) -> RawBox:
    return RawBox(
        place=origin.place(origin.file, shape.sourceline),
        class_name=shape.get("label") or InvalidEntry(f"The <{tag_of(shape)}> has no label."),
        box=attempt(_surrounding, shape),
        attributes=tuple(
            (entry.get("name", ""), (entry.text or "").strip())
            for entry in shape.iterchildren("attribute")
            if entry.get("name")
        ),
    )


def _surrounding(shape: etree._Element) -> Box:
    surround = _SURROUNDING.get(tag_of(shape))
    if surround is None:
        raise InvalidEntry(f"<{tag_of(shape)}> is no shape that a box can be put around.")
    return surround(shape)


def _around_rectangle(shape: etree._Element) -> Box:
    box = box_between(*_numbers(shape, "xtl", "ytl", "xbr", "ybr"))
    return rotate_box(box, _degrees(shape))


def _around_ellipse(shape: etree._Element) -> Box:
    x, y, rx, ry = _numbers(shape, "cx", "cy", "rx", "ry")
    cos, sin = turn(_degrees(shape))
    half_width, half_height = math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)
    return box_between(x - half_width, y - half_height, x + half_width, y + half_height)


def _around_points(shape: etree._Element) -> Box:
    points = [pair.split(",") for pair in (shape.get("points") or "").split(";")]
    if any(len(pair) != 2 for pair in points):
        raise InvalidEntry(
            f"Its points must be pairs x,y with ; between, not {quoted(shape.get('points'))}."
        )
    return box_around((number(x), number(y)) for x, y in points)


def _around_mask(shape: etree._Element) -> Box:
    left, top, width, height = _numbers(shape, "left", "top", "width", "height")
    return box_between(left, top, left + width, top + height)


def _numbers(shape: etree._Element, *names: str) -> list[float]:
    missing = [name for name in names if shape.get(name) is None]
    if missing:
        raise InvalidEntry(f"The <{tag_of(shape)}> has no {', '.join(missing)}.")
    return [number(shape.get(name)) for name in names]


def _degrees(shape: etree._Element) -> float:
    return number(shape.get("rotation", "0"))


_SURROUNDING: Final[Mapping[str, Callable[[etree._Element], Box]]] = {
    "box": _around_rectangle,
    "ellipse": _around_ellipse,
    "polygon": _around_points,
    "polyline": _around_points,
    "points": _around_points,
    "mask": _around_mask,
}
