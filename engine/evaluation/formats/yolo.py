"""YOLO: a `data.yaml`, folders of pictures, a text file of boxes a picture (docs.ultralytics.com).

A line is a class, then either centre and extent or a polygon, as shares of the upright picture. A
picture without a text file, or with an empty one, shows none of the classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from engine.errors import InvalidDataset
from engine.evaluation.formats.shelf import Shelf, header_size
from engine.evaluation.formats.written import (
    ALL,
    Origin,
    Place,
    Unfit,
    WrittenPicture,
    WrittenSet,
    shown,
    text_of,
)
from engine.evaluation.formats.yolo_lines import Description, written_box
from engine.evaluation.labels import Problem
from engine.sources import PICTURE_SUFFIXES

SPLITS: Final = ("test", "val", "valid", "train")
"""The first that is there is read."""
_UPWARD: Final = re.compile(r"^(\.\./)+")
_CLASS_NUMBER: Final = re.compile(r"[0-9]{1,5}")


def read_yolo(origin: Origin) -> WrittenSet:
    """What a YOLO data set says about its pictures of `test`, else `val`, else `train`.

    Raises:
        InvalidDataset: the description cannot be read, or none of its folders is there.
    """
    reading = _Reading(origin, _described(origin))
    pictures = tuple(reading.pictures())
    if pictures and not reading.has_labels:
        reading.leave_out(
            origin.place(origin.file),
            "No picture has a file of labels, so all count as showing nothing. Labels of "
            "images/a.jpg are looked for in labels/a.txt.",
        )
    classes = tuple(filter(None, reading.description.classes))
    return WrittenSet(origin.name, classes, pictures, tuple(reading.problems))


def _described(origin: Origin) -> Description:
    name = origin.file.name
    try:
        # BaseLoader builds nothing but texts, lists and dictionaries: `no` and 2020-99-99 stay text
        members = yaml.load(text_of(origin.file), Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidDataset(
            f"{name} is not YAML that can be read: {error.problem} in line {line}."
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        reason = type(error).__name__
        raise InvalidDataset(f"{name} is not YAML that can be read ({reason}).") from error
    if not isinstance(members, dict):
        raise InvalidDataset(f"{name} is not a YOLO data set: it has no names and no folders.")
    return Description(_class_names(name, members.get("names")), members)


def _class_names(file: str, names: object) -> tuple[str, ...]:
    """Names in order of their numbers; empty for a number that is left out."""
    if isinstance(names, list):
        names = {str(index): name for index, name in enumerate(names)}
    if not isinstance(names, dict) or not all(map(_is_numbered_name, names.items())):
        raise InvalidDataset(f"{file} must list its names, or number them from 0: {shown(names)}.")
    numbered = {int(key): name for key, name in names.items()}
    return tuple(numbered.get(index, "") for index in range(max(numbered, default=-1) + 1))


def _is_numbered_name(item: tuple[object, object]) -> bool:
    key, name = item
    return isinstance(key, str) and bool(_CLASS_NUMBER.fullmatch(key)) and isinstance(name, str)


class _Reading:
    """One YOLO data set while it is read; collects what could not be used."""

    def __init__(self, origin: Origin, description: Description) -> None:
        self.description = description
        self.problems: list[Problem] = []
        self.has_labels = False
        self._origin = origin
        self._home = origin.images or origin.home
        self._shelf = Shelf(self._home, (self._home,))

    def leave_out(self, place: Place, reason: object) -> None:
        """Note what could not be used."""
        self.problems.append(place.problem(reason))

    def pictures(self) -> Iterator[WrittenPicture]:
        """Pictures of the split whose file can be used."""
        for part in self._parts():
            named = self._in_folder(part) if part.is_dir() else self._in_list(part)
            for place, name in named:
                try:
                    yield self._picture(place, name)
                except Unfit as unfit:
                    self.leave_out(place, unfit)

    def _parts(self) -> list[Path]:
        """Folders and lists of the first split of which anything is there."""
        members = self.description.members
        for split in SPLITS:
            written = members.get(split)
            specified = written if isinstance(written, list) else [written]
            located = {shown(part): self._located(part) for part in specified if part}
            parts = [path for path in located.values() if path]
            if parts:
                self._note_missing(split, [part for part, path in located.items() if not path])
                return parts
        if self._origin.images:
            return [self._home]
        raise InvalidDataset(
            f"None of the folders that {self._origin.file.name} names for {', '.join(SPLITS)} is "
            "there, or it lies outside the data set. Name the folder of pictures."
        )

    def _note_missing(self, split: str, parts: list[str]) -> None:
        place = self._origin.place(self._origin.file)
        for part in parts:
            self.leave_out(place, f"{split} names {part}, which is not there; the rest was read.")

    def _located(self, part: object) -> Path | None:
        """A folder or list of pictures; None where nothing is there, or only outside.

        Roboflow writes `../test/images` and means `test/images`.
        """
        if not isinstance(part, str):
            return None
        base = self.description.members.get("path")
        roots = [self._home / base, self._home] if isinstance(base, str) else [self._home]
        tries = (root / way for root in roots for way in (part, _UPWARD.sub("", part)))
        return next(filter(None, map(self._shelf.there, tries)), None)

    def _in_folder(self, folder: Path) -> Iterator[tuple[Place, str]]:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith("."):
                yield self._origin.place(path), path.relative_to(self._home).as_posix()

    def _in_list(self, file: Path) -> Iterator[tuple[Place, str]]:
        """Pictures from a list: `./` is the list's own folder, all else the data set's."""
        for line, written in enumerate(text_of(file).split("\n"), start=1):
            name = written.strip()
            if name.startswith("./"):
                name = str(file.parent / name)
            if name:
                yield self._origin.place(file, line), name

    def _picture(self, place: Place, name: str) -> WrittenPicture:
        path = self._shelf.find(name)
        labels = _labels_of(self._home / name)
        try:
            lines = _written_lines(labels)
        except (OSError, UnicodeDecodeError) as error:
            reason = type(error).__name__
            self.has_labels = True
            self.leave_out(self._origin.place(labels), f"The labels cannot be read ({reason}).")
            return WrittenPicture(place, self._shelf.name_of(path), path, None, (), lost=ALL)
        self.has_labels |= lines is not None
        size = header_size(path) if lines else None
        boxes = tuple(
            written_box(self._origin.place(labels, line), values, size, self.description)
            for line, values in lines or []
            if size
        )
        return WrittenPicture(place, self._shelf.name_of(path), path, size, boxes)


def _labels_of(picture: Path) -> Path:
    """Ultralytics' rule: the last folder called `images` becomes `labels`."""
    parts = list(picture.parts)
    if "images" in parts[:-1]:
        last = len(parts) - 2 - parts[-2::-1].index("images")
        parts[last] = "labels"
    return Path(*parts).with_suffix(".txt")


def _written_lines(file: Path) -> list[tuple[int, list[str]]] | None:
    """Lines that say something, split into values; None where there is no file."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    return [(line, row.split()) for line, row in enumerate(text.split("\n"), 1) if row.strip()]
