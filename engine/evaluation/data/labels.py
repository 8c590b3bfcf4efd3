"""Ground-truth labels: boxes of a picture, and the categories it is labelled for completely.

Labels are *federated*: a picture may be labelled completely for faces and not at all for tattoos. A
face that nobody boxed is then no false alarm, and only the categories in `labelled_for` count both
ways; those in `partial_for` have right boxes but not all of them, so they count for recall alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.category import Category
from engine.geometry import Box, Size


@dataclass(frozen=True, slots=True)
class Label:
    """One box that a person drew, in pixels of the picture as the data set sees it."""

    box: Box
    category: Category
    is_ignored: bool = False
    """Neither right nor wrong to find: too small, too blurred, a crowd."""
    attributes: tuple[tuple[str, str], ...] = ()
    """What the data set says about it (`skin_tone`, `occlusion`, ...); nothing is inferred."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the store."""
        return {
            "category": self.category.value,
            "box": list(self.box.corners),
            "ignored": self.is_ignored,
            "attributes": dict(self.attributes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Label:
        """Undo `to_json`."""
        return cls(
            Box(*value["box"]),
            Category(value["category"]),
            value["ignored"],
            tuple(value["attributes"].items()),
        )


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture with its labels."""

    name: str
    """As the data set calls it, unique in it."""
    path: Path
    labels: tuple[Label, ...]
    labelled_for: frozenset[Category]
    """Categories of which every instance is boxed."""
    partial_for: frozenset[Category] = frozenset()
    """Categories of which some instances are boxed."""
    size: Size | None = None
    """Width and height as the data set gives them; None where it gives none."""
    group: str = ""
    """Person, event or near-duplicate set; pictures of one group are not independent."""
    attributes: tuple[tuple[str, str], ...] = ()
    """What the data set says about the whole picture, for instance its `source`."""

    @property
    def counted(self) -> frozenset[Category]:
        """Categories whose labels count for recall."""
        return self.labelled_for | self.partial_for

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the store."""
        return {
            "name": self.name,
            "path": str(self.path),
            "labels": [label.to_json() for label in self.labels],
            "labelled_for": sorted(self.labelled_for),
            "partial_for": sorted(self.partial_for),
            "size": None if self.size is None else list(self.size),
            "group": self.group,
            "attributes": dict(self.attributes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> LabelledPicture:
        """Undo `to_json`."""
        return cls(
            name=value["name"],
            path=Path(value["path"]),
            labels=tuple(Label.from_json(label) for label in value["labels"]),
            labelled_for=frozenset(Category(name) for name in value["labelled_for"]),
            partial_for=frozenset(Category(name) for name in value["partial_for"]),
            size=None if value["size"] is None else Size(*value["size"]),
            group=value["group"],
            attributes=tuple(value["attributes"].items()),
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a data set that was left out or had to be guessed; the rest goes on."""

    file: str
    """The file's name, relative to the data set where it lies inside it."""
    line: int | None
    """Counted from 1; None when the trouble is the whole file."""
    text: str
    """A sentence."""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{where}: {self.text}"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled pictures, and what could not be used of the files they were read from."""

    name: str
    pictures: tuple[LabelledPicture, ...]
    problems: tuple[Problem, ...] = ()
    lost: Mapping[Category | None, int] = field(default_factory=dict)
    """Boxes that could not be read or whose picture is missing, by category; None: of any."""

    @property
    def fingerprint(self) -> str:
        """12 hex digits that change with any label, but not with where the pictures lie."""
        content = [
            {key: value for key, value in picture.to_json().items() if key != "path"}
            for picture in sorted(self.pictures, key=lambda picture: picture.name)
        ]
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]
