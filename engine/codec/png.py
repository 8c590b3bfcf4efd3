"""The chunks of a PNG, read without decoding a pixel (W3C PNG, third edition, section 5)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from engine.codec.signatures import PNG
from engine.errors import UnreadableImage
from engine.geometry import Size

_FRAME_BYTES = 12
"""Length, name and checksum around every body."""


_COLOURS = (b"cICP", b"iCCP", b"sRGB")
"""Chunks that say the colours, each of which overrules gAMA (section 4.3)."""
_GAMMA_UNIT = 100_000
_GAMMAS = range(16, 625_000_001)
"""What libpng takes for a gamma; all else is ignored there, too."""

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))  # fmt: skip
"""First column and row, step across and down, of every pass of an interlaced picture."""


class Header(NamedTuple):
    """What IHDR says."""

    size: Size
    bits: int
    """Per channel."""
    colour_type: int
    """0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA."""
    is_interlaced: bool

    @property
    def row_bytes(self) -> int:
        """Inflated bytes of a full row, its filter byte included."""
        return self._pass_row_bytes(self.size.width)

    @property
    def inflated_bytes(self) -> int:
        """Bytes that the data of all IDAT chunks must inflate to."""
        total = 0
        for x, y, across, down in _ADAM7 if self.is_interlaced else _WHOLE:
            columns = -((x - self.size.width) // across)
            rows = -((y - self.size.height) // down)
            if columns > 0 and rows > 0:
                total += rows * self._pass_row_bytes(columns)
        return total

    def _pass_row_bytes(self, columns: int) -> int:
        return 1 + (columns * self.bits * _CHANNELS[self.colour_type] + 7) // 8


class Chunk(NamedTuple):
    """One chunk whose checksum was right."""

    name: bytes
    body: bytes
    end: int
    """Offset just past its checksum."""


def bits(data: bytes) -> int:
    """Bits of each channel, of a whole file."""
    return next(header(chunk.body).bits for chunk in chunks(data) if chunk.name == b"IHDR")


def chunks(data: bytes) -> Iterator[Chunk]:
    """Every chunk up to and including IEND.

    Raises:
        UnreadableImage: the bytes are not a PNG, a chunk is cut short or its checksum is wrong.
            Raised when the walk gets there, after the chunks that were whole.
    """
    if not data.startswith(PNG):
        raise UnreadableImage("The file does not start like a PNG, so it was not opened.")
    at = len(PNG)
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


def gamma(data: bytes) -> float:
    """The power of light that samples are, by gAMA alone; 0 where it is not what counts.

    Raises:
        UnreadableImage: as `chunks` does, for what comes before the pixels.
    """
    ahead = list(takewhile(lambda chunk: chunk.name != b"IDAT", chunks(data)))
    if any(chunk.name in _COLOURS for chunk in ahead):
        return 0.0
    body = next((chunk.body for chunk in ahead if chunk.name == b"gAMA"), b"")
    value = int.from_bytes(body, "big")
    return value / _GAMMA_UNIT if len(body) == 4 and value in _GAMMAS else 0.0


def header(body: bytes) -> Header:
    """What the body of an IHDR chunk says.

    Raises:
        UnreadableImage: it is of the wrong length or breaks the rules of the format.
    """
    if len(body) != struct.calcsize(">IIBBBBB"):
        raise UnreadableImage(f"This PNG's header has {len(body)} bytes, not 13: export it again.")
    width, height, bits, colour_type, compression, filtering, interlace = struct.unpack(
        ">IIBBBBB", body
    )
    allowed = bits in _DEPTHS.get(colour_type, ()) and compression == filtering == 0
    if not allowed or interlace > 1 or width == 0 or height == 0:
        raise UnreadableImage(
            f"This PNG announces {width} x {height} pixels, {bits} bits, colour type "
            f"{colour_type}: not a valid combination. Export it again."
        )
    return Header(Size(width, height), bits, colour_type, bool(interlace))
