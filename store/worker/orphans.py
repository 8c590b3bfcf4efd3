"""Files after a crash, or of another database: what is over goes, unknown ones are set aside."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from pathlib import Path

from store.files import Files
from store.times import stored
from store.worker.recovery import Found, Recovered

log = logging.getLogger(__name__)


def tidy(files: Files, found: Found, now: datetime, *, is_up_to_date: bool) -> Recovered:
    """Delete what is known to be over, and move what nobody knows out of the way.

    Not to know a file is no leave to delete it: the database may be a copy from before it came.

    Args:
        files: the folder.
        found: from `recover`, once its transaction holds.
        now: names the folder of what is set aside.
        is_up_to_date: whether the database is known to be as new as the files. A batch that an
            older one calls unstarted may have been started since.

    Raises:
        OSError: the folder cannot be read, or a leftover cannot be deleted.
    """
    finished = found.finished if is_up_to_date else found.finished - _in(files.originals, found)
    stored = frozenset(files.stored())
    over = sorted(files.unfinished()) + sorted(stored & finished)
    for leftover in over:
        leftover.unlink(missing_ok=True)
    strangers = sorted(stored - finished - found.kept)
    moved = _set_aside(files, strangers, now)
    return Recovered(
        put_back=found.put_back,
        deleted=len(over),
        set_aside=moved,
        unknown=len(strangers) - moved,
        releases_missing=len(found.live - stored),
    )


def set_aside(files: Files) -> int:
    """The number of files that wait under `Files.set_aside` for a person to look at them."""
    return sum(len(names) for _, _, names in os.walk(files.set_aside))


def _in(folder: Path, found: Found) -> frozenset[Path]:
    return frozenset(path for path in found.finished if path.parent == folder)


def _set_aside(files: Files, strangers: list[Path], now: datetime) -> int:
    """Move files under a folder named by the moment; gives how many could be moved."""
    if not strangers:
        return 0
    try:
        where = _new_folder(files, now)
    except OSError as error:
        log.error("no folder to set files aside in (%s)", error.strerror)  # noqa: TRY400
        return 0
    return sum(_moved(file, where / file.parent.name / file.name) for file in strangers)


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
