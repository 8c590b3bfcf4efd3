"""What a GIF carries: its extensions, further frames, and what follows its trailer (GIF89a)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.errors import UnreadableImage
from engine.metadata.finding import MOST_PARTS, Finding, Kind, no_picture, safe_name
from engine.metadata.packets import in_xmp

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _COMMENT, _PLAIN_TEXT, _APPLICATION = 0xF9, 0xFE, 0x01, 0xFF
_APPLICATIONS: Final = {
    b"NETSCAPE2.0": Kind.ANIMATION, b"ANIMEXTS1.0": Kind.ANIMATION, b"XMP DataXMP": Kind.XMP,
    b"ICCRGBG1012": Kind.ICC,
}  # fmt: skip
_KNOWN: Final = frozenset({*_APPLICATIONS, b"MGK8BIM0000", b"MGKIPTC0000", b"STARDIV 5.0"})


def in_gif(data: bytes) -> Iterator[Finding]:
    """Everything beside the first frame.

    Raises:
        UnreadableImage: it stops before its trailer, or holds something that is no block.
    """
    at = 13 + _table_bytes(_byte(data, 10))
    frames = parts = 0
    while (introducer := _byte(data, at)) != _TRAILER:
        start = at
        parts += 1
        if parts > MOST_PARTS:
            raise UnreadableImage(f"This GIF has more than {MOST_PARTS:,} parts.")
        if introducer == _IMAGE:
            frames += 1
            at = _end_of_blocks(data, start + 11 + _table_bytes(_byte(data, start + 9)))
            if frames > 1:
                yield Finding(Kind.ANIMATION, "further frames", start, at - start)
        elif introducer == _EXTENSION:
            at = _end_of_blocks(data, start + 2)
            yield from _in_extension(data, start, at)
        else:
            raise UnreadableImage(f"This GIF is damaged at byte {at}: no block where one must be.")
    if not frames:
        raise no_picture("GIF")
    if at + 1 < len(data):
        yield Finding(Kind.TRAILING, "after the trailer", at + 1, len(data) - at - 1)


def _in_extension(data: bytes, start: int, end: int) -> Iterator[Finding]:
    label, size = _byte(data, start + 1), end - start
    if label == _COMMENT:
        yield Finding(Kind.COMMENT, "comment extension", start, size)
    elif label == _PLAIN_TEXT:
        yield Finding(Kind.TEXT, "plain text extension", start, size)
    elif label == _APPLICATION:
        name = data[start + 3 : start + 3 + min(_byte(data, start + 2), 11)]
        where = f"application extension ({safe_name(name, _KNOWN)})"
        kind = _APPLICATIONS.get(name, Kind.APPLICATION)
        if kind is Kind.XMP:
            yield from in_xmp(data[start:end], start, where)
        else:
            yield Finding(kind, where, start, size)
    elif label != _CONTROL:
        yield Finding(Kind.UNKNOWN, f"extension {label:02X}", start, size)
    elif size != 8:
        yield Finding(Kind.UNUSED, "graphic control extension", start, size)


def _end_of_blocks(data: bytes, at: int) -> int:
    while length := _byte(data, at):
        at += 1 + length
    return at + 1


def _table_bytes(packed: int) -> int:
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise UnreadableImage(f"This GIF stops after {len(data)} bytes, before its end.")
    return data[at]
