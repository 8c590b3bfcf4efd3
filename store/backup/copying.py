"""Copies of files with their digests, a piece at a time."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from engine.files import atomic, safe_read


def copied(source: Path, target: Path) -> tuple[str, int]:
    """Copy a plain file to where nothing is, private and synced; gives its SHA-256 and length.

    Missing folders on the way are made. Its time stays, for that of a release says the day alone.

    Raises:
        UnreadableFile: the source is no plain file, or cannot be read.
        OSError: the disk does not take it, or something is there.
    """
    for folder in reversed([one for one in target.parents if not one.exists()]):
        folder.mkdir(mode=atomic.PRIVATE_FOLDER)  # `parents` would leave those to the umask
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, atomic.PRIVATE_FILE)
    digest, length = hashlib.sha256(), 0
    with os.fdopen(descriptor, "wb") as file:
        for piece in safe_read.pieces(source):
            digest.update(piece)
            length += file.write(piece)
        file.flush()
        status = source.stat()
        os.utime(descriptor, ns=(status.st_mtime_ns, status.st_mtime_ns))
        os.fsync(descriptor)
    return digest.hexdigest(), length


def digest(path: Path) -> str:
    """SHA-256 of a plain file, in hex.

    Raises:
        UnreadableFile: it is no plain file, or cannot be read.
    """
    digest = hashlib.sha256()
    for piece in safe_read.pieces(path):
        digest.update(piece)
    return digest.hexdigest()
