"""Which files of an input are pictures, and what they are called."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UnusableFolder

_NAMED_PICTURES = (
    "apng arw avif bmp cr2 dib dng gif heic heif ico j2k jfif jp2 jpe jpeg jpf jpg jpx jxl "
    "nef pbm pgm png pnm ppm psd svg tga tif tiff webp"
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


@dataclass(frozen=True, slots=True)
class Source:
    """One input picture."""

    name: str
    """Path relative to the input, with forward slashes; undecodable bytes as backslash escapes."""
    path: Path


def sources(
    where: str, *, leave_out: Path | None = None, hidden: bool = False
) -> tuple[list[Source], int]:
    """Find the pictures of a file, folder (recursive) or glob pattern.

    A file counts as a picture by its name or by its first bytes, so that a picture without an
    ending is found and a broken one is not lost.

    Args:
        where: path or pattern.
        leave_out: a folder inside it that is not input, such as the output folder.
        hidden: whether files and folders whose name starts with a dot count, `.git` apart.

    Returns:
        The pictures, sorted by name, and the number of files and linked folders left alone. A
        folder that cannot be opened stands among the pictures, so that it is not passed over.

    Raises:
        UnusableFolder: there is nothing there.
    """
    root, files, links = _files(where)
    if leave_out is not None:
        away = leave_out.resolve()
        files = [path for path in files if away not in (path.resolve(), *path.resolve().parents)]
    visible = [path for path in files if not _is_left_alone(path.relative_to(root), hidden)]
    # a single file that was named is meant, whatever it looks like
    is_named = Path(where).is_file()
    pictures = [path for path in visible if is_named or path.is_dir() or is_picture(path)]
    found = [Source(_name(path.relative_to(root)), path) for path in pictures]
    left_alone = len(visible) - len(pictures) + links
    return sorted(found, key=lambda source: source.name), left_alone


def _files(where: str) -> tuple[Path, list[Path], int]:
    """Root, files with folders that could not be opened, and the number of linked folders."""
    path = Path(where)
    if path.is_dir():
        return path, *_walked(path)
    if path.is_file():
        return path.parent, [path], 0
    if not glob.has_magic(where):
        raise UnusableFolder(f"There is no file or folder {where}.")
    matches = [Path(match) for match in glob.glob(where, recursive=True)]  # noqa: PTH207
    # a pattern follows links to folders, in circles too: each file counts once
    files = {match.resolve(): match for match in sorted(matches, reverse=True) if match.is_file()}
    if not files:
        raise UnusableFolder(f"No file matches {where}.")
    return _fixed_part(path), list(files.values()), 0


def _walked(root: Path) -> tuple[list[Path], int]:
    found: list[Path] = []
    links = 0

    def closed(error: OSError) -> None:
        found.append(Path(error.filename))

    for folder, names, files in os.walk(root, onerror=closed):
        links += sum((Path(folder) / name).is_symlink() for name in names)
        found += [path for name in files if (path := Path(folder) / name).is_file()]
    return found, links


def _fixed_part(pattern: Path) -> Path:
    """The part of a pattern before its first wildcard."""
    fixed = Path(pattern.anchor)
    for part in pattern.parts[len(fixed.parts) : -1]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed


def _is_left_alone(relative: Path, hidden: bool) -> bool:
    return any(part == ".git" or (part.startswith(".") and not hidden) for part in relative.parts)


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


def _name(relative: Path) -> str:
    raw = relative.as_posix().encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")
