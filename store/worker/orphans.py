"""Files after a crash, or of another database: what is over goes, unknown ones are set aside."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from pathlib import Path

from store.files import Files
from store.times import stored
from store.vault.vault import Vault
from store.worker.recovery import FileIndex, Recovered

log = logging.getLogger(__name__)


def tidy(
    files: Files, vault: Vault, index: FileIndex, now: datetime, *, is_up_to_date: bool
) -> Recovered:
    """Delete what is known to be over, and move what nobody knows out of the way.

    Not to know a file is no leave to delete it: the database may be a copy from before it came.

    Args:
        files: the folder.
        vault: its keys; that of an original goes before the file.
        index: from `recover`, once its transaction holds.
        now: names the folder of what is set aside.
        is_up_to_date: whether the database is known to be as new as the files. A batch that an
            older one calls unstarted may have been started since.

    Raises:
        OSError: the folder cannot be read, or a leftover cannot be deleted.
    """
    finished = index.finished if is_up_to_date else index.finished - _in(files.originals, index)
    stored = frozenset(files.stored())
    over = sorted(files.unfinished()) + sorted(stored & finished)
    for path in sorted(finished & index.originals.keys()):  # of names, where there is no file
        original = index.originals[path]
        vault.destroy_picture(original.batch, original.picture)
    for leftover in over:
        leftover.unlink(missing_ok=True)
    unknown = sorted(stored - finished - index.referenced)
    moved = _set_aside(files, unknown, now)
    return Recovered(
        put_back=index.put_back,
        deleted=len(over),
        set_aside=moved,
        unknown=len(unknown) - moved,
        releases_missing=len(index.live - stored),
    )


def set_aside(files: Files) -> int:
    """How many files wait under `Files.set_aside` for a person."""
    return sum(len(names) for _, _, names in os.walk(files.set_aside))


def _in(folder: Path, index: FileIndex) -> frozenset[Path]:
    return frozenset(path for path in index.finished if path.parent == folder)


def _set_aside(files: Files, unknown: list[Path], now: datetime) -> int:
    """Move files under a folder named by the moment; gives how many could be moved."""
    if not unknown:
        return 0
    try:
        where = _new_folder(files, now)
    except OSError as error:
        log.error("no folder to set files aside in (%s)", error.strerror)  # noqa: TRY400
        return 0
    return sum(_moved(file, where / file.parent.name / file.name) for file in unknown)


def _new_folder(files: Files, now: datetime) -> Path:
    """One that was not there, so that no file takes the place of another."""
    files.set_aside.mkdir(mode=0o700, exist_ok=True)
    day = f"{stored(now):%Y-%m-%dT%H%M%SZ}"
    names = (day, *(f"{day}-{count}" for count in range(2, 1_000)))
    where = next(path for name in names if not (path := files.set_aside / name).exists())
    for folder in (where, where / files.originals.name, where / files.releases.name):
        folder.mkdir(mode=0o700)
    return where


def _moved(file: Path, target: Path) -> bool:
    try:
        file.rename(target)  # never a copy: what lies on another disk stays where it is
    except OSError as error:
        log.error("an unknown file could not be set aside (%s)", error.strerror)  # noqa: TRY400
        return False
    return True
