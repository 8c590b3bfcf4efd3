"""COCO: JSON with lists of images, annotations and categories (cocodataset.org/#format-data).

An image may also say `labelled_for`, `partial_for` (lists of category names) and `group`; any other
plain member of it, such as `source` or `licence`, is kept as an attribute.

Ids are numbers or texts, and 1, 1.0 and "1" are one id. A mask (RLE) with `iscrowd` is a label like
any other and is said to be taken for one: CVAT and Datumaro write every mask so, drawn with a brush
or found by a model. Without a mask, `iscrowd` means a crowd. See docs/decisions/0014-crowds.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from engine.category import Category
from engine.errors import InvalidDataset
from engine.evaluation.data.class_names import category_of
from engine.evaluation.data.clean import named_categories
from engine.evaluation.data.image_lookup import ImageLookup
from engine.evaluation.data.json_entries import Entry, listed_entries
from engine.evaluation.data.labels import Problem
from engine.evaluation.data.raw import (
    ALL,
    InvalidEntry,
    Origin,
    RawBox,
    RawDataset,
    RawPicture,
    attempt,
    box_between,
    number,
    parse_size,
    quoted,
    rotate_box_by_attribute,
    scalar_attributes,
    text_of,
)
from engine.geometry import Box

_Id: TypeAlias = int | str
_LISTS: Final = ("images", "annotations", "categories")
_SUBSET_FILE: Final = re.compile(r"(?:instances|person_keypoints|captions)_(?P<subset>.+)")
_WHOLE_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
"""A text that is an id like the number; 007 is another."""
_LABEL_STUDIO: Final = re.compile(r'"contributor"\s*:\s*"Label Studio"')
"""Takes boxes from a browser and sizes from the file."""
_NO: Final = frozenset({"", "0", "0.0", "false", "no", "none", "null"})
_NO_ATTRIBUTES: Final = frozenset({"file_name", "id", "width", "height", "group", "verified"})


def read_coco(origin: Origin) -> RawDataset:
    """Read a COCO file.

    Raises:
        InvalidDataset: it is not JSON, or has not the three lists.
    """
    text = text_of(origin.file)
    members = _members_of(origin, text)
    images, annotations, categories = (members[key] or [] for key in _LISTS)
    reading = _Reading(origin)
    classes = reading.classes(categories)
    pictures = reading.pictures(images, reading.boxes(annotations, classes))
    reading.note_masks()
    return RawDataset(
        origin.name,
        tuple(name for name in classes.values() if isinstance(name, str)),
        tuple(pictures),
        tuple(reading.problems),
        unused=tuple(reading.unused),
        astray=tuple(reading.astray),
        is_drawn_in_browser=_LABEL_STUDIO.search(text) is not None,
    )


def _members_of(origin: Origin, text: str) -> Mapping[str, list[Entry] | None]:
    name = origin.file.name
    try:
        members = listed_entries(text)
    except RecursionError as error:
        raise InvalidDataset(f"{name} is nested too deeply to be a data set.") from error
    except ValueError as error:
        raise InvalidDataset(
            f"{name} is not a JSON object that can be read: {error}. Export it again as COCO."
        ) from error
    missing = [key for key in _LISTS if members.get(key) is None]
    if missing:
        raise InvalidDataset(
            f"{name} is not a COCO data set: it has no list called {' or '.join(missing)}."
        )
    return members


class _Reading:
    """One COCO file while it is read; collects what could not be used."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._lookup = _lookup(origin)
        self._subset = _subset(origin.file)
        self._masks: list[RawBox] = []
        self.problems: list[Problem] = []
        self.unused: list[RawBox] = []
        self.astray: list[RawBox] = []

    def classes(self, entries: Iterable[Entry]) -> dict[_Id, str | InvalidEntry]:
        """Class names by id; an id with two names has none."""
        classes: dict[_Id, str | InvalidEntry] = {}
        for entry in entries:
            try:
                members = _members(entry)
                key, name = _id(members, "id"), _text(members, "name")
            except InvalidEntry as error:
                self._leave_out(entry, error)
                continue
            if classes.setdefault(key, name) != name:
                classes[key] = InvalidEntry(f"The category id {quoted(key)} has two names.")
                self._leave_out(entry, classes[key])
        return classes

    def boxes(
        self, entries: Iterable[Entry], classes: Mapping[_Id, str | InvalidEntry]
    ) -> dict[_Id, list[RawBox]]:
        """Boxes by the id of their image."""
        boxes: dict[_Id, list[RawBox]] = defaultdict(list)
        for entry in entries:
            box = self._box(entry, classes)
            try:
                boxes[_id(_members(entry), "image_id")].append(box)
            except InvalidEntry as error:
                self.astray.append(box)
                self._leave_out(entry, error)
        return boxes

    def note_masks(self) -> None:
        """Note how many masks that are marked as crowds count as labels."""
        masks = [mask for mask in self._masks if category_of(str(mask.class_name))]
        if masks:
            self.problems.append(
                masks[0].place.problem(
                    f"Masks with iscrowd, of which this is the first: {len(masks)}. Each was taken "
                    "for one thing, as CVAT writes every mask so. Give those that are crowds "
                    '"ignore": 1.'
                )
            )

    def pictures(
        self, entries: Iterable[Entry], boxes: Mapping[_Id, list[RawBox]]
    ) -> list[RawPicture]:
        """Pictures whose entry and file can be used."""
        claims, image_ids = self._claims(entries)
        for image in boxes.keys() - claims.keys():
            text = f"There is no image with the id {quoted(image)}."
            self.problems += [box.place.problem(text) for box in boxes[image]]
            (self.unused if image in image_ids else self.astray).extend(boxes[image])
        pictures = []
        for image, claiming in claims.items():
            is_clear = len({members.get("file_name") for _, members in claiming}) == 1
            for entry, members in claiming:
                try:
                    if not is_clear:
                        raise InvalidEntry(
                            f"The image id {quoted(image)} stands for several pictures."
                        )
                    pictures.append(self._picture(entry, members, boxes.get(image, [])))
                except InvalidEntry as error:
                    self._leave_out(entry, error)
                    self.unused += boxes.get(image, []) if entry is claiming[0][0] else []
        return pictures

    def _claims(
        self, entries: Iterable[Entry]
    ) -> tuple[dict[_Id, list[tuple[Entry, dict[str, Any]]]], set[_Id]]:
        """The entries that claim each image id, one if all is well; and every id, broken or not."""
        claims: dict[_Id, list[tuple[Entry, dict[str, Any]]]] = defaultdict(list)
        image_ids: set[_Id] = set()
        for entry in entries:
            try:
                members = _members(entry)
                key = _id(members, "id")
                image_ids.add(key)
                _text(members, "file_name")
                claims[key].append((entry, members))
            except InvalidEntry as error:
                self._leave_out(entry, error)
        return claims, image_ids

    def _box(self, entry: Entry, classes: Mapping[_Id, str | InvalidEntry]) -> RawBox:
        members = entry.value if isinstance(entry.value, dict) else {}
        attributes = members.get("attributes")
        attributes = attributes if isinstance(attributes, dict) else {}
        is_mask = isinstance(members.get("segmentation"), dict)
        is_crowd = _is_set(members.get("iscrowd"))
        box = RawBox(
            place=self._origin.place(self._origin.file, entry.line),
            class_name=attempt(_class_name, members, classes),
            box=attempt(_box, members, attributes.get("rotation")),
            is_ignored=_is_set(members.get("ignore")) or (is_crowd and not is_mask),
            attributes=scalar_attributes(attributes),
        )
        if is_mask and is_crowd and not box.is_ignored:
            self._masks.append(box)
        return box

    def _picture(self, entry: Entry, members: dict[str, Any], boxes: list[RawBox]) -> RawPicture:
        name = _text(members, "file_name")
        path = self._lookup.find(name, self._subset)
        place = self._origin.place(self._origin.file, entry.line)
        labelled_for, lost = self._categories(entry, members, "labelled_for")
        partial_for, _ = self._categories(entry, members, "partial_for")
        size, problems = parse_size(place, members.get("width"), members.get("height"))
        self.problems += problems
        return RawPicture(
            place=place,
            name=name,
            path=path,
            size=size,
            boxes=tuple(boxes),
            labelled_for=labelled_for,
            partial_for=partial_for or frozenset(),
            lost=lost,
            group=str(members.get("group") or ""),
            attributes=scalar_attributes(members, _NO_ATTRIBUTES),
        )

    def _categories(
        self, entry: Entry, members: dict[str, Any], key: str
    ) -> tuple[frozenset[Category] | None, frozenset[Category]]:
        """The categories listed, None where none are; and those of which nothing can be said."""
        if members.get(key) is None:
            return None, frozenset()
        categories, problems = named_categories(members[key])
        for error in problems:
            self._leave_out(entry, f"{key}: {error}")
        return (categories, frozenset()) if isinstance(members[key], list) else (None, ALL)

    def _leave_out(self, entry: Entry, reason: object) -> None:
        place = self._origin.place(self._origin.file, entry.line)
        self.problems.append(place.problem(reason))


