"""TIFF and EXIF tags: a directory in, findings of identifying tags out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.codec.exif import PREFIX
from engine.codec.tiff import Block, Directory
from engine.errors import UnreadableImage
from engine.metadata.finding import Finding, Kind

_TIMES: Final = frozenset({306, 36867, 36868, 36880, 36881, 36882, 37520, 37521, 37522})
_CAMERA: Final = frozenset({271, 272, 0xA433, 0xA434})
_SOFTWARE: Final = frozenset({11, 305, 316})
NAMED_APART: Final = {
    315: (Kind.OWNER, "the artist's name"),
    33432: (Kind.OWNER, "the copyright holder's name"),
    0x9C9D: (Kind.OWNER, "the author's name"),
    0xA430: (Kind.OWNER, "the camera owner's name"),
    0xA420: (Kind.SERIAL, "a number that only this picture has"),
    0xA431: (Kind.SERIAL, "the camera's serial number"),
    0xA435: (Kind.SERIAL, "the lens's serial number"),
    0xC62F: (Kind.SERIAL, "the camera's serial number"),
    37500: (Kind.MAKER_NOTE, ""),
    270: (Kind.TEXT, "a description"),
    37510: (Kind.COMMENT, "the user's comment"),
    0x9C9B: (Kind.TEXT, "a title"),
    0x9C9C: (Kind.COMMENT, "a comment"),
    0x9C9E: (Kind.TEXT, "keywords"),
    0x9C9F: (Kind.TEXT, "a subject"),
}
"""Tags that tell more than how a picture was made."""


def in_exif(block: bytes, at: int, where: str) -> Iterator[Finding]:
    """What an EXIF block carries.

    Args:
        block: with or without the `Exif` prefix of JPEG.
        at: offset of `block` in the file.
        where: what holds it.
    """
    bare = block.removeprefix(PREFIX)
    start = at + len(block) - len(bare)
    directories: list[Directory] = []
    damage = ""
    try:
        directories.extend(Block(bare).directories())  # of a damaged block, what came before stays
    except UnreadableImage as error:
        damage = str(error)
    tags = {
        tag for directory in directories if directory.name != "GPS" for tag in directory.entries
    }
    yield Finding(Kind.EXIF, where, at, len(block), _about_making(tags))
    for directory in directories:
        yield from in_directory(directory, start, f"EXIF in {where}")
    if damage:
        yield Finding(Kind.UNCHECKED, where, at, len(block), f"EXIF that is damaged. {damage}")


def in_directory(directory: Directory, at: int, where: str) -> Iterator[Finding]:
    """Position, thumbnail, and the tags that tell more than how a picture was made."""
    size = directory.end - directory.start
    if directory.name == "GPS":
        yield Finding(Kind.GPS, where, at + directory.start, size)
        return
    if directory.name == "IFD 1" and 513 in directory.entries:
        yield Finding(Kind.THUMBNAIL, where, at + directory.start, size)
    for tag, (kind, note) in NAMED_APART.items():
        entry = directory.entries.get(tag)
        if entry is not None and entry.size:
            yield Finding(kind, f"tag {tag} of {where}", at + entry.offset, entry.size, note)


def _about_making(tags: set[int]) -> str:
    parts = [
        words
        for words, wanted in (
            ("which camera and lens", _CAMERA),
            ("when", _TIMES),
            ("with which programs", _SOFTWARE),
        )
        if tags & wanted
    ]
    return "how the picture was made: " + ", ".join(parts) if parts else "how the picture was made"
