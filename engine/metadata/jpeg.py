"""What a JPEG carries: its segments, and what follows its end marker (ITU-T T.81, annex B)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.codec import jpeg, signatures
from engine.metadata.finding import Finding, Kind, bounded, no_picture, safe_name
from engine.metadata.jpeg_tables import MARKERS, Tables
from engine.metadata.packets import in_photoshop, in_xmp
from engine.metadata.tiff_tags import in_exif

_APPLICATIONS: Final = (
    (b"ICC_PROFILE\0", Kind.ICC, ""),
    (b"MPF\0", Kind.PICTURES, "a list of further pictures in this file"),
    (b"urn:iso:std:iso:ts:21496:-1", Kind.GAIN, ""),
    (b"FPXR\0", Kind.APPLICATION, "FlashPix data"),
    (b"JP", Kind.CREDENTIALS, ""),
)
_NAMES: Final = (
    b"JFIF", b"JFXX", b"HEAPJPGM", b"HEAPCCDR", b"AVI1", b"Ocad", b"QVCI", b"FLIR", b"PARROT",
    b"META", b"Meta", b"Stim", b"_JPSJPS_", b"SCALADO", b"Qualcomm", b"RMETA", b"ssuniqueid",
    b"SEFT", b"EPPIM", b"NITF", b"TDHD", b"GoPro", b"PENTAX", b"HUAWEI", b"SPIFF", b"UNICODE",
    b"AROT", b"HDR_RI", b"Ducky", b"[picture info]", b"Adobe_CM", b"Adobe",
)  # fmt: skip
"""How application segments of known programs begin (ExifTool's table of JPEG tags)."""
_JFIF_BYTES: Final = 14
_ADOBE_BYTES: Final = 12
_PHOTOSHOP: Final = b"Photoshop 3.0\0"


def in_jpeg(data: bytes) -> Iterator[Finding]:
    """Everything beside the tables and the coded picture.

    Raises:
        UnreadableImage: where it is damaged, after what came before.
    """
    previous = end = 0
    has_scan = False
    tables = Tables()
    for segment in bounded(jpeg.segments(data)):
        end = segment.end
        has_scan |= segment.marker == jpeg.SOS
        fill = segment.body_end - segment.start - len(segment.body) - 4
        if segment.marker not in (jpeg.SOI, jpeg.EOI) and fill > 0:
            yield Finding(Kind.UNUSED, "fill bytes", previous, fill, "a number: how many there are")
        yield from _in_segment(segment, tables)
        previous = end
    yield from tables.unused()
    if end < len(data):
        yield from _after(data, end)
    if not has_scan:
        raise no_picture("JPEG")


def _in_segment(segment: jpeg.Segment, tables: Tables) -> Iterator[Finding]:
    marker, at, size = segment.marker, segment.start, segment.body_end - segment.start
    if marker == jpeg.COM:
        yield Finding(Kind.COMMENT, "COM", at, size)
    elif marker == jpeg.APP0:
        yield from _in_app0(segment)
    elif jpeg.APP0 < marker <= jpeg.APP0 + 15:
        yield from _in_application(segment)
    elif marker in MARKERS:
        yield from tables.read(segment)
    elif marker not in (jpeg.SOI, jpeg.EOI):
        yield Finding(Kind.UNKNOWN, f"segment FF{marker:02X}", at, size)


def _in_app0(segment: jpeg.Segment) -> Iterator[Finding]:
    body, at, size = segment.body, segment.start, segment.body_end - segment.start
    if body[:5] == b"JFXX\0":
        yield Finding(Kind.THUMBNAIL, "APP0 (JFXX)", at, size)
    elif body[:5] == b"JFIF\0" and len(body) >= _JFIF_BYTES:
        thumbnail = 3 * body[12] * body[13]
        if thumbnail:
            yield Finding(Kind.THUMBNAIL, "APP0 (JFIF)", at, thumbnail)
        extra = len(body) - _JFIF_BYTES - thumbnail
        if extra > 0:
            yield Finding(Kind.UNUSED, "APP0 (JFIF)", segment.body_end - extra, extra)
    else:
        yield Finding(Kind.APPLICATION, f"APP0 ({_name(body)})", at, size)


def _in_application(segment: jpeg.Segment) -> Iterator[Finding]:
    body, where = segment.body, f"APP{segment.marker - jpeg.APP0}"
    at, size = segment.start, segment.body_end - segment.start
    at_body = segment.body_end - len(body)
    if body.startswith(b"Exif\0"):
        yield from in_exif(body, at_body, where)
    elif body.startswith(b"http://ns.adobe.com/"):
        yield from in_xmp(body, at_body, where)
    elif body.startswith(_PHOTOSHOP):
        skipped = len(_PHOTOSHOP)
        yield from in_photoshop(body[skipped:], at_body + skipped, where)
    elif body.startswith(b"Adobe") and len(body) == _ADOBE_BYTES and where == "APP14":
        yield Finding(Kind.ADOBE, where, at, size)
    else:
        for prefix, kind, note in _APPLICATIONS:
            if body.startswith(prefix):
                yield Finding(kind, where, at, size, note)
                return
        yield Finding(Kind.APPLICATION, f"{where} ({_name(body)})", at, size)


def _name(body: bytes) -> str:
    """What a segment calls itself; never what it holds."""
    name = next((prefix for prefix in _NAMES if body.startswith(prefix)), b"")
    return safe_name(name, _NAMES).strip()


def _after(data: bytes, end: int) -> Iterator[Finding]:
    """What lies behind the end marker: pictures, a phone's video, or anything."""
    size = len(data) - end
    box = data.find(signatures.FTYP, end)
    first = data.find(signatures.JPEG, end)
    if first >= 0:
        yield Finding(Kind.PICTURES, "after the end marker", first, len(data) - first)
    if box >= 0 and (first < 0 or data.rfind(b"\xff\xd9", first, box) >= 0):
        yield Finding(Kind.VIDEO, "after the end marker", max(box - 4, end), len(data) - box + 4)
    starts = [at for at in (first, box - 4) if at >= end]
    if not starts or min(starts) > end:
        loose = (min(starts) if starts else len(data)) - end
        yield Finding(Kind.TRAILING, "after the end marker", end, loose if starts else size)
