"""What an incoming file carries besides its pixels, named for a person.

This is information for the upload page, not a safeguard: nothing of it is copied into a release,
known or not. So it reads what it can of broken files and never fails.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Final

import numpy as np
from PIL import PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from engine import exif, jpeg, png
from engine.damage import DAMAGE
from engine.errors import UnreadableImage

LARGEST_ALPHA_LOOK_PX: Final = 50_000_000
"""Above this, pixels under alpha are not looked at: decoding would take too much memory."""

_EXIF, _GPS, _XMP, _IPTC, _ICC = "EXIF", "GPS position", "XMP", "IPTC", "ICC profile"
_COMMENT, _THUMBNAIL, _TEXT, _TRAILING = "comment", "thumbnail", "text", "trailing bytes"
_PICTURES, _ANIMATION, _HIDDEN = "further pictures", "animation", "hidden pixels under alpha"
_TIME = "time stamp"

_PNG_NAMES: Final = {
    b"iCCP": _ICC, b"eXIf": _EXIF, b"tIME": _TIME, b"acTL": _ANIMATION,
}  # fmt: skip
_APPLICATIONS: Final = {
    b"Exif\0\0": _EXIF, b"http://ns.adobe.com/": _XMP, b"Photoshop 3.0\0": "Photoshop data",
    b"ICC_PROFILE\0": _ICC, b"MPF\0": _PICTURES, b"Adobe": "Adobe colour mark",
}  # fmt: skip
"""How the application segments of a JPEG begin."""
_WEBP_NAMES: Final = {b"EXIF": _EXIF, b"XMP ": _XMP, b"ICCP": _ICC, b"ANIM": _ANIMATION}
_TIFF_NAMES: Final = {700: _XMP, 33723: _IPTC, 34377: "Photoshop data", 34675: _ICC, 34665: _EXIF}
_TIFF_TEXTS: Final = frozenset({269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, 50341})
_BOXED: Final = {b"Exif\0\0": _EXIF, b"application/rdf+xml": _XMP, b"colrprof": _ICC,
                 b"colrrICC": _ICC, b"thmb": _THUMBNAIL, b"auxC": "depth or gain map"}  # fmt: skip
_PHOTOSHOP_IPTC: Final = b"8BIM\x04\x04"


def metadata_found(data: bytes) -> tuple[str, ...]:
    """Plain names of what `data` carries besides pixels, each once, in the order found.

    Of a broken file, what could be seen before it broke; empty when nothing was.
    """
    return tuple(dict.fromkeys(_found(data)))


def _found(data: bytes) -> Iterator[str]:
    try:
        if data.startswith(b"\xff\xd8"):
            yield from _in_jpeg(data)
        elif data.startswith(png.SIGNATURE):
            yield from _in_png(data)
        elif data[:4] in (b"II*\0", b"MM\0*"):
            yield from _in_tiff(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            yield from _in_webp(data)
        elif data[:4] == b"GIF8":
            yield from _in_gif(data)
        elif data[4:8] == b"ftyp":
            yield from (name for mark, name in _BOXED.items() if mark in data)
            yield from _in_exif(data[data.find(b"Exif\0\0") :] if b"Exif\0\0" in data else b"")
    except UnreadableImage:
        # Cut short or damaged: the decoder says so; here the names seen so far are enough.
        return


def _in_jpeg(data: bytes) -> Iterator[str]:
    end = len(data)
    for segment in jpeg.segments(data):
        end = segment.end
        yield from _in_segment(segment)
    if end < len(data):
        yield _PICTURES if b"\xff\xd8\xff" in data[end:] else _TRAILING


def _in_segment(segment: jpeg.Segment) -> Iterator[str]:
    marker, body = segment.marker, segment.body
    if marker == jpeg.COM:
        yield _COMMENT
    elif marker == jpeg.APP0 and (body[:5] == b"JFXX\0" or body[12:14] not in (b"", b"\0\0")):
        yield _THUMBNAIL
    elif jpeg.APP0 < marker <= jpeg.APP0 + 15:
        known = [name for prefix, name in _APPLICATIONS.items() if body.startswith(prefix)]
        yield known[0] if known else f"application data (APP{marker - jpeg.APP0})"
        if _PHOTOSHOP_IPTC in body:
            yield _IPTC
        yield from _in_exif(body if known == [_EXIF] else b"")


def _in_exif(block: bytes) -> Iterator[str]:
    first, second = exif.directories(block)
    if exif.GPS in first:
        yield _GPS
    if second:
        yield _THUMBNAIL


def _in_png(data: bytes) -> Iterator[str]:
    for chunk in png.chunks(data):
        if chunk.name in _PNG_NAMES:
            yield _PNG_NAMES[chunk.name]
        if chunk.name == b"eXIf":
            yield from _in_exif(chunk.body)
        if chunk.name in (b"tEXt", b"zTXt", b"iTXt"):
            keyword = chunk.body.partition(b"\0")[0]
            yield {b"XML:com.adobe.xmp": _XMP, b"Comment": _COMMENT}.get(keyword, _TEXT)
        if chunk.name == b"IEND":
            if chunk.end < len(data):
                yield _TRAILING
            yield from _under_alpha(data[: chunk.end])


def _in_tiff(data: bytes) -> Iterator[str]:
    first, second = exif.directories(data)
    yield from (name for tag, name in _TIFF_NAMES.items() if tag in first)
    if exif.GPS in first:
        yield _GPS
    if first.keys() & _TIFF_TEXTS:
        yield _TEXT
    if second:
        yield _PICTURES
    yield from _under_alpha(data)


def _in_webp(data: bytes) -> Iterator[str]:
    end = 8 + int.from_bytes(data[4:8], "little")
    at = 12
    while at + 8 <= min(end, len(data)):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name in _WEBP_NAMES:
            yield _WEBP_NAMES[name]
        if name == b"EXIF":
            yield from _in_exif(data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    if end + end % 2 < len(data):
        yield _TRAILING
    yield from _under_alpha(data)


def _in_gif(data: bytes) -> Iterator[str]:
    if b"\x21\xfe" in data:
        yield _COMMENT
    if b"XMP DataXMP" in data:
        yield _XMP
    if len(re.findall(rb"\x21\xf9\x04.{4}\x00", data, re.DOTALL)) > 1:
        yield _ANIMATION


def _under_alpha(data: bytes) -> Iterator[str]:
    """Say so when fully transparent pixels of more than one colour are stored."""
    plugin = {b"\x89P": PngImagePlugin.PngImageFile, b"RI": WebPImagePlugin.WebPImageFile}.get(
        data[:2], TiffImagePlugin.TiffImageFile
    )
    try:
        image = plugin(io.BytesIO(data))
        if image.mode not in ("LA", "RGBA") or image.width * image.height > LARGEST_ALPHA_LOOK_PX:
            return
        pixels = np.asarray(image)
    except DAMAGE:
        return
    hidden = pixels[pixels[..., -1] == 0][:, :-1]
    if hidden.size and np.any(hidden != hidden[0]):
        yield _HIDDEN
