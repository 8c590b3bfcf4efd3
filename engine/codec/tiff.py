"""The directories of a TIFF (and of EXIF, which is a TIFF without a picture), and its pictures.

TIFF 6.0 section 2; BigTIFF (the same with 64-bit offsets); Exif 2.32 section 4.6; Adobe's DNG 1.7,
chapter 4, for what is a raw photograph and what only a preview of one.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableImage
from engine.geometry import Size

MOST_DIRECTORIES: Final = 1_000
MOST_ENTRIES: Final = 100_000
MOST_NUMBERS: Final = 4_000_000
"""A picture of a gigapixel in strips of one row has 60,000 for each of offset and length."""
EXIF, GPS, INTEROPERABILITY, SUB = 34665, 34853, 40965, 330
POINTERS: Final[Mapping[int, str]] = {
    EXIF: "EXIF", GPS: "GPS", INTEROPERABILITY: "interoperability", SUB: "sub-IFD",
}  # fmt: skip
"""Tags that point to directories, and what those are called."""
DATA: Final = ((273, 279), (324, 325), (288, 289), (513, 514))
"""Tags with offsets of pixel data, and the tags with their lengths."""
_ALONE: Final = frozenset({"EXIF", "GPS", "interoperability"})
"""No directory follows these, and not every writer leaves room to say so."""
_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
                 16: 8, 17: 8, 18: 8}  # fmt: skip
"""Bytes of a value by its type."""
_WHOLE_NUMBERS: Final = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_FARTHEST: Final = np.uint64(1 << 62)
"""Larger offsets are beyond every file, and two of these still add up without overflow."""
_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC = 254, 255, 256, 257, 259, 262
_DNG_VERSION: Final = 50706
_SAMPLE_FORMAT: Final = 339
_FLOAT, _COMPLEX_FLOAT = 3, 6
_REDUCED, _MASK, _DEPTH = 1, 4, 8
"""Bits of tag 254: a smaller version of another picture, a transparency mask, a depth map."""
_SENSOR: Final = frozenset({32803, 34892})
"""Photometric interpretations of raw data: a colour filter array, and linear raw."""
_SENSOR_CODING: Final = frozenset({32767, 32769, 32770, 34713, 65000, 65535})
"""Compressions that only cameras use: Sony, Epson, Samsung, Nikon, Kodak, Pentax."""
_CANON: Final = b"CR"


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

    def directories(self, pointers: Mapping[int, str] = POINTERS) -> Iterator[Directory]:
        """Every directory once: the main chain, and what its tags point to.

        Args:
            pointers: the tags to follow.

        Raises:
            UnreadableImage: one lies outside the block, points in a circle, or there are too many.
        """
        first = self._unpack("Q" if self.is_big else "I", 8 if self.is_big else 4)
        waiting: list[tuple[int, str, int | None]] = [(first, "IFD 0", None)]
        visited: set[int] = set()
        while waiting:
            at, name, parent = waiting.pop(0)
            if at in visited or len(visited) >= MOST_DIRECTORIES:
                raise UnreadableImage("Its directories of tags go in a circle, or are too many.")
            visited.add(at)
            directory, following = self._directory(at, name, parent)
            yield directory
            for tag, kind in pointers.items():
                if tag in directory.entries:
                    starts = self.numbers(directory.entries[tag])[: MOST_DIRECTORIES + 1]
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
                raise UnreadableImage("A tag lies beyond the end: the file was cut short.")
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


class Picture(NamedTuple):
    """A directory with pixels."""

    directory: Directory
    size: Size
    subfile: int
    """The bits of tag 254."""
    is_sensor: bool
    """Whether the pixels are a sensor's, to be developed into a picture."""

    @property
    def is_alone(self) -> bool:
        """Whether it is no version or part of another picture of the file."""
        return not self.subfile & (_REDUCED | _MASK | _DEPTH)

    @property
    def pixels(self) -> int:
        """How many."""
        return self.size.width * self.size.height


