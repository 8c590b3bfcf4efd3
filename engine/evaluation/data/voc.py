"""Pascal VOC: one XML file a picture (Everingham et al. 2010), corners as pixels.

Corners are taken as edges, as LabelImg, CVAT and Roboflow write them. The first VOC sets count
pixels from 1 and include the last, so their boxes lie up to one pixel off. CVAT writes rectangles
that were turned as they were before, with an attribute `rotation`.
"""

from __future__ import annotations

from pathlib import Path
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
    box_between,
    files_in,
    number,
    parse_size,
    quoted,
    rotate_box_by_attribute,
)
from engine.evaluation.data.xml import root_of, tag_of, text_in
from engine.files.real_path import real
from engine.geometry import Box

_PICTURE_FOLDERS: Final = ("JPEGImages", "images")
"""Beside a folder called Annotations."""


def read_voc(origin: Origin) -> RawDataset:
    """Read a folder of VOC files, or a single one.

    Raises:
        InvalidDataset: a single file was named, and it is no VOC file.
    """
    is_single = origin.file.is_file()
    folder = origin.file.parent if is_single else origin.file
    lookup = _lookup(origin, folder)
    pictures: list[RawPicture] = []
    problems: list[Problem] = []
    unused: list[RawBox] = []
    classes: dict[str, None] = {}
    for path in [origin.file] if is_single else files_in(folder, ".xml"):
        boxes: tuple[RawBox, ...] = ()
        try:
            root = _annotation(path)
            boxes = tuple(_box(origin, path, entry) for entry in root.iterchildren("object"))
            classes |= dict.fromkeys(
                box.class_name for box in boxes if isinstance(box.class_name, str)
            )
            picture, size_problems = _picture(origin, path, root, lookup, boxes)
        except InvalidEntry as error:
            if is_single:
                raise InvalidDataset(f"{path.name} cannot be used. {error}") from error
            problems.append(origin.place(path, error.line).problem(error))
            unused += boxes
            continue
        pictures.append(picture)
        problems += size_problems
    return RawDataset(
        origin.name, tuple(classes), tuple(pictures), tuple(problems), unused=tuple(unused)
    )


def _lookup(origin: Origin, folder: Path) -> ImageLookup:
    if origin.images:
        return ImageLookup(origin.images, (origin.images,), also_by_last_part=True)
    siblings = [folder.parent / name for name in _PICTURE_FOLDERS]
    is_inner = folder.name.lower() == "annotations"
    pictures = real(next((path for path in siblings if is_inner and path.is_dir()), folder))
    return ImageLookup(pictures, (pictures,))


def _annotation(path: Path) -> etree._Element:
    root = root_of(path)
    if tag_of(root) != "annotation":
        raise InvalidEntry(f"Its outermost element is <{tag_of(root)}>, not VOC's <annotation>.")
    return root


def _picture(
    origin: Origin, path: Path, root: etree._Element, lookup: ImageLookup, boxes: tuple[RawBox, ...]
) -> tuple[RawPicture, list[Problem]]:
    name = text_in(root, "filename")
    if not name:
        raise InvalidEntry("It has no <filename>, so nobody knows which picture it is about.")
    element = root.find("filename")
    place = origin.place(path, None if element is None else element.sourceline)
    image = attempt(lookup.find, name)
    if isinstance(image, InvalidEntry):
        raise InvalidEntry(str(image), place.line)
    size, problems = parse_size(place, root.findtext("size/width"), root.findtext("size/height"))
    return RawPicture(place, name, image, size, boxes), problems


def _box(origin: Origin, path: Path, entry: etree._Element) -> RawBox:
    return RawBox(
        place=origin.place(path, entry.sourceline),
        class_name=text_in(entry, "name") or InvalidEntry("The object has no <name>."),
        box=attempt(_corners, entry),
        is_ignored=text_in(entry, "difficult").lower() in {"1", "true"},
    )


def _corners(entry: etree._Element) -> Box:
    texts = [entry.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
    if None in texts:
        raise InvalidEntry(
            f"Its <bndbox> must have xmin, ymin, xmax and ymax, not {quoted(texts)}."
        )
    x0, y0, x1, y1 = map(number, texts)
    return rotate_box_by_attribute(box_between(x0, y0, x1, y1), _rotation(entry))


def _rotation(entry: etree._Element) -> str | None:
    """CVAT's attribute of a rotated rectangle: degrees about its centre."""
    attributes = entry.iterfind("attributes/attribute")
    return next((text_in(a, "value") for a in attributes if text_in(a, "name") == "rotation"), None)
