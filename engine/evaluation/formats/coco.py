"""COCO: JSON with lists of images, annotations and categories (cocodataset.org/#format-data).

An image may also say `labelled_for`, `partial_for` (lists of category names) and `group`; any other
plain member of it, such as `source` or `licence`, is kept as an attribute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from engine.category import Category
from engine.errors import InvalidDataset
from engine.evaluation.formats.entries import Entry, listed_entries
from engine.evaluation.formats.judging import named_categories
from engine.evaluation.formats.shelf import Shelf
from engine.evaluation.formats.written import (
    ALL,
    Origin,
    Unfit,
    WrittenBox,
    WrittenPicture,
    WrittenSet,
    box_between,
    number,
    scalars,
    shown,
    size_of,
    text_of,
    tried,
)
from engine.evaluation.labels import Problem
from engine.geometry import Box

_Id: TypeAlias = int | str
_LISTS: Final = ("images", "annotations", "categories")
_NO_ATTRIBUTES: Final = frozenset({"file_name", "id", "width", "height", "group", "verified"})


def read_coco(origin: Origin) -> WrittenSet:
    """What a COCO file says.

    Raises:
        InvalidDataset: it is not JSON, or has not the three lists.
    """
    images, annotations, categories = _lists(origin)
    reading = _Reading(origin)
    classes = reading.classes(categories)
    pictures = reading.pictures(images, reading.boxes(annotations, classes))
    return WrittenSet(
        origin.name,
        tuple(name for name in classes.values() if isinstance(name, str)),
        tuple(pictures),
        tuple(reading.problems),
    )


def _lists(origin: Origin) -> list[list[Entry]]:
    name = origin.file.name
    try:
        members = listed_entries(text_of(origin.file))
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
    return [members[key] or [] for key in _LISTS]


class _Reading:
    """One COCO file while it is read; collects what could not be used."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        home = origin.images or origin.home
        folders = (home,) if origin.images else (origin.file.parent, home, home / "images")
        self._shelf = Shelf(home, folders, also_by_last_part=origin.images is not None)
        self.problems: list[Problem] = []

    def classes(self, entries: Iterable[Entry]) -> dict[_Id, str | Unfit]:
        """Class names by id; an id with two names has none."""
        classes: dict[_Id, str | Unfit] = {}
        for entry in entries:
            try:
                members = _members(entry)
                key, name = _id(members, "id"), _text(members, "name")
            except Unfit as unfit:
                self._leave_out(entry, unfit)
                continue
            if classes.setdefault(key, name) != name:
                classes[key] = Unfit(f"The category id {shown(key)} has two names.")
                self._leave_out(entry, classes[key])
        return classes

    def boxes(
        self, entries: Iterable[Entry], classes: Mapping[_Id, str | Unfit]
    ) -> dict[_Id, list[WrittenBox]]:
        """Boxes by the id of their image."""
        boxes: dict[_Id, list[WrittenBox]] = defaultdict(list)
        for entry in entries:
            try:
                members = _members(entry)
                boxes[_id(members, "image_id")].append(self._box(entry, members, classes))
            except Unfit as unfit:
                self._leave_out(entry, unfit)
        return boxes

    def pictures(
        self, entries: Iterable[Entry], boxes: Mapping[_Id, list[WrittenBox]]
    ) -> list[WrittenPicture]:
        """Pictures whose entry and file can be used."""
        claims = self._claims(entries)
        for image in boxes.keys() - claims.keys():
            text = f"There is no image with the id {shown(image)}."
            self.problems += [box.place.problem(text) for box in boxes[image]]
        pictures = []
        for image, claiming in claims.items():
            is_clear = len({members.get("file_name") for _, members in claiming}) == 1
            for entry, members in claiming:
                try:
                    if not is_clear:
                        raise Unfit(f"The image id {shown(image)} stands for several pictures.")
                    pictures.append(self._picture(entry, members, boxes.get(image, [])))
                except Unfit as unfit:
                    self._leave_out(entry, unfit)
        return pictures

    def _claims(self, entries: Iterable[Entry]) -> dict[_Id, list[tuple[Entry, dict[str, Any]]]]:
        """The entries that claim each image id: one, if all is well."""
        claims: dict[_Id, list[tuple[Entry, dict[str, Any]]]] = defaultdict(list)
        for entry in entries:
            try:
                members = _members(entry)
                _text(members, "file_name")
                claims[_id(members, "id")].append((entry, members))
            except Unfit as unfit:
                self._leave_out(entry, unfit)
        return claims

    def _box(
        self, entry: Entry, members: dict[str, Any], classes: Mapping[_Id, str | Unfit]
    ) -> WrittenBox:
        attributes = members.get("attributes")
        return WrittenBox(
            place=self._origin.place(self._origin.file, entry.line),
            class_name=tried(_class_name, members, classes),
            box=tried(_box, members),
            is_ignored=bool(members.get("ignore") or members.get("iscrowd")),
            attributes=scalars(attributes) if isinstance(attributes, dict) else (),
        )

    def _picture(
        self, entry: Entry, members: dict[str, Any], boxes: list[WrittenBox]
    ) -> WrittenPicture:
        name = _text(members, "file_name")
        path = self._shelf.find(name)
        size = tried(size_of, members.get("width"), members.get("height"))
        labelled_for, lost = self._categories(entry, members, "labelled_for")
        partial_for, _ = self._categories(entry, members, "partial_for")
        if isinstance(size, Unfit):
            self._leave_out(entry, size)
        return WrittenPicture(
            place=self._origin.place(self._origin.file, entry.line),
            name=name,
            path=path,
            size=None if isinstance(size, Unfit) else size,
            boxes=tuple(boxes),
            labelled_for=labelled_for,
            partial_for=partial_for or frozenset(),
            lost=lost,
            group=str(members.get("group") or ""),
            attributes=scalars(members, _NO_ATTRIBUTES),
        )

    def _categories(
        self, entry: Entry, members: dict[str, Any], key: str
    ) -> tuple[frozenset[Category] | None, frozenset[Category]]:
        """The categories listed, None where none are; and those of which nothing can be said."""
        if members.get(key) is None:
            return None, frozenset()
        named, problems = named_categories(members[key])
        for unfit in problems:
            self._leave_out(entry, f"{key}: {unfit}")
        if isinstance(members[key], list):
            return named, frozenset()
        return None, ALL

    def _leave_out(self, entry: Entry, reason: object) -> None:
        place = self._origin.place(self._origin.file, entry.line)
        self.problems.append(place.problem(reason))


def _members(entry: Entry) -> dict[str, Any]:
    if not isinstance(entry.value, dict):
        raise Unfit(f"{shown(entry.value)} is not an object with members.")
    return entry.value


def _id(members: Mapping[str, Any], key: str) -> _Id:
    value = members.get(key)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Unfit(f"Its {key} must be a whole number or a text, not {shown(value)}.")
    return value


def _text(members: Mapping[str, Any], key: str) -> str:
    value = members.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Unfit(f"Its {key} must be a text, not {shown(value)}.")
    return value


def _class_name(members: Mapping[str, Any], classes: Mapping[_Id, str | Unfit]) -> str:
    key = _id(members, "category_id")
    name = classes.get(key)
    if isinstance(name, Unfit):
        raise name
    if name is None:
        raise Unfit(f"There is no category with the id {shown(key)}.")
    return name


def _box(members: Mapping[str, Any]) -> Box:
    values = members.get("bbox")
    if not isinstance(values, list) or [isinstance(value, str) for value in values] != [False] * 4:
        raise Unfit(f"bbox must be four numbers [x, y, width, height], not {shown(values)}.")
    x, y, width, height = map(number, values)
    return box_between(x, y, x + width, y + height)
