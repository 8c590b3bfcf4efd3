"""File signatures: whether a file is a picture, by its name or its first bytes."""

from __future__ import annotations

from pathlib import Path

_NAMED_PICTURES = (
    "3fr apng arw avif bmp cr2 cr3 dcr dib dng erf gif heic heif ico iiq j2k jfif jp2 jpe jpeg jpf "
    "jpg jpx jxl mef mrw nef nrw orf pbm pef pgm png pnm ppm psd raf rw2 rwl sr2 srw svg tga tif "
    "tiff webp x3f"
)
PICTURE_SUFFIXES = frozenset("." + ending for ending in _NAMED_PICTURES.split())
"""Files so named are pictures to their owner, whether or not Lethe can read them."""

_SIGNATURES = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"\x00\x00\x00\x0cjP",
    b"\xff\x4f\xff\x51",
    b"\xff\x0a",
    b"8BPS",
)
_HEAD_BYTES = 512
_PICTURE_BRANDS = (b"he", b"mi", b"msf", b"avif", b"avis", b"crx", b"jp2", b"jpx", b"jxl")
_VIDEO_BRANDS = (b"qt  ", b"iso", b"mp4", b"M4", b"avc", b"3g", b"f4", b"dash", b"MSNV", b"XAVC")


def is_picture(path: Path) -> bool:
    """True for a file that is a picture by its name or its first bytes, or that cannot be read."""
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return True  # nobody can tell, so it is quarantined rather than left alone
    if head[4:8] == b"ftyp":
        return not _is_video(head)
    return head.startswith(_SIGNATURES) or head[8:12] == b"WEBP"


def _is_video(head: bytes) -> bool:
    """True for a film by its brands (ISO/IEC 14496-12, section 4.3), such as a phone's clip.

    Pictures of the same family, HEIC and AVIF, name a brand of theirs; what names neither is taken
    for a picture, so that none is left alone.
    """
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    is_picture = any(brand.startswith(_PICTURE_BRANDS) for brand in brands)
    return not is_picture and any(brand.startswith(_VIDEO_BRANDS) for brand in brands)
