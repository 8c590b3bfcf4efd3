"""TIFFs and raw photographs put together by hand, directory by directory."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.awkward import picture

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SIGNED = 1, 2, 3, 4, 5, 7, 10
_LAYOUT = {BYTE: "B", ASCII: "B", SHORT: "H", LONG: "I", UNDEFINED: "B"}
SENSOR, RGB = 32803, 2
_TO_CAMERA = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570)
"""XYZ to linear sRGB (IEC 61966-2-1): a camera whose own colours are sRGB."""


@dataclass(frozen=True)
class Page:
    """One directory and its pixels."""

    pixels: bytes
    tags: Mapping[int, tuple[int, Sequence[float]]]
    below: tuple[Page, ...] = field(default=())
    """What its tag 330 points to."""


def tiff_of(*pages: Page, mark: bytes = b"") -> bytes:
    """A little-endian TIFF of a chain of directories; `mark` follows the header."""
    data = bytearray(b"II*\0\0\0\0\0" + mark)
    at_link = 4
    for page in pages:
        start, link = _append(data, page)
        struct.pack_into("<I", data, at_link, start)
        at_link = link
    return bytes(data)


def rgb_page(width: int, height: int, *, subfile: int = 0, below: tuple[Page, ...] = ()) -> Page:
    """`picture()` of that size, 8 bits a channel, uncompressed."""
    return _page(picture(width, height), RGB, (8, 8, 8), {254: (LONG, [subfile])}, below)


def sensor_page(rgb: NDArray[np.uint8], *, subfile: int = 0, compression: int = 1) -> Page:
    """What a sensor behind red, green, green and blue filters saw of a picture."""
    linear = (rgb / 255.0) ** 2.2 * 65535
    seen = linear[..., 1].copy()
    seen[::2, ::2] = linear[::2, ::2, 0]
    seen[1::2, 1::2] = linear[1::2, 1::2, 2]
    tags = {
        254: (LONG, [subfile]),
        259: (SHORT, [compression]),
        33421: (SHORT, [2, 2]),
        33422: (BYTE, [0, 1, 1, 2]),
        50717: (LONG, [65535]),
    }
    return _page(seen.astype("<u2"), SENSOR, (16,), tags, ())


def dng(rgb: NDArray[np.uint8], *, preview: tuple[int, int] = (32, 24), **options: int) -> bytes:
    """A DNG: a preview, and in its sub-IFD the photograph."""
    small = rgb_page(*preview, subfile=1, below=(sensor_page(rgb, **options),))
    camera = {
        271: (ASCII, b"Maker\0"),
        272: (ASCII, b"Model\0"),
        50706: (BYTE, [1, 4, 0, 0]),
        50708: (ASCII, b"Maker Model\0"),
        50721: (SIGNED, _TO_CAMERA),
        50728: (RATIONAL, [1, 1, 1]),
        50778: (SHORT, [21]),
    }
    return tiff_of(Page(small.pixels, {**small.tags, **camera}, small.below))


def _page(
    pixels: NDArray[np.generic],
    photometric: int,
    bits: Sequence[int],
    tags: Mapping[int, tuple[int, Sequence[float]]],
    below: tuple[Page, ...],
) -> Page:
    height, width = pixels.shape[:2]
    basic: dict[int, tuple[int, Sequence[float]]] = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, bits),
        259: (SHORT, [1]),
        262: (SHORT, [photometric]),
        277: (SHORT, [len(bits)]),
        278: (LONG, [height]),
    }
    return Page(pixels.tobytes(), {**basic, **tags}, below)


def _append(data: bytearray, page: Page) -> tuple[int, int]:
    """Start of the directory, and where its link to the next one lies."""
    starts = [_append(data, one)[0] for one in page.below]
    at_pixels = len(data)
    data += page.pixels
    tags = dict(page.tags)
    if page.pixels:
        tags |= {273: (LONG, [at_pixels]), 279: (LONG, [len(page.pixels)])}
    if starts:
        tags[330] = (LONG, starts)
    entries = []
    for tag, (kind, values) in sorted(tags.items()):
        body = _packed(kind, values)
        if len(body) > 4:
            data += b"\0" * (len(data) % 2)
            at = len(data)
            data += body
            body = struct.pack("<I", at)
        entries.append(struct.pack("<HHI", tag, kind, len(values)) + body.ljust(4, b"\0"))
    data += b"\0" * (len(data) % 2)
    start = len(data)
    data += struct.pack("<H", len(entries)) + b"".join(entries)
    data += b"\0\0\0\0"
    return start, len(data) - 4


def _packed(kind: int, values: Sequence[float]) -> bytes:
    if kind in (RATIONAL, SIGNED):
        layout = "<II" if kind == RATIONAL else "<ii"
        return b"".join(struct.pack(layout, round(one * 10_000), 10_000) for one in values)
    return struct.pack(f"<{len(values)}{_LAYOUT[kind]}", *(int(one) for one in values))
