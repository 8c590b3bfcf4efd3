"""The chunks of a PNG, read without decoding a pixel (W3C PNG, third edition, section 5)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from engine.errors import UnreadableImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAME_BYTES = 12
"""Length, name and checksum around every body."""


class Chunk(NamedTuple):
    """One chunk whose checksum was right."""

    name: bytes
    body: bytes
    end: int
    """Offset just past its checksum."""


def chunks(data: bytes) -> Iterator[Chunk]:
    """Every chunk up to and including IEND.

    Raises:
        UnreadableImage: the bytes are not a PNG, a chunk is cut short or its checksum is wrong.
            Raised when the walk gets there, after the chunks that were whole.
    """
    if not data.startswith(SIGNATURE):
        raise UnreadableImage("The file does not start like a PNG, so it was not opened.")
    at = len(SIGNATURE)
    while True:
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + length + _FRAME_BYTES
        if end > len(data):
            raise UnreadableImage(
                f"This PNG stops after {len(data)} bytes, before its end: it was cut short. "
                "Copy the file again from where it came from."
            )
        name, body = data[at + 4 : at + 8], data[at + 8 : end - 4]
        if zlib.crc32(body, zlib.crc32(name)) != int.from_bytes(data[end - 4 : end], "big"):
            raise UnreadableImage(
                f"This PNG is damaged at byte {at}: a checksum does not fit. "
                "Copy the file again from where it came from."
            )
        yield Chunk(name, body, end)
        if name == b"IEND":
            return
        at = end
