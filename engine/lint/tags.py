"""The directories of a TIFF, and of EXIF, which is a TIFF without a picture.

TIFF 6.0 section 2; BigTIFF (the same with 64-bit offsets); Exif 2.32 section 4.6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableImage
from engine.lint.finding import Finding, Kind

MOST_DIRECTORIES: Final = 1_000
MOST_ENTRIES: Final = 100_000
MOST_NUMBERS: Final = 4_000_000
"""A picture of a gigapixel in strips of one row has 60,000 for each of offset and length."""
EXIF, GPS, INTEROPERABILITY, SUB = 34665, 34853, 40965, 330
_POINTERS: Final = {EXIF: "EXIF", GPS: "GPS", INTEROPERABILITY: "interoperability", SUB: "sub-IFD"}
_ALONE: Final = frozenset({"EXIF", "GPS", "interoperability"})
"""No directory follows these, and not every writer leaves room to say so."""
_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
                 16: 8, 17: 8, 18: 8}  # fmt: skip
"""Bytes of a value by its type."""
_WHOLE_NUMBERS: Final = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}

_FARTHEST: Final = np.uint64(1 << 62)
"""Larger offsets are beyond every file, and two of these still add up without overflow."""
_PREFIX: Final = b"Exif\0\0"
_TIMES: Final = frozenset({306, 36867, 36868, 36880, 36881, 36882, 37520, 37521, 37522})
_CAMERA: Final = frozenset({271, 272, 0xA433, 0xA434})
_SOFTWARE: Final = frozenset({11, 305, 316})
NAMED_APART: Final = {
    315: (Kind.OWNER, "the artist's name"),
    33432: (Kind.OWNER, "the copyright holder's name"),
    0x9C9D: (Kind.OWNER, "the author's name"),
    0xA430: (Kind.OWNER, "the camera owner's name"),
    0xA420: (Kind.SERIAL, "a number that only this picture has"),
    0xA431: (Kind.SERIAL, "the camera's serial number"),
    0xA435: (Kind.SERIAL, "the lens's serial number"),
    0xC62F: (Kind.SERIAL, "the camera's serial number"),
    37500: (Kind.MAKER_NOTE, ""),
    270: (Kind.TEXT, "a description"),
    37510: (Kind.COMMENT, "the user's comment"),
    0x9C9B: (Kind.TEXT, "a title"),
    0x9C9C: (Kind.COMMENT, "a comment"),
    0x9C9E: (Kind.TEXT, "keywords"),
    0x9C9F: (Kind.TEXT, "a subject"),
}
"""Tags that tell more than how a picture was made."""


class Entry(NamedTuple):
    """One tag's value."""

    kind: int
    values: int
    """How many."""
    offset: int
    """Of the value, from the start of the block."""
    size: int
    """Bytes of the value."""


class Directory(NamedTuple):
    """One list of tags."""

    name: str
    start: int
    end: int
    """Offset just past the pointer to the next directory."""
    entries: Mapping[int, Entry]
    parent: int | None
    """Start of the directory that points here as a part of itself; None along the main chain."""


