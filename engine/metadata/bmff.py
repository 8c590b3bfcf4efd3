"""The boxes of HEIC, AVIF and JPEG 2000 files (ISO/IEC 14496-12, section 4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from engine.errors import UnreadableImage
from engine.metadata.finding import Finding, Kind, bounded, code
from engine.metadata.packets import in_xmp
from engine.metadata.tiff_tags import in_exif

_UUID_XMP: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_UUID_EXIF: Final = b"JpgTiffExif->JP2"
_UUID_GEO: Final = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")
_UUID_C2PA: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_SPACE: Final = frozenset({b"free", b"skip"})
_PROFILES: Final = frozenset({b"prof", b"rICC"})
_JP2_PROFILES: Final = (2, 3)


class Box(NamedTuple):
    """One box."""

    name: bytes
    start: int
    body: int
    """Offset of its content."""
    end: int

    @property
    def where(self) -> str:
        """Its name for a person."""
        return f"{code(self.name)} box"

    def finding(self, kind: Kind, note: str = "") -> Finding:
        """The whole box as a finding."""
        return Finding(kind, self.where, self.start, self.end - self.start, note)


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes that lie side by side between two offsets.

    Raises:
        UnreadableImage: one reaches beyond `end`, or what is there is no box.
    """
    yield from bounded(_boxes(data, start, end))


def _boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    at = start
    while at < end:
        size, body = int.from_bytes(data[at : at + 4], "big"), at + 8
        if size == 1:
            size, body = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        elif size == 0:
            size = end - at
        if body > end or size < body - at or at + size > end:
            raise UnreadableImage(f"The file is damaged or cut short in the box at byte {at}.")
        yield Box(data[at + 4 : at + 8], at, body, at + size)
        at += size


def in_any(data: bytes, box: Box, known: frozenset[bytes]) -> Iterator[Finding]:
    """Findings of other boxes: none for known types, one for unknown ones."""
    if box.name == b"uuid":
        yield from _in_uuid(data, box)
    elif box.name in _SPACE:
        if data[box.body : box.end].strip(b"\0"):
            yield box.finding(Kind.UNUSED)
    elif box.name not in known:
        yield box.finding(Kind.UNKNOWN)


def _in_uuid(data: bytes, box: Box) -> Iterator[Finding]:
    """A box whose meaning its 16-byte identifier tells."""
    identifier, body = data[box.body : box.body + 16], data[box.body + 16 : box.end]
    if identifier == _UUID_XMP:
        yield from in_xmp(body, box.body + 16, box.where)
    elif identifier == _UUID_EXIF:
        yield from in_exif(body, box.body + 16, box.where)
    elif identifier == _UUID_GEO:
        yield box.finding(Kind.GPS, "where on Earth the picture lies")
    elif identifier == _UUID_C2PA:
        yield box.finding(Kind.CREDENTIALS)
    else:
        yield box.finding(Kind.UNKNOWN)


def in_colour(data: bytes, box: Box) -> Iterator[Finding]:
    """A colour specification, which may hold an ICC profile."""
    kind = data[box.body : box.body + 4]
    if kind in _PROFILES or (kind != b"nclx" and kind[:1] and kind[0] in _JP2_PROFILES):
        yield box.finding(Kind.ICC)
