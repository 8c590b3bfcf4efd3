"""What a JPEG 2000 file carries: its boxes and its codestream (ISO/IEC 15444-1, annexes A, I)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Final

from engine.codec.signatures import JP2_CODESTREAM
from engine.errors import UnreadableImage
from engine.metadata.alpha import under_alpha
from engine.metadata.bmff import Box, boxes, in_any, in_colour
from engine.metadata.finding import Finding, Kind, bounded, no_picture
from engine.metadata.packets import in_xmp

_TOP: Final = frozenset({b"jP  ", b"ftyp"})
_HEADER: Final = frozenset({b"ihdr", b"bpcc", b"pclr", b"cmap", b"cdef", b"res ", b"colr"})
_COM, _SOT, _SOD, _EOC = 0xFF64, 0xFF90, 0xFF93, 0xFFD9
_MAIN: Final = frozenset(range(0xFF50, 0xFF64)) | {_COM}
"""Marker segments of main and tile-part headers."""


def in_jp2(data: bytes) -> Iterator[Finding]:
    """Everything beside the codestream and what is needed to show it.

    Raises:
        UnreadableImage: where it is damaged, after what came before.
    """
    if data.startswith(JP2_CODESTREAM):
        yield from _in_codestream(data, 0, len(data))
        return
    has_alpha = has_codestream = False
    for box in boxes(data, 0, len(data)):
        if box.name == b"jp2h":
            has_alpha |= any(inner.name == b"cdef" for inner in boxes(data, box.body, box.end))
            yield from _in_header(data, box)
        elif box.name == b"jp2c":
            has_codestream = True
            yield from _in_codestream(data, box.body, box.end)
        elif box.name == b"xml ":
            yield from in_xmp(data[box.body : box.end], box.body, box.where)
        else:
            yield from in_any(data, box, _TOP)
    if not has_codestream:
        raise no_picture("JPEG 2000")
    if has_alpha:
        yield from under_alpha(data, "jpeg2000")


def _in_header(data: bytes, header: Box) -> Iterator[Finding]:
    for box in boxes(data, header.body, header.end):
        if box.name == b"colr":
            yield from in_colour(data, box)
        else:
            yield from in_any(data, box, _HEADER)


def _in_codestream(data: bytes, start: int, end: int) -> Iterator[Finding]:
    at = start + 2
    tile_end = 0
    for _ in bounded(repeat(None)):
        marker = int.from_bytes(data[at : at + 2], "big")
        if marker == _EOC and at + 2 <= end:
            break
        if marker == _SOD:
            at = tile_end
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        after = at + 2 + length
        if length < 2 or after > end or (marker not in _MAIN and marker != _SOT):
            raise UnreadableImage(f"This JPEG 2000 is damaged or cut short at byte {at}.")
        if marker == _COM:
            yield Finding(Kind.COMMENT, "COM", at, length + 2)
        elif marker == _SOT:
            tile_end = _tile_end(data, at, end)
        at = after
    if at + 2 < end:
        yield Finding(Kind.TRAILING, "after the end marker", at + 2, end - at - 2)


def _tile_end(data: bytes, at: int, end: int) -> int:
    """Where a tile-part ends; a length of 0 means at the end marker of the file."""
    length = int.from_bytes(data[at + 6 : at + 10], "big")
    tile_end = at + length if length else end - 2
    if tile_end < at + 12 or tile_end + 2 > end:
        raise UnreadableImage(f"This JPEG 2000 is damaged or cut short at byte {at}.")
    return tile_end
