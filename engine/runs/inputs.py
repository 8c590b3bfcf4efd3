"""Which files of an input are pictures, and what they are called."""

from __future__ import annotations

import errno
import glob
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UnusableFolder

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
_GONE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENOTDIR})
"""What following a link to nothing, or in a circle, says."""
_SYSTEM = frozenset({Path("/proc"), Path("/sys")})
"""What lies there is made up when it is read, and some of it never ends."""
_CLOSED = "This folder could not be opened; what is in it was not seen."
_DANGLING = "This is a link that leads to no file, so there is no picture."
_NO_FILE = "This is no plain file but a pipe, a socket or a device, so it was not opened."


_HEAD_BYTES = 512
_PICTURE_BRANDS = (b"he", b"mi", b"msf", b"avif", b"avis", b"crx", b"jp2", b"jpx", b"jxl")
_VIDEO_BRANDS = (b"qt  ", b"iso", b"mp4", b"M4", b"avc", b"3g", b"f4", b"dash", b"MSNV", b"XAVC")


@dataclass(frozen=True, slots=True)
class Source:
    """One input picture."""

    name: str
    """Path relative to the input, with forward slashes; undecodable bytes as backslash escapes."""
    path: Path
    problem: str = ""
    """Why it cannot be opened, as a sentence. Such a path is not to be read: a pipe would keep its
    reader waiting for ever."""


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
        The pictures, sorted by name, and the number of what was left alone: files that are no
        pictures, links to folders, and what is hidden; a folder counts once. What cannot be opened
        and may be a picture, or hold some, stands among the pictures with its problem.

    Raises:
        UnusableFolder: there is nothing there.
    """
    root, paths, left_alone = _paths(where, hidden=hidden)
    if leave_out is not None:
        away = _real(leave_out)
        paths = [path for path in paths if away not in (_real(path), *_real(path).parents)]
    # a single file that was named is meant, whatever it looks like
    is_named = paths == [Path(where)]
    found = [one for path in paths if (one := _source(path, root, is_named=is_named))]
    left_alone += len(paths) - len(found)
    return sorted(found, key=lambda source: source.name), left_alone


def _source(path: Path, root: Path, *, is_named: bool) -> Source | None:
    """None for what is no picture."""
    is_surely = is_named or path.suffix.lower() in PICTURE_SUFFIXES
    name = _name(path.relative_to(root))
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno not in _GONE:
            return Source(name, path, f"The file could not be reached ({error.strerror}).")
        return Source(name, path, _DANGLING) if is_surely else None
    if stat.S_ISDIR(mode):
        return Source(name, path, _CLOSED)
    if not stat.S_ISREG(mode):
        return Source(name, path, _NO_FILE) if is_surely else None
    return Source(name, path) if is_surely or is_picture(path) else None


def _paths(where: str, *, hidden: bool) -> tuple[Path, list[Path], int]:
    """Root, files with folders that could not be opened, and the number of what was left alone."""
    path = Path(where)
    is_there = os.path.lexists(path)
    if _SYSTEM & {_real(path), *_real(path).parents}:
        raise UnusableFolder(f"{where} belongs to the system and holds no pictures.")
    if os.path.isdir(path):  # noqa: PTH112 -- says no where Path.is_dir would raise
        return path, *_walked(path, hidden=hidden)
    if is_there:
        return path.parent, [path], 0
    if not glob.has_magic(where):
        raise UnusableFolder(f"There is no file or folder {where}.")
    matches = [Path(match) for match in glob.glob(where, recursive=True)]  # noqa: PTH207
    root = _fixed_part(path)
    visible = [one for one in matches if not _is_left_alone(one.relative_to(root), hidden)]
    # a pattern follows links to folders, in circles too: each file counts once
    files = {
        _real(match) if os.path.exists(match) else match: match  # noqa: PTH110
        for match in sorted(visible, reverse=True)
        if not os.path.isdir(match)  # noqa: PTH112
    }
    if not files:
        raise UnusableFolder(f"No file matches {where}.")
    return root, list(files.values()), len(matches) - len(visible)


def _walked(root: Path, *, hidden: bool) -> tuple[list[Path], int]:
    found: list[Path] = []
    left_alone = 0

    def closed(error: OSError) -> None:
        found.append(Path(error.filename))

    for folder, names, files in os.walk(root, onerror=closed):
        here = Path(folder)
        kept = [
            name for name in names if not _is_hidden(name, hidden) and here / name not in _SYSTEM
        ]
        shown = [name for name in files if not _is_hidden(name, hidden)]
        links = sum((here / name).is_symlink() for name in kept)
        left_alone += len(names) - len(kept) + len(files) - len(shown) + links
        names[:] = kept
        found += [here / name for name in shown]
    return found, left_alone


def _real(path: Path) -> Path:
    """The path without links; where those go in a circle, as far as they lead."""
    return Path(os.path.realpath(path))


def _fixed_part(pattern: Path) -> Path:
    """The part of a pattern before its first wildcard."""
    fixed = Path(pattern.anchor)
    for part in pattern.parts[len(fixed.parts) : -1]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed


def _is_left_alone(relative: Path, hidden: bool) -> bool:
    return any(_is_hidden(part, hidden) for part in relative.parts)


def _is_hidden(name: str, hidden: bool) -> bool:
    return name == ".git" or (name.startswith(".") and not hidden)


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