class Block:
    """A TIFF or an EXIF block."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
        version = data[2:4] if self.order == ">" else data[3:1:-1]
        if not self.order or version not in (b"\0*", b"\0+") or len(data) < 8:
            raise UnreadableImage("Its directory of tags does not start like one.")
        self.is_big = version == b"\0+"
        self.header_bytes = 16 if self.is_big else 8
        self._entries_left = MOST_ENTRIES
        self._numbers_left = MOST_NUMBERS

    def directories(self) -> Iterator[Directory]:
        """Every directory once: the main chain, and what its tags point to.

        Raises:
            UnreadableImage: one lies outside the block, points in a circle, or there are too many.
        """
        first = self._unpack("Q" if self.is_big else "I", 8 if self.is_big else 4)
        waiting: list[tuple[int, str, int | None]] = [(first, "IFD 0", None)]
        seen: set[int] = set()
        while waiting:
            at, name, parent = waiting.pop(0)
            if at in seen or len(seen) >= MOST_DIRECTORIES:
                raise UnreadableImage("Its directories of tags go in a circle, or are too many.")
            seen.add(at)
            found, following = self._directory(at, name, parent)
            yield found
            for tag, kind in _POINTERS.items():
                if tag in found.entries:
                    starts = self.numbers(found.entries[tag])[: MOST_DIRECTORIES + 1]
                    waiting += [(int(start), kind, at) for start in starts]
            if following and name not in _ALONE:
                waiting.append((following, _next_name(name), parent))

    def numbers(self, entry: Entry) -> NDArray[np.int64]:
        """An entry's whole numbers; empty when it holds none.

        Raises:
            UnreadableImage: all entries asked for hold absurdly many.
        """
        name = _WHOLE_NUMBERS.get(entry.kind)
        if name is None:
            return np.empty(0, np.int64)
        self._numbers_left -= entry.values
        if self._numbers_left < 0:
            raise UnreadableImage("Its tags announce more numbers than a picture has.")
        values = np.frombuffer(self.data, self.order + name, entry.values, entry.offset)
        return np.minimum(values.astype(np.uint64), _FARTHEST).astype(np.int64)

    def _directory(self, at: int, name: str, parent: int | None) -> tuple[Directory, int]:
        count_layout, offset_layout = ("Q", "Q") if self.is_big else ("H", "I")
        room = 8 if self.is_big else 4
        count = self._unpack(count_layout, at)
        self._entries_left -= count
        if self._entries_left < 0:
            raise UnreadableImage("Its directories announce more tags than a picture has.")
        at_entry = at + struct.calcsize(count_layout)
        entries = {}
        for _ in range(count):
            tag, kind = self._unpack("H", at_entry), self._unpack("H", at_entry + 2)
            values = self._unpack(offset_layout, at_entry + 4)
            at_value = at_entry + 4 + room
            size = values * _BYTES.get(kind, 0)
            offset = at_value if size <= room else self._unpack(offset_layout, at_value)
            if offset + size > len(self.data):
                raise UnreadableImage(f"Tag {tag} lies beyond the end: the file was cut short.")
            entries[tag] = Entry(kind, values, offset, size)
            at_entry = at_value + room
        following = self._unpack(offset_layout, at_entry) if at_entry < len(self.data) else 0
        end = min(at_entry + room, len(self.data))
        return Directory(name, at, end, entries, parent), following

    def _unpack(self, layout: str, at: int) -> int:
        try:
            (value,) = struct.unpack_from(self.order + layout, self.data, at)
        except struct.error as error:
            raise UnreadableImage("Its directory of tags is cut short.") from error
        return int(value)


def in_exif(block: bytes, at: int, where: str) -> Iterator[Finding]:
    """What an EXIF block carries.

    Args:
        block: with or without the `Exif` prefix of JPEG.
        at: offset of `block` in the file.
        where: what holds it.
    """
    bare = block.removeprefix(_PREFIX)
    start = at + len(block) - len(bare)
    found: list[Directory] = []
    damage = ""
    try:
        found.extend(Block(bare).directories())  # of a damaged block, what came before stays
    except UnreadableImage as error:
        damage = str(error)
    tags = {tag for directory in found if directory.name != "GPS" for tag in directory.entries}
    yield Finding(Kind.EXIF, where, at, len(block), _about_making(tags))
    for directory in found:
        yield from in_directory(directory, start, f"EXIF in {where}")
    if damage:
        yield Finding(Kind.UNCHECKED, where, at, len(block), f"EXIF that is damaged. {damage}")


def in_directory(directory: Directory, at: int, where: str) -> Iterator[Finding]:
    """Position, thumbnail, and the tags that tell more than how a picture was made."""
    size = directory.end - directory.start
    if directory.name == "GPS":
        yield Finding(Kind.GPS, where, at + directory.start, size)
        return
    if directory.name == "IFD 1" and 513 in directory.entries:
        yield Finding(Kind.THUMBNAIL, where, at + directory.start, size)
    for tag, (kind, note) in NAMED_APART.items():
        entry = directory.entries.get(tag)
        if entry is not None and entry.size:
            yield Finding(kind, f"tag {tag} of {where}", at + entry.offset, entry.size, note)


def _about_making(tags: set[int]) -> str:
    parts = [
        words
        for words, wanted in (
            ("which camera and lens", _CAMERA),
            ("when", _TIMES),
            ("with which programs", _SOFTWARE),
        )
        if tags & wanted
    ]
    return "how the picture was made: " + ", ".join(parts) if parts else "how the picture was made"


def _next_name(name: str) -> str:
    stem, _, number = name.rpartition(" ")
    return f"{stem} {int(number) + 1}" if number.isdecimal() else name
