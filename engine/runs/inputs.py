"""Find the pictures of an input: a file, a folder or a glob pattern."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.codec.signatures import PICTURE_SUFFIXES, is_picture
from engine.errors import UnusableFolder
from engine.files.real_path import real
from engine.runs.sources import PathSource, PictureSource

RUN: Final = ".lethe/run.json"
"""What marks the output folder of a run."""
RELEASED: Final = "released"
"""Where its releases are."""
_GONE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENOTDIR})
"""What following a link to nothing, or in a circle, says."""
_SYSTEM = frozenset({Path("/proc"), Path("/sys")})
"""What lies there is made up when it is read, and some of it never ends."""
_CLOSED = "This folder could not be opened; what is in it was not seen."
_DANGLING = "This is a link that leads to no file, so there is no picture."
_NO_FILE = "This is no plain file but a pipe, a socket or a device, so it was not opened."


@dataclass(frozen=True, slots=True)
class Source:
    """One input picture."""

    name: str
    """Path relative to the input, with forward slashes; undecodable bytes as backslash escapes."""
    path: Path
    problem: str = ""
    """Why it cannot be opened, as a sentence. Such a path is not to be read: a pipe would keep its
    reader waiting for ever."""

    @property
    def content(self) -> PictureSource:
        """Where its bytes are read from, in whatever process."""
        return PathSource(self.path.absolute())


def sources(
    where: str,
    *,
    leave_out: Path | None = None,
    but_outputs: bool = False,
    hidden: bool = False,
) -> tuple[list[Source], int]:
    """Find the pictures of a file, folder (recursive) or glob pattern.

    A file counts as a picture by its name or by its first bytes, so that a picture without an
    ending is found and a broken one is not lost.

    Args:
        where: path or pattern.
        leave_out: the output folder, which is no input.
        but_outputs: whether output folders of earlier runs below `where` are no input either.
        hidden: whether files and folders whose name starts with a dot count, `.git` apart.

    Returns:
        The pictures, sorted by name, and the number of what was left alone: files that are no
        pictures, links to folders, pictures that lie beside releases in output folders, and what is
        hidden; a folder counts once. What cannot be opened
        and may be a picture, or hold some, stands among the pictures with its problem.

    Raises:
        UnusableFolder: there is nothing there, or `leave_out` is of no run yet and holds pictures.
    """
    root, paths, left_alone = _paths(where, hidden=hidden)
    if leave_out is not None or but_outputs:
        paths, inside = _without_outputs(paths, real(root), leave_out, but_outputs=but_outputs)
        lost = [path for path in inside if _source(path, root, is_named=False)]
        if leave_out is not None and not is_output(leave_out):
            out = real(leave_out)
            if any(real(path).is_relative_to(out) for path in lost):
                raise inside_output(leave_out)
        left_alone += sum(path.parent.name != RELEASED for path in lost)
    # a single file that was named is meant, whatever it looks like
    is_named = paths == [Path(where)]
    pictures = [source for path in paths if (source := _source(path, root, is_named=is_named))]
    left_alone += len(paths) - len(pictures)
    return sorted(pictures, key=lambda source: source.name), left_alone


def is_output(folder: Path) -> bool:
    """Whether a run was begun in a folder."""
    return os.path.exists(folder / RUN)  # noqa: PTH110 -- no where others may not look


def inside_output(out: Path | str) -> UnusableFolder:
    """The refusal of an output that holds pictures of the input."""
    return UnusableFolder(
        f"{out} is to be the output, and pictures of the input lie in it, where they would pass "
        "for results: choose another output."
    )


def _without_outputs(
    paths: Iterable[Path], root: Path, leave_out: Path | None, *, but_outputs: bool
) -> tuple[list[Path], list[Path]]:
    """Paths outside of output folders, and inside: of `leave_out` and of others below `root`."""
    kept, inside, known = list[Path](), list[Path](), {root: False}
    out = None if leave_out is None else real(leave_out)

    def is_inside(folder: Path) -> bool:
        if folder not in known:
            is_below = but_outputs and folder.is_relative_to(root)
            known[folder] = is_below and (is_output(folder) or is_inside(folder.parent))
        return known[folder]

    for path in paths:
        there = real(path)
        is_away = (out is not None and there.is_relative_to(out)) or is_inside(there.parent)
        (inside if is_away else kept).append(path)
    return kept, inside


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
    if _SYSTEM & {real(path), *real(path).parents}:
        raise UnusableFolder(f"{where} belongs to the system and holds no pictures.")
    if os.path.isdir(path):  # noqa: PTH112 -- says no where Path.is_dir would raise
        return path, *_walked(path, hidden=hidden)
    if is_there:
        return path.parent, [path], 0
    if not glob.has_magic(where):
        raise UnusableFolder(f"There is no file or folder {where}.")
    matches = [Path(match) for match in glob.glob(where, recursive=True)]  # noqa: PTH207
    root = _fixed_part(path)
    visible = [path for path in matches if not _is_left_alone(path.relative_to(root), hidden)]
    # a pattern follows links to folders, in circles too: each file counts once
    files = {
        real(match) if os.path.exists(match) else match: match  # noqa: PTH110
        for match in sorted(visible, reverse=True)
        if not os.path.isdir(match)  # noqa: PTH112
    }
    if not files:
        raise UnusableFolder(f"No file matches {where}.")
    return root, list(files.values()), len(matches) - len(visible)


def _walked(root: Path, *, hidden: bool) -> tuple[list[Path], int]:
    paths: list[Path] = []
    left_alone = 0

    def closed(error: OSError) -> None:
        paths.append(Path(error.filename))

    for folder, names, files in os.walk(root, onerror=closed):
        here = Path(folder)
        folders = [
            name for name in names if not _is_hidden(name, hidden) and here / name not in _SYSTEM
        ]
        visible = [name for name in files if not _is_hidden(name, hidden)]
        links = sum((here / name).is_symlink() for name in folders)
        left_alone += len(names) - len(folders) + len(files) - len(visible) + links
        names[:] = folders
        paths += [here / name for name in visible]
    return paths, left_alone


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


def _name(relative: Path) -> str:
    raw = relative.as_posix().encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")
