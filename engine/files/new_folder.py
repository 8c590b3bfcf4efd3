"""New folders: whole under their name, or not there.

A folder is filled under a temporary name beside its own and renamed once all in it is on the disk.
What a kill leaves goes with the next try for the same name.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import UnusableFolder
from engine.files import atomic


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A private folder to fill, which takes its name when the block ends, and goes when it raises.

    Files in it are for the block to sync; its folders are synced here.

    Args:
        path: where nothing is, or an empty folder, which is replaced.

    Raises:
        UnusableFolder: another process is filling it.
        OSError: the disk does not take it, or something has come to lie there.
    """
    partial = atomic.temporary_name(path)
    descriptor = _claimed(partial)
    try:
        _refuse_open(partial)
        yield partial
        for folder, _, _ in os.walk(partial):
            atomic.sync_folder(Path(folder))
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(descriptor)
    atomic.sync_folder(path.parent)


def _claimed(partial: Path) -> int:
    """The temporary folder, empty, and locked as long as the descriptor is open."""
    partial.mkdir(mode=atomic.PRIVATE_FOLDER, exist_ok=True)
    descriptor = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UnusableFolder(
                f"{partial} is being written by another program; wait for it, or name another "
                "folder."
            ) from error
        for child in partial.iterdir():
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
        partial.chmod(atomic.PRIVATE_FOLDER)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_open(folder: Path) -> None:
    if folder.stat().st_mode & 0o077:
        raise UnusableFolder(
            f"The file system of {folder.parent} lets everybody read what lies on it, whatever its "
            "owner says; choose another."
        )
