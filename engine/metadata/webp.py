"""What a WebP carries: the chunks of its RIFF (WebP Container Specification)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from engine.errors import UnreadableImage
from engine.metadata.alpha import LARGEST_LOOK_PX, under_alpha
from engine.metadata.finding import Finding, Kind, bounded, code, no_picture
from engine.metadata.packets import in_xmp
from engine.metadata.tiff_tags import in_exif

_PIXELS: Final = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH"})
_NAMES: Final = {b"ICCP": Kind.ICC, b"ANIM": Kind.ANIMATION, b"ANMF": Kind.ANIMATION}
_WITHOUT_ALPHA: Final = b"VP8 "
_FRAME: Final = b"ANMF"
_FRAME_HEADER: Final = 16


def in_webp(data: bytes) -> Iterator[Finding]:
    """Everything beside the coded picture.

    Raises:
        UnreadableImage: a chunk reaches beyond the end.
    """
    end = 8 + int.from_bytes(data[4:8], "little")
    end += end % 2
    if end > len(data) + 1:
        raise _cut_short(data)
    yield from _in_chunks(data, 12, min(end, len(data)))
    if data[12:16] not in _PIXELS:
        raise no_picture("WebP")
    if end < len(data):
        yield Finding(Kind.TRAILING, "after the RIFF", end, len(data) - end)
    width, height = _canvas(data)
    if width * height > LARGEST_LOOK_PX:
        note = "too many pixels to look for hidden ones"
        yield Finding(Kind.UNCHECKED, "pixels under alpha", 0, 0, note)
    elif data[12:16] != _WITHOUT_ALPHA:
        yield from under_alpha(data, "webp")


class _Chunk(NamedTuple):
    name: bytes
    start: int
    end: int
    """Offset just past its payload."""


def _in_chunks(data: bytes, start: int, end: int) -> Iterator[Finding]:
    at = start
    for chunk in bounded(_chunks(data, start, end)):
        yield from _in_chunk(data, *chunk)
        if chunk.name == _FRAME:
            yield from _in_chunks(data, chunk.start + 8 + _FRAME_HEADER, chunk.end)
        at = chunk.end + (chunk.end - chunk.start) % 2
    if data[at:end].strip(b"\0"):
        yield Finding(Kind.UNUSED, "after the last chunk", at, end - at)


def _chunks(data: bytes, at: int, end: int) -> Iterator[_Chunk]:
    while at + 8 <= end:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        after = at + 8 + length
        if after > end:
            raise _cut_short(data)
        yield _Chunk(data[at : at + 4], at, after)
        at = after + length % 2


def _in_chunk(data: bytes, name: bytes, at: int, after: int) -> Iterator[Finding]:
    where = f"{code(name)} chunk"
    if name == b"EXIF":
        yield from in_exif(data[at + 8 : after], at + 8, where)
    elif name == b"XMP ":
        yield from in_xmp(data[at + 8 : after], at + 8, where)
    elif name in _NAMES:
        yield Finding(_NAMES[name], where, at, after - at)
    elif name not in _PIXELS:
        yield Finding(Kind.UNKNOWN, where, at, after - at)


def _canvas(data: bytes) -> tuple[int, int]:
    """Width and height that decoding would take memory for; (0, 0) where nothing is announced."""
    if data[12:16] == b"VP8X":
        width, height = data[24:27], data[27:30]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if data[12:16] == b"VP8L":
        packed = int.from_bytes(data[21:25], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    return 0, 0


def _cut_short(data: bytes) -> UnreadableImage:
    return UnreadableImage(f"This WebP stops after {len(data)} bytes, before its end.")
