"""The few EXIF and TIFF tags Lethe needs, read so that broken EXIF costs nothing but itself.

EXIF is a TIFF without a picture: an 8-byte header, then directories of 12-byte entries
(TIFF 6.0, section 2; Exif 2.32, section 4.6).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, Literal

ORIENTATION: Final = 0x0112
GPS: Final = 0x8825
PREFIX: Final = b"Exif\0\0"
_ENTRY_BYTES: Final = 12
_ORDERS: Final[dict[bytes, Literal["<", ">"]]] = {b"II*\0": "<", b"MM\0*": ">"}
_SHORT: Final = 3


def orientation(block: bytes) -> int:
    """EXIF orientation, 1..8; 1 when the block is broken, empty or does not say."""
    first, _ = directories(block)
    value = first.get(ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def directories(block: bytes) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """Tag to value of the first directory (the picture) and of the second (the thumbnail).

    Args:
        block: a TIFF, with or without the `Exif` prefix of JPEG.

    Returns:
        A value is the entry's first 16-bit number when it is one, else its 32-bit value or offset.
        Both are empty when nothing can be read; a directory that breaks off ends where it breaks.
    """
    block = block.removeprefix(PREFIX)
    order = _ORDERS.get(block[:4])
    if order is None or len(block) < 8:
        return {}, {}
    first, following = _directory(block, order, struct.unpack_from(order + "I", block, 4)[0])
    second, _ = _directory(block, order, following) if following else ({}, 0)
    return first, second


def _directory(block: bytes, order: Literal["<", ">"], at: int) -> tuple[dict[int, int], int]:
    if at + 2 > len(block):
        return {}, 0
    (count,) = struct.unpack_from(order + "H", block, at)
    tags: dict[int, int] = {}
    at += 2
    for _ in range(count):
        if at + _ENTRY_BYTES > len(block):
            return tags, 0
        tag, kind = struct.unpack_from(order + "HH", block, at)
        layout = "H" if kind == _SHORT else "I"
        tags[tag] = struct.unpack_from(order + layout, block, at + 8)[0]
        at += _ENTRY_BYTES
    if at + 4 > len(block):
        return tags, 0
    return tags, struct.unpack_from(order + "I", block, at)[0]
