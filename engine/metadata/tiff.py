"""What a TIFF carries: tags, directories beyond the first, and bytes that no tag points to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from engine.codec.tiff import (
    DATA,
    EXIF,
    GPS,
    INTEROPERABILITY,
    SUB,
    Block,
    Directory,
    Entry,
    main_picture,
    pictures,
)
from engine.errors import UnreadableImage
from engine.metadata import tiff_tags
from engine.metadata.alpha import under_alpha
from engine.metadata.finding import Finding, Kind, no_picture
from engine.metadata.packets import LARGEST_XMP, in_photoshop, in_xmp

_STRUCTURE: Final = (
    frozenset({254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279})
    | frozenset({280, 281, 282, 283, 284, 286, 287, 288, 289, 290, 291, 292, 293, 296, 297, 301})
    | frozenset({317, 318, 319, 320, 321, 322, 323, 324, 325, 332, 334, 336, 338, 339, 340, 341})
    | frozenset({342, 347, *range(512, 522), 529, 530, 531, 532, 559})
    | frozenset({EXIF, GPS, INTEROPERABILITY, SUB})
)
"""What a reader needs to show the picture, or what is read elsewhere."""
_WORDS: Final = {
    269: "the document's name", 271: "the camera's maker", 272: "the camera's model",
    285: "the page's name", 305: "the program used", 306: "when it was made",
    316: "the computer's name", 333: "names of inks", 337: "the printer",
    42112: "words a map program wrote", 50341: "a camera's notes for printers",
}  # fmt: skip
_KINDS: Final = {
    33723: Kind.IPTC, 34675: Kind.ICC, 37724: Kind.PICTURES, 33550: Kind.GPS, 33922: Kind.GPS,
    34264: Kind.GPS, 34735: Kind.GPS, 34736: Kind.GPS, 34737: Kind.GPS,
}  # fmt: skip
_NOTES: Final = {37724: "layers as Photoshop stores them"}
_XMP, _PHOTOSHOP, _BITS, _EXTRA = 700, 34377, 258, 338
_OLD_JPEG: Final = frozenset({519, 520, 521})
MOST_LOOKED_INTO: Final = 32 * LARGEST_XMP
"""Bytes of XMP and of Photoshop's data in one file; directories can share them, and overlap."""


class _Packets:
    """The XMP and Photoshop data of a file, each read once, however often it is named."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._visited: set[tuple[int, Entry]] = set()
        self._left = MOST_LOOKED_INTO

    def read(self, tag: int, entry: Entry) -> Iterator[Finding]:
        """What a packet holds."""
        where, at, size = f"tag {tag}", entry.offset, entry.size
        is_repeated = (tag, entry) in self._visited
        self._visited.add((tag, entry))
        if is_repeated or size > min(LARGEST_XMP, self._left):
            yield Finding(Kind.XMP if tag == _XMP else Kind.PHOTOSHOP, where, at, size)
            if not is_repeated:
                yield Finding(Kind.UNCHECKED, where, at, size, "data too large to be looked into")
            return
        self._left -= size
        read = in_xmp if tag == _XMP else in_photoshop
        yield from read(self._data[at : at + size], at, where)


def in_tiff(data: bytes) -> Iterator[Finding]:
    """Everything beside the first picture and what is needed to show it.

    Raises:
        UnreadableImage: where it is damaged, after what came before.
    """
    block = Block(data)
    packets = _Packets(data)
    spans: list[tuple[int, int]] = [(0, block.header_bytes)]
    bits = 8
    has_alpha = False
    has_pixels = False
    main_start = _main_start(data)
    for directory in block.directories():
        has_pixels |= any(tag in directory.entries for tag, _ in DATA)
        yield from _in_directory(packets, block, directory, main_start)
        spans += _spans(data, block, directory)
        has_alpha |= _EXTRA in directory.entries
        if _BITS in directory.entries:
            bits = max([bits, *block.numbers(directory.entries[_BITS]).tolist()])
    yield from _between(data, spans)
    if not has_pixels:
        raise no_picture("TIFF")
    if has_alpha:
        yield from under_alpha(data, "tiff16" if bits == 16 else "tiff")


def _main_start(data: bytes) -> int | None:
    """Where the directory of the picture that is decoded starts; None for the first."""
    try:
        picture = main_picture(pictures(Block(data)))
    except UnreadableImage:
        return None  # raised when the walk gets there
    return None if picture is None else picture.directory.start


def _in_directory(
    packets: _Packets, block: Block, directory: Directory, main_start: int | None
) -> Iterator[Finding]:
    name, at = directory.name, directory.start
    if name in ("EXIF", "GPS", "interoperability"):
        if name == "EXIF":
            yield Finding(Kind.EXIF, name, at, directory.end - at)
        yield from tiff_tags.in_directory(directory, 0, f"{name} of the TIFF")
        return
    if at != main_start if main_start is not None else name != "IFD 0":
        yield Finding(Kind.PICTURES, name, at, directory.end - at)
    yield from tiff_tags.in_directory(directory, 0, name)
    if _EXTRA in directory.entries and 0 in block.numbers(directory.entries[_EXTRA]):
        note = "a channel of the picture that viewers do not show"
        yield Finding(Kind.HIDDEN, f"extra channel of {name}", at, directory.end - at, note)
    for tag, entry in directory.entries.items():
        if entry.size and tag not in _STRUCTURE and tag not in tiff_tags.NAMED_APART:
            yield from _in_tag(packets, tag, entry)


def _in_tag(packets: _Packets, tag: int, entry: Entry) -> Iterator[Finding]:
    where, at, size = f"tag {tag}", entry.offset, entry.size
    if tag in (_XMP, _PHOTOSHOP):
        yield from packets.read(tag, entry)
    elif tag in _WORDS:
        yield Finding(Kind.TEXT, where, at, size, _WORDS[tag])
    else:
        kind = _KINDS.get(tag, Kind.UNKNOWN)
        yield Finding(kind, where, at, size, _NOTES.get(tag, ""))


def _spans(data: bytes, block: Block, directory: Directory) -> Iterator[tuple[int, int]]:
    """Start and end of everything a directory accounts for."""
    yield directory.start, directory.end
    for entry in directory.entries.values():
        yield entry.offset, entry.offset + entry.size
    for offsets_tag, lengths_tag in DATA:
        if offsets_tag in directory.entries:
            if lengths_tag not in directory.entries:
                raise UnreadableImage("This TIFF does not say how long its pixel data are.")
            starts = block.numbers(directory.entries[offsets_tag])
            lengths = block.numbers(directory.entries[lengths_tag])
            if len(starts) != len(lengths) or np.any(starts > len(data) - lengths):
                raise UnreadableImage(
                    "This TIFF's pixel data lie beyond its end: it was cut short."
                )
            yield from zip(starts.tolist(), (starts + lengths).tolist(), strict=True)
    if _OLD_JPEG & directory.entries.keys():
        raise UnreadableImage("This TIFF holds JPEG data of a kind that cannot be followed.")


def _between(data: bytes, spans: list[tuple[int, int]]) -> Iterator[Finding]:
    """Bytes that nothing points to; zeros hide nothing and are passed over."""
    here = 0
    for start, end in sorted(spans):
        if start > here and data[here:start].strip(b"\0"):
            yield Finding(Kind.UNUSED, "between what tags point to", here, start - here)
        here = max(here, end)
    if data[here:].strip(b"\0"):
        yield Finding(Kind.TRAILING, "after what tags point to", here, len(data) - here)
