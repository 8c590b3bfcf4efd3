"""Files that their owner alone can read, written whole or not at all, and seen on the disk."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine.errors import UnusableFolder

FILE, FOLDER = 0o600, 0o700


def write(path: Path, data: bytes) -> None:
    """Write a whole file, or leave what was there."""
    unfinished = path.with_name(path.name + ".tmp")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def append(path: Path, text: str) -> None:
    """Add to a file; what a kill leaves of it is cut by `cut_torn_line`."""

    def private(name: str, flags: int) -> int:
        return os.open(name, flags, FILE)

    with open(path, "a", encoding="utf-8", newline="", opener=private) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def cut_torn_line(path: Path) -> None:
    """Drop what follows the last newline: a line that a kill cut short was never finished."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with path.open("r+b") as file:
            file.truncate(whole)


def locked(path: Path, *, wait: bool = False) -> int:
    """A lock that lasts until the descriptor given back is closed, or the process ends.

    Args:
        path: of the lock's file, made when it is not there.
        wait: for whoever has it, instead of raising.

    Raises:
        UnusableFolder: another process has it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise UnusableFolder(
            f"Another Lethe run is writing to {path.parents[1]}; wait for it or choose another."
        ) from error
    return descriptor
