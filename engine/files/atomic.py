"""Atomic writes: a path holds its old file or its new one, whole, whatever fails meanwhile.

Everything that must not be half written goes through here. A file is written under a temporary name
in the same folder, synced, and renamed; then the folder is synced, without which a rename may be
lost with the power while a database or a receipt keeps its entry. The temporary name is always the
same, so what a kill leaves goes with the next write; a path has one writer at a time.

A disk takes milliseconds for each sync, whatever it syncs, so files that come in by the thousand
are written first and synced together (`write_all`).
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias

Access: TypeAlias = Literal["private", "public", "umask"]
"""Who may read a file: its owner, everybody, or whom the user's umask lets."""

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
SUFFIX: Final = ".part"
"""Of temporary names."""
_MODES: Final[Mapping[Access, int]] = {"private": PRIVATE_FILE, "public": 0o644, "umask": 0o666}
_UNLINKABLE: Final = frozenset(
    {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}
)
"""What file systems say that cannot give a file, or these two folders, a second name."""
_FEW: Final = 4
"""Files that are synced one by one: the rest of a file system may have much to write, too."""
_UNSYNCABLE: Final = frozenset({errno.EINVAL, errno.ENOTSUP})
"""What file systems say that cannot sync a folder."""


def write(
    path: Path,
    content: bytes | Path | Iterable[bytes],
    access: Access = "private",
    *,
    day: str | None = None,
) -> None:
    """Write a whole file in place of what is at `path`, or leave that as it is.

    Args:
        path: where it goes.
        content: the bytes, at once or in pieces, or a file to copy them from.
        access: who may read it.
        day: the day in UTC, as 2026-11-23, that it is dated by, so that its time tells neither the
            time of day nor in which order files were made.

    Raises:
        OSError: the source cannot be read, or the disk does not take the file.
    """
    temporary = temporary_name(path)
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODES[access])
    try:
        with os.fdopen(descriptor, "wb") as file:
            if access == "public":
                os.fchmod(descriptor, _MODES[access])  # whatever the umask says
            _fill(file, content)
            file.flush()
            if day is not None:
                date(descriptor, day)
            os.fsync(descriptor)
        os.replace(temporary, path)  # noqa: PTH105 - one module to make fail in tests
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_all(contents: Iterable[tuple[Path, bytes | Iterable[bytes]]]) -> None:
    """Write private files, each whole or not there, and sync them together.

    What is named later in `contents` gets its name later. When it raises, some may have theirs, and
    after a kill in between some have theirs for good.

    More than a few are synced by `syncfs`, which on a disk is as good as `fsync` of each. A file
    system of a program (FUSE) is given them and not told to sync them: with the power of whatever
    is behind it, files that have their names may be lost or cut. Linux before 5.8 does not say by
    `syncfs` that a disk failed.

    Args:
        contents: paths with bytes, at once or in pieces; taken one at a time.

    Raises:
        OSError: the disk does not take one.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for path, content in contents:
            temporary = temporary_name(path)
            descriptor = _opened(temporary)
            written.append((temporary, path))
            with os.fdopen(descriptor, "wb") as file:
                _fill(file, content)
        _sync_files([temporary for temporary, _ in written])
        for temporary, path in written:
            os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)
        raise
    for folder in {path.parent for _, path in written}:
        sync_folder(folder)


def move(source: Path, target: Path) -> None:
    """Rename a file within a file system, seen on the disk when this returns."""
    os.replace(source, target)  # noqa: PTH105
    sync_folder(target.parent)
    sync_folder(source.parent)


def link(source: Path, target: Path, *, is_contested: bool = False) -> None:
    """Give a whole file a second name, or copy it where its file system knows one name a file.

    Args:
        source: the file.
        target: its second name.
        is_contested: whether others may take the name at the same time. Then one of them does,
            whatever the file system; of a copy a kill may leave a part.

    Raises:
        FileExistsError: there is something at `target` already.
        OSError: the disk does not take it.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _UNLINKABLE:
            raise
        if not is_contested:
            if target.exists():
                raise
            write(target, source)
            return
        with target.open("xb") as copy:
            _fill(copy, source)
            copy.flush()
            os.fsync(copy.fileno())
    sync_folder(target.parent)


def temporary_name(path: Path) -> Path:
    """Where a file is written until it is whole."""
    return path.with_name(f".{path.name}{SUFFIX}")


def date(file: Path | int, day: str) -> None:
    """Set the times of a file or a folder to the start of a day in UTC."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    os.utime(file, (start, start))


def sync_folder(folder: Path) -> None:
    """See a folder's entries on the disk, where its file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSYNCABLE:
            raise
    finally:
        os.close(descriptor)


def _opened(temporary: Path) -> int:
    """A new private file, in place of what a kill left."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return os.open(temporary, flags, PRIVATE_FILE)
    except FileExistsError:
        temporary.unlink()
        return os.open(temporary, flags, PRIVATE_FILE)


def _fill(file: BinaryIO, content: bytes | Path | Iterable[bytes]) -> None:
    if isinstance(content, bytes):
        file.write(content)
        return
    if not isinstance(content, Path):
        file.writelines(content)
        return
    with content.open("rb") as source:
        shutil.copyfileobj(source, file)


def _sync_files(files: Collection[Path]) -> None:
    """See files on the disk: in one go where the system can (Linux), else one by one."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None or len(files) <= _FEW:
        for file in files:
            _sync_file(file)
        return
    folders = {folder.stat().st_dev: folder for folder in {file.parent for file in files}}
    for folder in folders.values():
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            if syncfs(descriptor) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(descriptor)


def _sync_file(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
