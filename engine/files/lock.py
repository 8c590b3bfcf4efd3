"""Locks between processes, as long as a descriptor is open."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine.errors import UnusableFolder
from engine.files.atomic import PRIVATE_FILE


def lock(path: Path, *, wait: bool = False) -> int:
    """Lock a file until the descriptor that is returned is closed, or the process ends.

    Args:
        path: of the lock's file, made when it is not there.
        wait: for whoever has it, instead of raising.

    Raises:
        UnusableFolder: another process has it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise UnusableFolder(
            f"Another Lethe run is writing to {path.parents[1]}; wait for it or choose another."
        ) from error
    return descriptor
