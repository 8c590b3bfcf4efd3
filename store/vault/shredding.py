"""The end of small files: overwritten with zeros, synced, unlinked, and that synced too.

On disks that write in place the bytes are gone then. SSDs, snapshots, journals and copies may keep
older ones; docs/how-to/keys.md says what follows. Doing it again is harmless, and a kill at any
step leaves a file that is whole, zeros or gone.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.files import atomic


def shred(path: Path) -> bool:
    """End a file, and what a write to it that was interrupted left; True where one was there.

    Raises:
        OSError: the disk does not take it; the file may be there still.
    """
    found = [_overwritten(one) for one in (path, atomic.temporary_name(path))]
    if any(found):
        atomic.sync_folder(path.parent)
    return any(found)


def is_shredded(content: bytes) -> bool:
    """Whether a file was overwritten and then, in a kill, not removed."""
    return not any(content)


def _overwritten(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        remaining = os.fstat(descriptor).st_size
        while remaining > 0:
            remaining -= os.write(descriptor, bytes(min(remaining, 65_536)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink(missing_ok=True)
    return True
