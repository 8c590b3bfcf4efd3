"""What a BMP carries: gaps around its pixels, padding, a profile (BITMAPV5HEADER and before)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from engine.errors import UnreadableImage
from engine.metadata.finding import Finding, Kind

_FILE_HEADER: Final = 14
_OS2, _INFO, _V5 = 12, 40, 124
_UNCOMPRESSED: Final = (0, 3, 6)
_BIT_FIELDS: Final = 3
_LINKED, _EMBEDDED = b"KNIL", b"DEBM"
_DEPTHS: Final = (1, 2, 4, 8, 16, 24, 32)


class _Layout(NamedTuple):
    """Where what lies."""

    reserved: int
    header: int
    headers_end: int
    """Offset just past the headers and the palette."""
    first: int
    """Offset of the pixels."""
    end: int
    """Offset just past them."""
    is_plain: bool
    """Whether the pixels are not compressed."""
    row: int
    """Bytes of a row."""
    used: int
    """Bytes of a row that hold pixels."""
    bits: int


def in_bmp(data: bytes) -> Iterator[Finding]:
    """Everything beside headers, palette and pixels.

    Raises:
        UnreadableImage: it is cut short or its headers do not fit.
    """
    layout = _layout(data)
    if layout.reserved:
        yield Finding(Kind.UNKNOWN, "reserved bytes of the header", 6, 4)
    yield from _gap(data, layout.headers_end, layout.first, "before the pixels")
    if layout.end > len(data) or layout.end == layout.first:
        raise UnreadableImage(f"This BMP stops after {len(data)} bytes, before its last pixel.")
    if layout.is_plain:
        yield from _in_rows(data, layout)
    end = layout.end
    profile = _profile(data) if layout.header >= _V5 else None
    if profile is not None:
        yield profile
        yield from _gap(data, end, profile.offset, "after the pixels")
        end = max(end, profile.offset + profile.size)
    if end < len(data):
        yield Finding(Kind.TRAILING, "after the pixels", end, len(data) - end)


def _layout(data: bytes) -> _Layout:
    reserved, first, header = _unpack("<6xIII", data)
    if header == _OS2:
        width, height, bits = _unpack("<HH2xH", data, 18)
        compression = image_bytes = colours = 0
    elif header >= _INFO:
        width, height, bits, compression, image_bytes, colours = _unpack("<ii2xHII8xI", data, 18)
    else:
        raise UnreadableImage("This BMP has a header of a length that no BMP has.")
    if bits not in _DEPTHS or width <= 0 or height == 0:
        raise UnreadableImage("This BMP announces a size or a depth that no BMP has.")
    if bits <= 8:
        colours = min(colours, 1 << bits) or 1 << bits
    palette = colours * (3 if header == _OS2 else 4)
    masks = 12 if header == _INFO and compression == _BIT_FIELDS else 0
    row = (width * bits + 31) // 32 * 4
    is_plain = compression in _UNCOMPRESSED
    return _Layout(
        reserved=reserved,
        header=header,
        headers_end=_FILE_HEADER + header + masks + palette,
        first=first,
        end=first + (row * abs(height) if is_plain else image_bytes),
        is_plain=is_plain,
        row=row,
        used=(width * bits + 7) // 8,
        bits=bits,
    )


def _in_rows(data: bytes, layout: _Layout) -> Iterator[Finding]:
    pixels = np.frombuffer(data, np.uint8, layout.end - layout.first, layout.first)
    rows = pixels.reshape(-1, layout.row)
    if rows[:, layout.used :].any():
        size = (layout.row - layout.used) * len(rows)
        yield Finding(Kind.UNUSED, "padding of the rows", layout.first, size)
    fourth = rows[:, 3::4]
    if layout.bits == 32 and fourth.min() != fourth.max():
        note = "a fourth channel that most viewers do not show"
        yield Finding(Kind.HIDDEN, "fourth channel", layout.first, fourth.size, note)


def _profile(data: bytes) -> Finding | None:
    space = data[_FILE_HEADER + 56 : _FILE_HEADER + 60]
    offset, size = _unpack("<II", data, _FILE_HEADER + 112)
    if space not in (_LINKED, _EMBEDDED) or not size:
        return None
    note = "the path of a file on its maker's computer" if space == _LINKED else ""
    return Finding(Kind.ICC, "colour profile", _FILE_HEADER + offset, size, note)


def _gap(data: bytes, start: int, end: int, where: str) -> Iterator[Finding]:
    if data[start:end].strip(b"\0"):
        yield Finding(Kind.UNUSED, where, start, end - start)


def _unpack(layout: str, data: bytes, at: int = 0) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, data, at)
    except struct.error as error:
        raise UnreadableImage(f"This BMP stops after {len(data)} bytes, in its header.") from error