def _lookup(origin: Origin) -> ImageLookup:
    """Where exporters put pictures: beside the file, in `images`, in a folder of the subset.

    CVAT: annotations/instances_Train.json and images/Train. COCO: the same and Train. FiftyOne:
    labels.json and data.
    """
    if origin.images:
        return ImageLookup(origin.images, (origin.images,), also_by_last_part=True)
    parent = origin.file.parent
    home = origin.home
    if home == parent and parent.name.lower() == "annotations":
        home = parent.parent
    return ImageLookup(home, (parent, home, home / "images", home / "data"))


def _subset(file: Path) -> str:
    """The part of a data set that a file is about, as CVAT names it; empty where none is named."""
    match = _SUBSET_FILE.fullmatch(file.stem)
    return match["subset"] if match else ""


def _members(entry: Entry) -> dict[str, Any]:
    if not isinstance(entry.value, dict):
        raise InvalidEntry(f"{quoted(entry.value)} is not an object with members.")
    return entry.value


def _id(members: Mapping[str, Any], key: str) -> _Id:
    """An id; a whole number is one however it is written."""
    value = members.get(key)
    if isinstance(value, str):
        return int(value) if _WHOLE_NUMBER.fullmatch(value) else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidEntry(f"Its {key} must be a whole number or a text, not {quoted(value)}.")
    return value


def _is_set(value: object) -> bool:
    """A flag; some exporters write it as a text."""
    is_no = isinstance(value, str) and value.strip().lower() in _NO
    return bool(value) and not is_no


def _text(members: Mapping[str, Any], key: str) -> str:
    value = members.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InvalidEntry(f"Its {key} must be a text, not {quoted(value)}.")
    return value


def _class_name(members: Mapping[str, Any], classes: Mapping[_Id, str | InvalidEntry]) -> str:
    key = _id(members, "category_id")
    name = classes.get(key)
    if isinstance(name, InvalidEntry):
        raise name
    if name is None:
        raise InvalidEntry(f"There is no category with the id {quoted(key)}.")
    return name


def _box(members: Mapping[str, Any], rotation: object) -> Box:
    values = members.get("bbox")
    if not isinstance(values, list) or [isinstance(value, str) for value in values] != [False] * 4:
        raise InvalidEntry(
            f"bbox must be four numbers [x, y, width, height], not {quoted(values)}."
        )
    x, y, width, height = map(number, values)
    return rotate_box_by_attribute(box_between(x, y, x + width, y + height), rotation)
