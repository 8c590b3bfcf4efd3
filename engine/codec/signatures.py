"""The one table of file signatures (magic bytes), and whether a file is a picture by them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SOI: Final = b"\xff\xd8"
JPEG: Final = SOI + b"\xff"
PNG: Final = b"\x89PNG\r\n\x1a\n"
GIF: Final = b"GIF8"
BMP: Final = b"BM"
TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
JP2: Final = b"\0\0\0\x0cjP  "
JP2_CODESTREAM: Final = b"\xff\x4f\xff\x51"
WEBP, WEBP_AT = b"WEBP", 8
FTYP, FTYP_AT = b"ftyp", 4
_JPEG_XL, _PHOTOSHOP = b"\xff\x0a", b"8BPS"

_NAMED_PICTURES = (
    "3fr apng arw avif bmp cr2 cr3 dcr dib dng erf gif heic heif ico iiq j2k jfif jp2 jpe jpeg jpf "
    "jpg jpx jxl mef mrw nef nrw orf pbm pef pgm png pnm ppm psd raf rw2 rwl sr2 srw svg tga tif "
    "tiff webp x3f"
)
PICTURE_SUFFIXES = frozenset("." + ending for ending in _NAMED_PICTURES.split())
"""Files so named are pictures to their owner, whether or not Lethe can read them."""

_PICTURES = (JPEG, PNG[:4], GIF, BMP, *TIFF, JP2[:6], JP2_CODESTREAM, _JPEG_XL, _PHOTOSHOP)
HEAD_BYTES: Final = 512
"""So many of the first bytes of a file tell what it is."""
_PICTURE_BRANDS = (b"he", b"mi", b"msf", b"avif", b"avis", b"crx", b"jp2", b"jpx", b"jxl")
_VIDEO_BRANDS = (b"qt  ", b"iso", b"mp4", b"M4", b"avc", b"3g", b"f4", b"dash", b"MSNV", b"XAVC")


def is_picture(path: Path) -> bool:
    """True for a file that is a picture by its name or its first bytes, or that cannot be read."""
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return is_picture_head(file.read(HEAD_BYTES))
    except OSError:
        return True  # nobody can tell, so it is quarantined rather than left alone


def is_picture_head(head: bytes) -> bool:
    """True for the first `HEAD_BYTES` of a picture; a shorter file is given whole."""
    if head.startswith(FTYP, FTYP_AT):
        return not _is_video(head)
    return head.startswith(_PICTURES) or head.startswith(WEBP, WEBP_AT)


def _is_video(head: bytes) -> bool:
    """True for a film by its brands (ISO/IEC 14496-12, section 4.3), such as a phone's clip.

    Pictures of the same family, HEIC and AVIF, name a brand of theirs; what names neither is taken
    for a picture, so that none is left alone.
    """
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    is_picture = any(brand.startswith(_PICTURE_BRANDS) for brand in brands)
    return not is_picture and any(brand.startswith(_VIDEO_BRANDS) for brand in brands)