def pictures(block: Block) -> tuple[Picture, ...]:
    """Every picture of a file, previews and masks too.

    Raises:
        UnreadableImage: the directories are damaged, or pixel data lie beyond the end.
    """
    pictures = []
    for directory in block.directories({SUB: POINTERS[SUB]}):
        if any(tag in directory.entries for tag, _ in DATA):
            _check_data(block, directory)
            pictures.append(_picture(block, directory))
    return tuple(pictures)


def is_raw(block: Block, pictures: tuple[Picture, ...]) -> bool:
    """Whether a file is a camera's raw photograph: DNG, NEF, ARW, CR2, PEF, SRW and their like."""
    first = next(iter(block.directories({})))
    is_canon = block.data[8:10] == _CANON
    return (
        is_canon or _DNG_VERSION in first.entries or any(picture.is_sensor for picture in pictures)
    )


def main_picture(pictures: tuple[Picture, ...]) -> Picture | None:
    """The picture that all others of a file are versions or parts of; None where there is none."""
    return max(
        pictures,
        key=lambda picture: (picture.is_alone, picture.is_sensor, picture.pixels),
        default=None,
    )


def full_picture(pictures: tuple[Picture, ...]) -> Picture:
    """The one picture of a file that is no raw photograph; it is the first, and the largest.

    Raises:
        UnreadableImage: there are several, or programs would show a preview or a mask of it.
    """
    whole = [picture for picture in pictures if picture.is_alone]
    if len(whole) > 1:
        raise UnreadableImage(
            f"The file holds {len(whole)} pages or frames and Lethe releases single pictures: save "
            "each one you need as a file of its own."
        )
    if any(picture.subfile & _MASK for picture in pictures):
        raise UnreadableImage(
            "This TIFF keeps its transparency in a page of its own, which Lethe does not read: "
            "flatten it, or export it as PNG."
        )
    largest = max((picture.size for picture in pictures), key=math.prod, default=Size(0, 0))
    if not whole or whole[0] is not pictures[0] or whole[0].pixels < math.prod(largest):
        raise UnreadableImage(
            f"The picture that programs show of this TIFF is a preview; the full one, of "
            f"{largest.width} x {largest.height} pixels, lies elsewhere in the file, where Lethe "
            "does not read it: export it as an ordinary TIFF, JPEG or PNG."
        )
    return whole[0]


def check_numbers(block: Block, picture: Picture) -> None:
    """Refuse pixels that are no whole numbers of a fixed range.

    Raises:
        UnreadableImage: they are.
    """
    entry = picture.directory.entries.get(_SAMPLE_FORMAT)
    if entry is not None and np.isin(block.numbers(entry), (_FLOAT, _COMPLEX_FLOAT)).any():
        raise UnreadableImage(
            "The picture stores its pixels as floating point or 32-bit numbers, for which no fixed "
            "range of brightness exists: save it with 8 or 16 bits a channel."
        )


def _picture(block: Block, directory: Directory) -> Picture:
    def number(tag: int) -> int:
        entry = directory.entries.get(tag)
        values = () if entry is None else block.numbers(entry)[:1].tolist()
        return int(values[0]) if values else 0

    # SubfileType, the older tag, has values where NewSubfileType has bits
    older = {2: _REDUCED}.get(number(_OLD_SUBFILE), 0)
    is_sensor = number(_PHOTOMETRIC) in _SENSOR or number(_COMPRESSION) in _SENSOR_CODING
    size = Size(number(_WIDTH), number(_HEIGHT))
    return Picture(directory, size, number(_SUBFILE) | older, is_sensor)


def _check_data(block: Block, directory: Directory) -> None:
    for offsets, lengths in DATA:
        if offsets in directory.entries and lengths in directory.entries:
            starts = block.numbers(directory.entries[offsets])
            sizes = block.numbers(directory.entries[lengths])
            if len(starts) != len(sizes) or np.any(starts > len(block.data) - sizes):
                raise UnreadableImage(
                    "This TIFF's pixel data lie beyond its end: it was cut short. Copy the file "
                    "again from where it came from."
                )


def _next_name(name: str) -> str:
    stem, _, number = name.rpartition(" ")
    return f"{stem} {int(number) + 1}" if number.isdecimal() else name
