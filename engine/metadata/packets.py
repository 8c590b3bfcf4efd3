"""Metadata packets shared by formats: XMP, Photoshop image resources, ICC."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from engine.metadata.finding import Finding, Kind

LARGEST_XMP: Final = 1024 * 1024
_IN_XMP: Final = (
    ((b"GPSLatitude", b"GPSLongitude", b"GPSCoordinates"), Kind.GPS, ""),
    ((b"SerialNumber",), Kind.SERIAL, ""),
    ((b"OwnerName", b"dc:creator", b"photoshop:Credit"), Kind.OWNER, ""),
    ((b"xmpGImg:image", b"xmp:Thumbnails"), Kind.THUMBNAIL, ""),
    ((b"GDepth:", b"Camera:DepthMap", b"apdi:Depth", b"depthmap"), Kind.DEPTH, ""),
    ((b"hdrgm:", b"HDRGainMap"), Kind.GAIN, ""),
    ((b"MotionPhoto", b"MicroVideo"), Kind.VIDEO, ""),
    ((b"mwg-rs:Regions", b"MPReg:"), Kind.OWNER, "where faces are, often with names"),
    ((b"GImage:Data",), Kind.PICTURES, ""),
)
_IN_PHOTOSHOP: Final = {
    0x0404: Kind.IPTC, 0x0409: Kind.THUMBNAIL, 0x040C: Kind.THUMBNAIL, 0x040F: Kind.ICC,
    0x0422: Kind.EXIF, 0x0423: Kind.EXIF, 0x0424: Kind.XMP,
}  # fmt: skip
"""Image resources by number (Adobe Photoshop File Formats Specification)."""
_RESOURCE: Final = b"8BIM"


def in_xmp(packet: bytes, at: int, where: str) -> Iterator[Finding]:
    """XMP, and the most telling things that it names."""
    yield Finding(Kind.XMP, where, at, len(packet))
    if len(packet) > LARGEST_XMP:
        yield Finding(Kind.UNCHECKED, where, at, len(packet), "XMP too large to be looked into")
        return
    for marks, kind, note in _IN_XMP:
        offsets = [at_mark for mark in marks if (at_mark := packet.find(mark)) >= 0]
        if offsets:
            first = min(offsets)
            yield Finding(kind, f"XMP in {where}", at + first, len(packet) - first, note)


def in_photoshop(body: bytes, at: int, where: str) -> Iterator[Finding]:
    """Photoshop's image resources, and what hides among them.

    Args:
        body: the resources, one after another.
        at: offset of `body` in the file.
        where: what holds it.
    """
    yield Finding(Kind.PHOTOSHOP, where, at, len(body))
    here = 0
    while body[here : here + 4] == _RESOURCE and here + 7 <= len(body):
        (number,) = struct.unpack_from(">H", body, here + 4)
        name_bytes = 1 + body[here + 6]
        at_size = here + 6 + name_bytes + name_bytes % 2
        size = int.from_bytes(body[at_size : at_size + 4], "big")
        if number in _IN_PHOTOSHOP:
            kind = _IN_PHOTOSHOP[number]
            yield Finding(kind, f"Photoshop data in {where}", at + at_size + 4, size)
        here = at_size + 4 + size + size % 2
