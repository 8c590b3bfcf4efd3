"""YOLO: a `data.yaml`, folders of pictures, a text file of boxes a picture (docs.ultralytics.com).

A line is a class, then either centre and extent or a polygon, as shares of the upright picture. A
picture without a text file, or with an empty one, shows none of the classes. Label Studio, LabelImg
and others write no `data.yaml` but a `classes.txt`, a name a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import yaml

from engine.category import Category
from engine.codec.signatures import PICTURE_SUFFIXES
from engine.errors import InvalidDataset
from engine.evaluation.data.image_lookup import ImageLookup, header_size
from engine.evaluation.data.labels import Problem
from engine.evaluation.data.raw import (
    ALL,
    InvalidEntry,
    Origin,
    Place,
    RawBox,
    RawDataset,
    RawPicture,
    attempt,
    categories_of,
    number,
    quoted,
    read_bytes,
    text_of,
)
from engine.evaluation.data.spelling import existing_spelling, is_there
from engine.evaluation.data.yolo_lines import Description, raw_box
from engine.files.real_path import real
from engine.geometry import Size

SPLITS: Final = ("test", "val", "valid", "train")
"""The first that is there is read."""
LARGEST_DESCRIPTION: Final = 256 * 1024
"""Bytes of a `data.yaml`; thousands of names take fewer, and millions take a minute to read."""
_DEEPEST: Final = 100
_BRACKET: Final = re.compile(r"[\[\]{}]")
_UPWARD: Final = re.compile(r"^(\.\./)+")
_CLASS_NUMBER: Final = re.compile(r"[0-9]{1,5}")


def read_yolo(origin: Origin) -> RawDataset:
    """Read a YOLO data set: its pictures of `test`, else `val`, else `train`.

    Raises:
        InvalidDataset: the description cannot be read, or none of its folders is there.
    """
    return _read(origin, _read_description(origin))


def read_yolo_classes(origin: Origin) -> RawDataset:
    """Read a `classes.txt` and its folders: `images` and `labels`, or all in one folder.

    Raises:
        InvalidDataset: the list cannot be read.
    """
    text = text_of(origin.file, LARGEST_DESCRIPTION)
    names = tuple(line.strip() for line in text.rstrip().split("\n"))
    has_images = origin.images is None and (origin.home / "images").is_dir()
    return _read(origin, Description(names, {SPLITS[0]: "images" if has_images else "."}))


def _read(origin: Origin, description: Description) -> RawDataset:
    reading = _Reading(origin, description)
    pictures = reading.pictures()
    if pictures and not reading.has_labels:
        reading.leave_out(
            origin.place(origin.file),
            "No picture has a file of labels, so all count as showing nothing. Labels of "
            "images/a.jpg are looked for in labels/a.txt.",
        )
    return RawDataset(
        origin.name,
        tuple(filter(None, description.classes)),
        tuple(pictures),
        tuple(reading.problems),
        unused=tuple(reading.unused),
    )


def _read_description(origin: Origin) -> Description:
    name = origin.file.name
    text = text_of(origin.file, LARGEST_DESCRIPTION)
    if _depth(text) > _DEEPEST:
        raise InvalidDataset(f"{name} is nested too deeply to describe a data set.")
    try:
        # BaseLoader builds nothing but texts, lists and dictionaries: `no` and 2020-99-99 stay text
        members = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
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


def _depth(text: str) -> int:
    """How deep brackets lie in one another; the reader of YAML takes time by the square of it."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _class_names(file: str, names: object) -> tuple[str, ...]:
    """Names in order of their numbers; empty for a number that is left out."""
    if isinstance(names, list):
        names = {str(index): name for index, name in enumerate(names)}
    if not isinstance(names, dict) or not all(map(_is_numbered_name, names.items())):
        raise InvalidDataset(f"{file} must list its names, or number them from 0: {quoted(names)}.")
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
        self.unused: list[RawBox] = []
        self.has_labels = False
        self._origin = origin
        self._home = origin.images or origin.home
        self._lookup = ImageLookup(
            self._home, (self._home,), also_by_last_part=origin.images is not None
        )
        self._label_files: set[Path] = set()
        """Files of labels that belong to a picture."""
        self._unlabelled: set[Path] = set()
        """Pictures without a file of labels."""

    def leave_out(self, place: Place, reason: object) -> None:
        """Note what could not be used."""
        self.problems.append(place.problem(reason))

    def pictures(self) -> list[RawPicture]:
        """Pictures of the split whose file can be used."""
        pictures: list[RawPicture] = []
        folders, entries = self._split()
        for place, name in entries:
            try:
                pictures.append(self._picture(place, name))
            except InvalidEntry as error:
                self.leave_out(place, error)
        lost = self._unmatched_labels(folders)
        return [
            replace(picture, lost=picture.lost | lost)
            if picture.path in self._unlabelled
            else picture
            for picture in pictures
        ]

    def _split(self) -> tuple[list[Path], list[tuple[Place, str]]]:
        """Folders of the first split that has a picture, and the pictures that it names."""
        has_parts = False
        for split in SPLITS:
            value = self.description.members.get(split)
            names = value if isinstance(value, list) else [value]
            paths = {quoted(name): self._locate(name) for name in names if name}
            parts = [path for path in paths.values() if path]
            has_parts |= bool(parts)
            entries = [
                entry
                for part in parts
                for entry in (self._in_folder(part) if part.is_dir() else self._in_list(part))
            ]
            if entries:
                for name in (name for name, path in paths.items() if not path):
                    self.leave_out(
                        self._origin.place(self._origin.file),
                        f"{split} names {name}, which is not there; the rest was read.",
                    )
                return [part for part in parts if part.is_dir()], entries
        if self._origin.images:
            return [self._home], list(self._in_folder(self._home))
        if has_parts:
            return [], []
        raise InvalidDataset(
            f"None of the folders that {self._origin.file.name} names for {', '.join(SPLITS)} is "
            "there, or it lies outside the data set. Name the folder of pictures."
        )

    def _locate(self, part: object) -> Path | None:
        """A folder or list of pictures; None where nothing is there, or only outside.

        Roboflow writes `../test/images` and means `test/images`.
        """
        if not isinstance(part, str):
            return None
        part = part.replace("\\", "/")
        base = self.description.members.get("path")
        roots = [self._home / base, self._home] if isinstance(base, str) else [self._home]
        spellings = (part, _UPWARD.sub("", part))
        paths = (self._lookup.resolve(root, name) for root in roots for name in spellings)
        return next(filter(None, paths), None)

    def _in_folder(self, folder: Path) -> Iterator[tuple[Place, str]]:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith("."):
                yield self._origin.place(path), path.relative_to(self._home).as_posix()

    def _in_list(self, file: Path) -> Iterator[tuple[Place, str]]:
        """Pictures from a list: `./` is the list's own folder, all else the data set's."""
        for line, name in enumerate(map(str.strip, text_of(file).split("\n")), start=1):
            if name.replace("\\", "/").startswith("./"):
                name = str(file.parent / name)
            if name:
                yield self._origin.place(file, line), name

    def _picture(self, place: Place, name: str) -> RawPicture:
        link = self._lookup.locate(name)
        path = real(link)
        labels = existing_spelling(_labels_of(link))
        self._label_files.add(labels)
        try:
            lines = _label_lines(labels)
        except InvalidEntry as error:
            self.has_labels = True
            self.leave_out(self._origin.place(labels), error)
            return RawPicture(place, self._lookup.name_of(path), path, None, (), lost=ALL)
        self.has_labels |= lines is not None
        if lines is None:
            self._unlabelled.add(path)
        try:
            size = header_size(path) if lines else None
        except InvalidEntry:
            self.unused += self._boxes(labels, lines, Size(1, 1))
            raise
        boxes = self._boxes(labels, lines, size) if size else ()
        return RawPicture(place, self._lookup.name_of(path), path, size, boxes)

    def _boxes(
        self, labels: Path, lines: Iterable[tuple[int, list[str]]] | None, size: Size
    ) -> tuple[RawBox, ...]:
        return tuple(
            raw_box(self._origin.place(labels, line), values, size, self.description)
            for line, values in lines or []
        )

    def _unmatched_labels(self, folders: Iterable[Path]) -> frozenset[Category]:
        """Categories of the labels that belong to no picture, with a problem for each file."""
        lost: frozenset[Category] = frozenset()
        roots = dict.fromkeys(_labels_of(folder / "any").parent for folder in folders)
        for file in (file for root in roots for file in sorted(root.rglob("*.txt"))):
            if file in self._label_files:
                continue
            lines = attempt(_label_lines, file)
            if isinstance(lines, InvalidEntry) or not lines or not all(map(_is_label, lines)):
                continue  # classes.txt, a read-me
            boxes = self._boxes(file, lines, Size(1, 1))
            self.unused += boxes
            self.leave_out(
                self._origin.place(file),
                f"There is no picture that these labels belong to; lines left out: {len(boxes)}.",
            )
            lost = lost.union(*map(categories_of, boxes))
        return lost


def _labels_of(picture: Path) -> Path:
    """Ultralytics' rule: the last folder called `images` becomes `labels`."""
    parts = list(picture.parts)
    if "images" in parts[:-1]:
        last = len(parts) - 2 - parts[-2::-1].index("images")
        parts[last] = "labels"
    return Path(*parts).with_suffix(".txt")


def _label_lines(file: Path) -> list[tuple[int, list[str]]] | None:
    """Lines that are not empty, split into values; None where there is no file.

    Raises:
        InvalidEntry: it cannot be read, or is no text.
    """
    if not is_there(file):
        return None
    try:
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidEntry("The labels cannot be read: they are not UTF-8 text.") from error
    return [(line, row.split()) for line, row in enumerate(text.split("\n"), 1) if row.strip()]


def _is_label(line: tuple[int, list[str]]) -> bool:
    """Whether a line looks like labels: a class and numbers."""
    _, values = line
    numbers = [attempt(number, value) for value in values]
    return len(values) > 1 and not any(isinstance(value, InvalidEntry) for value in numbers)
