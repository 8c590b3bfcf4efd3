"""HEIF items: the `meta` box in, items with type, extents and references out.

ISO/IEC 14496-12, section 8.11, and ISO/IEC 23008-12, section 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from engine.errors import UnreadableImage
from engine.metadata.bmff import Box, boxes

MOST_ITEMS: Final = 20_000
"""A picture of a gigapixel in tiles of 512 has 4,000."""
LARGEST_CONTENT: Final = 16 * 1024 * 1024
"""Bytes of EXIF or XMP that are looked into."""
MOST_PIECES: Final = 1_000
"""Of an item of EXIF or XMP; writers put it in one."""
_SERVANTS: Final = frozenset({b"thmb", b"auxl", b"cdsc", b"prem"})
"""References from a servant to its picture; `dimg` points from the picture to its parts."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item."""

    kind: bytes
    """Four letters."""
    mime: bytes
    """Content type of a `mime` item."""
    extents: tuple[tuple[int, int], ...]
    """Start and end in the file of each piece."""
    serves: bool
    """Whether it belongs to another item, as a thumbnail or a tile does."""
    is_thumbnail: bool
    auxiliary: bytes
    """What kind of auxiliary picture it is, as a URN; empty when it is none."""

    @property
    def start(self) -> int:
        """Offset of the first piece."""
        return self.extents[0][0] if self.extents else 0

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return sum(end - start for start, end in self.extents)

    def content(self, data: bytes) -> bytes:
        """The pieces, joined, as far as they are looked into.

        Raises:
            UnreadableImage: there are absurdly many.
        """
        if len(self.extents) > MOST_PIECES:
            raise UnreadableImage(f"The file has metadata in more than {MOST_PIECES:,} pieces.")
        pieces = []
        left = LARGEST_CONTENT
        for start, end in self.extents:
            pieces.append(data[start : min(end, start + left)])
            left -= len(pieces[-1])
        return b"".join(pieces)


class _Reader:
    """Whole numbers out of a box, one after another."""

    def __init__(self, data: bytes, box: Box) -> None:
        self._data, self._at, self._end = data, box.body, box.end

    def number(self, size: int) -> int:
        if self._at + size > self._end:
            raise UnreadableImage(f"The file is damaged in the box before byte {self._end}.")
        self._at += size
        return int.from_bytes(self._data[self._at - size : self._at], "big")


def items_of(data: bytes, meta: Box) -> tuple[Item, ...]:
    """The items that a `meta` box lists.

    Raises:
        UnreadableImage: a list is damaged, or there are too many items.
    """
    by_name = {box.name: box for box in boxes(data, meta.body + 4, meta.end)}
    kinds = dict(_kinds(data, by_name[b"iinf"])) if b"iinf" in by_name else {}
    store = by_name[b"idat"].body if b"idat" in by_name else 0
    extents = _locations(data, by_name[b"iloc"], store) if b"iloc" in by_name else {}
    references = tuple(_references(data, by_name[b"iref"])) if b"iref" in by_name else ()
    parts = {to for kind, _, to in references if kind == b"dimg"}
    servants = {source for kind, source, _ in references if kind in _SERVANTS}
    thumbnails = {source for kind, source, _ in references if kind == b"thmb"}
    auxiliary = auxiliary_of(data, by_name[b"iprp"]) if b"iprp" in by_name else {}
    return tuple(
        Item(
            kind,
            mime,
            extents.get(number, ()),
            number in parts or number in servants,
            number in thumbnails,
            auxiliary.get(number, b""),
        )
        for number, (kind, mime) in kinds.items()
    )


def _kinds(data: bytes, box: Box) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
    count_bytes = 4 if data[box.body] else 2
    for index, entry in enumerate(boxes(data, box.body + 4 + count_bytes, box.end)):
        if index >= MOST_ITEMS:
            raise UnreadableImage(f"The file announces more than {MOST_ITEMS} items.")
        version = data[entry.body]
        if entry.name != b"infe" or version < 2:
            raise UnreadableImage("The file lists its items in a way that is not used for stills.")
        number_bytes = 2 if version == 2 else 4
        at = entry.body + 4 + number_bytes + 2
        number = int.from_bytes(data[entry.body + 4 : entry.body + 4 + number_bytes], "big")
        words = data[at + 4 : entry.end].split(b"\0")
        yield number, (data[at : at + 4], words[1] if len(words) > 1 else b"")


def _locations(data: bytes, box: Box, store: int) -> dict[int, tuple[tuple[int, int], ...]]:
    reader = _Reader(data, box)
    version = reader.number(4) >> 24
    sizes = reader.number(2)
    offset_bytes, length_bytes, base_bytes = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_bytes = sizes & 15 if version else 0
    wide = 4 if version == 2 else 2
    located: dict[int, tuple[tuple[int, int], ...]] = {}
    left = MOST_ITEMS
    for _ in range(reader.number(wide)):
        number = reader.number(wide)
        method = reader.number(2) & 15 if version else 0
        reader.number(2)
        base = reader.number(base_bytes) + (store if method == 1 else 0)
        extents = []
        count = reader.number(2)
        left -= 1 + count
        if left < 0:
            raise UnreadableImage(f"The file announces more than {MOST_ITEMS} pieces.")
        for _ in range(count):
            reader.number(index_bytes)
            start = base + reader.number(offset_bytes)
            length = reader.number(length_bytes)
            extents.append((start, start + length))
        located[number] = tuple(extents)
    return located


def _references(data: bytes, box: Box) -> Iterator[tuple[bytes, int, int]]:
    wide = 4 if data[box.body] else 2
    for entry in boxes(data, box.body + 4, box.end):
        reader = _Reader(data, entry)
        source = reader.number(wide)
        for _ in range(reader.number(2)):
            yield entry.name, source, reader.number(wide)


def auxiliary_of(data: bytes, properties: Box) -> Mapping[int, bytes]:
    """Item number to the URN that says what kind of auxiliary picture it is."""
    names: dict[int, bytes] = {}
    of_item: dict[int, bytes] = {}
    for box in boxes(data, properties.body, properties.end):
        if box.name == b"ipco":
            for index, prop in enumerate(boxes(data, box.body, box.end), start=1):
                if prop.name == b"auxC":
                    names[index] = data[prop.body + 4 : prop.end].partition(b"\0")[0]
        elif box.name == b"ipma":
            for number, index in _associations(data, box):
                if index in names:
                    of_item[number] = names[index]
    return of_item


def _associations(data: bytes, box: Box) -> Iterator[tuple[int, int]]:
    reader = _Reader(data, box)
    flags = reader.number(4)
    wide = 4 if flags >> 24 else 2
    index_bytes = 2 if flags & 1 else 1
    for _ in range(reader.number(4)):
        number = reader.number(wide)
        for _ in range(reader.number(1)):
            yield number, reader.number(index_bytes) & (0x7FFF if flags & 1 else 0x7F)
