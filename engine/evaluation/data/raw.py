"""Raw data sets: parsed annotation files before cleaning.

A part that cannot be understood is not lost: an `InvalidEntry` stands in its place and says why, so
that cleaning knows what was there and which category is no longer complete.
"""

from __future__ import annotations

import math
import os
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from engine.category import DETECTABLE, Category
from engine.errors import InvalidDataset, UnreadableFile
from engine.evaluation.data.class_names import category_of
from engine.evaluation.data.labels import Problem
from engine.files import safe_read
from engine.files.real_path import real
from engine.geometry import Box, Size

ALL: Final = frozenset(DETECTABLE)
_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")

LARGEST_FILE: Final = 256 * 1024 * 1024
"""Bytes of a label file; one of a million boxes has fewer."""
_SHORT: Final = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


class InvalidEntry(Exception):
    """A part of a data set that cannot be used; the text is a sentence. Never leaves `data`."""

    def __init__(self, text: str, line: int | None = None) -> None:
        super().__init__(text)
        self.line = line
        """Where in its file, as far as that is not known to whoever catches it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a data set is read from."""

    file: Path
    """The annotation file; for Pascal VOC the folder of them, or one of them."""
    home: Path
    """Folder that names in problems are relative to. Resolved."""
    images: Path | None
    """Where the person said the pictures are. Resolved."""
    name: str

    def place(self, file: Path, line: int | None = None) -> Place:
        """A place in a file, named relative to `home` where it lies inside it."""
        inside = file.is_relative_to(self.home)
        return Place(printable(file.relative_to(self.home) if inside else file.name), line)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file; None is the whole file."""

    file: str
    line: int | None = None

    def problem(self, text: object) -> Problem:
        """A problem at this place."""
        return Problem(self.file, self.line, str(text))


@dataclass(frozen=True, slots=True)
class RawBox:
    """A box of a class, or why either is invalid."""

    place: Place
    class_name: str | InvalidEntry
    box: Box | InvalidEntry
    is_ignored: bool = False
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RawPicture:
    """A picture whose file is there, with its boxes as written."""

    place: Place
    name: str
    path: Path
    """Resolved."""
    size: Size | None
    boxes: tuple[RawBox, ...]
    labelled_for: frozenset[Category] | None = None
    """None where the format or the entry does not say."""
    partial_for: frozenset[Category] = frozenset()
    """As the data set says; wins over `labelled_for`."""
    lost: frozenset[Category] = frozenset()
    """Categories of which boxes may be missing because they could not be read."""
    group: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RawDataset:
    """A data set as parsed, before cleaning."""

    name: str
    classes: tuple[str, ...]
    """The class list; where a format has none, the names seen."""
    pictures: tuple[RawPicture, ...]
    problems: tuple[Problem, ...]
    unused: tuple[RawBox, ...] = ()
    """Boxes of pictures that cannot be used."""
    astray: tuple[RawBox, ...] = ()
    """Boxes of which nobody knows the picture, so that any picture may lack them."""
    is_drawn_in_browser: bool = False
    """True when the exporter is known to take boxes from a browser, which shows pictures upright,
    and sizes from the file."""


def categories_of(box: RawBox) -> frozenset[Category]:
    """Categories that a box may be of; empty where its class is none of ours."""
    if isinstance(box.class_name, InvalidEntry):
        return ALL
    category = category_of(box.class_name)
    return frozenset({category}) if category else frozenset()


def attempt(
    make: Callable[_Given, _Made], *args: _Given.args, **options: _Given.kwargs
) -> _Made | InvalidEntry:
    """The result of `make`, or the `InvalidEntry` that it raised."""
    try:
        return make(*args, **options)
    except InvalidEntry as error:
        return error


def quoted(value: object) -> str:
    """A value as it may stand in a sentence: quoted, escaped and not too long."""
    return _SHORT.repr(value)


def printable(path: Path | str) -> str:
    """A text or a path with forward slashes; what is no text becomes backslash escapes."""
    text = path if isinstance(path, str) else path.as_posix()
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a pair, as JSON can hold
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def files_in(folder: Path, suffix: str) -> list[Path]:
    """The files directly in a folder with a suffix in any case, by name; no hidden ones."""
    paths = (path for path in folder.iterdir() if path.suffix.lower() == suffix)
    return sorted(path for path in paths if not path.name.startswith(".") and path.is_file())


def read_bytes(path: Path, most: int | None = None) -> bytes:
    """The whole of a label file; links are followed.

    Args:
        path: of the file.
        most: bytes; `LARGEST_FILE` without it.

    Raises:
        InvalidEntry: it cannot be read, is no plain file, or is too long.
    """
    try:
        return safe_read.content(real(path), LARGEST_FILE if most is None else most)
    except UnreadableFile as error:
        raise InvalidEntry(f"The file {error}.") from error
    except OSError as error:
        raise InvalidEntry(f"The file cannot be looked up ({type(error).__name__}).") from error


def text_of(path: Path, most: int | None = None) -> str:
    """The text of a UTF-8 file; `most` as for `read_bytes`.

    Raises:
        InvalidDataset: it cannot be read, or is not UTF-8.
    """
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidDataset(
            f"{path.name} is not UTF-8 text: byte {error.start} cannot be read. Save it as UTF-8."
        ) from error
    except InvalidEntry as error:
        raise InvalidDataset(f"{path.name} cannot be used. {error}") from error


def number(value: object) -> float:
    """A finite number, from a number or its decimal text.

    Raises:
        InvalidEntry: it is neither, or it is not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidEntry(f"{quoted(value)} is not a number.")
    try:
        result = float(value)
    except (ValueError, OverflowError):
        raise InvalidEntry(f"{quoted(value)} is not a number that can be used.") from None
    if not math.isfinite(result):
        raise InvalidEntry(f"{quoted(value)} is not a finite number.")
    return result


