"""Pictures that carry things, put together by hand where no library writes them.

Offsets inside are right, so that what a finding says about its place can be checked.
"""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import piexif
import pillow_heif
from PIL import TiffImagePlugin

from engine.metadata.finding import Finding, Kind
from engine.metadata.inspect import findings
from tests.awkward import jpeg, picture, saved, still, thumbnail, with_segment

XMP = b"http://ns.adobe.com/xap/1.0/\0"
AUX_ALPHA = "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"


def kinds(data: bytes) -> set[str]:
    """What is found, as `--allow` names it."""
    return {one.kind.value for one in findings(data)}


def only(data: bytes, kind: Kind) -> Finding:
    """The one finding of a kind."""
    (found,) = [one for one in findings(data) if one.kind is kind]
    return found


def full_exif() -> bytes:
    """EXIF with everything that tells much."""
    return piexif.dump(
        {
            "0th": {271: b"Maker", 305: b"Program", 306: b"2026:01:02 03:04:05", 315: b"Ada",
                    33432: b"Ada & sons", 0x9C9D: "Ada\0".encode("utf-16-le")},
            "Exif": {36867: b"2026:01:02 03:04:05", 37500: b"MAKER" * 4, 37510: b"ASCII\0\0\0hello",
                     0xA430: b"Ada", 0xA431: b"1234567", 0xA435: b"765", 0xA420: b"a" * 32},
            "GPS": {1: b"N", 2: ((52, 1), (31, 1), (0, 1))},
            "1st": {0x0103: 6},
            "thumbnail": thumbnail(),
        }
    )  # fmt: skip


def with_xmp(words: bytes) -> bytes:
    """A JPEG whose XMP packet holds these words."""
    return with_segment(jpeg(), 0xE1, XMP + b"<x:xmpmeta>" + words + b"</x:xmpmeta>")


def resource(number: int, body: bytes) -> bytes:
    """A Photoshop image resource."""
    padded = body + b"\0" * (len(body) % 2)
    return b"8BIM" + struct.pack(">HHI", number, 0, len(body)) + padded


def with_fill(data: bytes, count: int) -> bytes:
    """A JPEG with fill bytes before its first segment."""
    return data[:2] + b"\xff" * count + data[2:]


def tiff(**tags: object) -> bytes:
    """`picture()` as an uncompressed TIFF; `t65000=b"…"` adds a tag."""
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in tags.items():
        number = int(name[1:])
        info.tagtype[number] = 7 if isinstance(value, bytes) else 2
        info[number] = value
    return saved(still(), "TIFF", tiffinfo=info)


def deep_alpha(*, hides: bool) -> bytes:
    """A 16-bit RGBA PNG, half of it transparent."""
    rgba = np.full((64, 96, 4), 65_535, np.uint16)
    rgba[:, 48:, :3] = picture()[:, 48:].astype(np.uint16) * 257 if hides else 0
    rgba[:, 48:, 3] = 100 if hides else 0  # alpha that no screen of 8 bits shows
    return cv2.imencode(".png", rgba)[1].tobytes()


def palette_with_alpha(*, hides: bool) -> bytes:
    """A palette PNG in which several colours are transparent; used ones when `hides`."""
    image = still("P")
    indices = np.asarray(image)
    used = np.unique(indices)
    seen = bytes(0 if hides and index in used[:4] else 255 for index in range(256))
    return saved(image, "PNG", transparency=seen)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """`picture()` as a lossless WebP with further chunks behind its pixels."""
    plain = saved(still(), "WEBP", lossless=True)
    extra = b"".join(
        name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        for name, body in chunks
    )
    return plain[:4] + struct.pack("<I", len(plain) - 8 + len(extra)) + plain[8:] + extra


def gif_with(block: bytes) -> bytes:
    """`picture()` as a GIF with a block before its trailer."""
    plain = saved(still(), "GIF")
    return plain[:-1] + block + plain[-1:]


def box(name: bytes, body: bytes) -> bytes:
    """An ISO box."""
    return struct.pack(">I", len(body) + 8) + name + body


def heic(mode: str = "RGB", **options: object) -> bytes:
    """`picture()` as a HEIC."""
    stream = io.BytesIO()
    pillow_heif.from_pillow(still(mode)).save(stream, quality=90, **options)
    return stream.getvalue()


def heic_with_aux(urn: bytes) -> bytes:
    """A HEIC whose alpha picture claims, in as many letters, to be something else."""
    data = heic("RGBA")
    name = next(one for one in (AUX_ALPHA.encode(), b"urn:mpeg:hevc:2015:auxid:1") if one in data)
    return data.replace(name, urn.ljust(len(name), b" ")[: len(name)])


def mpf() -> bytes:
    """A JPEG with a multi-picture index and a second picture behind it."""
    return with_segment(jpeg(), 0xE2, b"MPF\0II*\0") + thumbnail()


def motion_photo() -> bytes:
    """A JPEG with a video behind it, as phones write."""
    return jpeg() + box(b"ftyp", b"mp42" + b"\0" * 8) + box(b"mdat", b"\1" * 64)


def tiff_of_parts(tag: int, places: list[tuple[int, int]], content: bytes) -> bytes:
    """A TIFF whose sub-IFDs hold one tag each, at start and size in bytes within `content`."""
    at_content = 8
    at_ends = at_content + len(content)
    first = [(256, 4, 1, 1), (257, 4, 1, 1), (273, 4, 1, 8), (279, 4, 1, 1),
             (330, 4, len(places), at_ends)]  # fmt: skip
    at_parts = at_ends + 4 * len(places) + 1
    parts = [[(tag, 7, size, at_content + start)] for start, size in places]
    size_of_part = 2 + 12 + 4
    at_first = at_parts + size_of_part * len(parts)
    starts = [at_parts + size_of_part * index for index in range(len(parts))]
    return b"".join(
        [b"II*\0", struct.pack("<I", at_first), content]
        + [struct.pack("<I", start) for start in starts]
        + [b"\0", *map(_directory, parts), _directory(first)]
    )


def _directory(entries: list[tuple[int, int, int, int]]) -> bytes:
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + packed + struct.pack("<I", 0)


def heif_in_pieces(kind: bytes, pieces: int) -> bytes:
    """A HEIC with an item of metadata in so many pieces, all of the same bytes."""
    entry = box(b"infe", struct.pack(">IHH", 2 << 24, 1, 0) + kind + b"\0")
    kinds_of_items = box(b"iinf", struct.pack(">IH", 0, 1) + entry)
    extents = struct.pack(">II", 0, 800) * pieces
    places = struct.pack(">IHHHHH", 0, 0x4400, 1, 1, 0, pieces) + extents
    meta = box(b"meta", b"\0" * 4 + kinds_of_items + box(b"iloc", places))
    return box(b"ftyp", b"heic" + b"\0" * 4 + b"mif1") + meta + box(b"mdat", b"\0" * 800)
