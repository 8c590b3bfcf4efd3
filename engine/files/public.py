"""Files that are made to be handed out: others may read them, and their times tell nothing more.

The time at which a picture was written would tell the time of day, and in which order the originals
came. A file says the day on which it was signed, as its certificate does.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from engine.files import private

FILE = 0o644


def write(path: Path, data: bytes, day: str) -> None:
    """Write a whole file of a day, as 2026-11-23, or leave what was there."""
    private.write(path, data)
    path.chmod(FILE)
    date(path, day)


def date(path: Path, day: str) -> None:
    """Set the times of a file or a folder to the start of a day in UTC."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    os.utime(path, (start, start))