def box_between(x0: float, y0: float, x1: float, y1: float) -> Box:
    """A box that has an area.

    Raises:
        InvalidEntry: it has none, or a corner is too far away to be a number.
    """
    if not all(math.isfinite(value) for value in (x0, y0, x1, y1)):
        raise InvalidEntry("The box does not lie between finite numbers.")
    if x1 <= x0 or y1 <= y0:
        raise InvalidEntry(f"The box has no area: it is {x1 - x0:g} wide and {y1 - y0:g} high.")
    return Box(x0, y0, x1, y1)


def box_around(points: Iterable[tuple[float, float]]) -> Box:
    """The smallest box around points.

    Raises:
        InvalidEntry: there are no two points that span an area.
    """
    xs, ys = zip(*points, strict=True)
    return box_between(min(xs), min(ys), max(xs), max(ys))


def rotate_box(box: Box, degrees: float) -> Box:
    """The smallest box around `box` when that is turned about its centre.

    Raises:
        InvalidEntry: a corner is too far away to be a number.
    """
    cos, sin = turn(degrees)
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    half_width = (box.width * cos + box.height * sin) / 2
    half_height = (box.width * sin + box.height * cos) / 2
    return box_between(x - half_width, y - half_height, x + half_width, y + half_height)


def turn(degrees: float) -> tuple[float, float]:
    """Absolute cosine and sine of an angle."""
    angle = math.radians(degrees)
    # of a right angle they are 6e-17, which would move corners off whole pixels
    return round(abs(math.cos(angle)), 12), round(abs(math.sin(angle)), 12)


def rotate_box_by_attribute(box: Box, rotation: object) -> Box:
    """A box turned by an attribute `rotation`, in degrees; one that is no number turns nothing.

    Raises:
        InvalidEntry: a corner is too far away to be a number.
    """
    degrees = attempt(number, rotation)
    return box if isinstance(degrees, InvalidEntry) or not degrees else rotate_box(box, degrees)


def parse_size(place: Place, width: object, height: object) -> tuple[Size | None, list[Problem]]:
    """A picture's stated size, None where none can be read, and the problem of an invalid one."""
    if width is None and height is None:
        return None, []
    try:
        sides = number(width), number(height)
    except InvalidEntry:
        sides = 0.0, 0.0
    if all(side >= 1 and side.is_integer() for side in sides):
        return Size(int(sides[0]), int(sides[1])), []
    problem = place.problem(
        f"The size {quoted(width)} × {quoted(height)} is not two whole numbers above zero, so no "
        "box was compared with it."
    )
    return None, [problem]


def scalar_attributes(
    entry: Mapping[str, Any], leave_out: frozenset[str] = frozenset()
) -> tuple[tuple[str, str], ...]:
    """The members that are a text, a number or a truth value, as texts, in the order written."""
    return tuple(
        (key, str(value).lower() if isinstance(value, bool) else str(value))
        for key, value in entry.items()
        if key not in leave_out and isinstance(value, str | int | float)
    )
