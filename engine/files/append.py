"""Append-only files, private; a kill leaves at most one torn line at the end."""

from __future__ import annotations

import os
from pathlib import Path

from engine.files.atomic import PRIVATE_FILE, sync_folder


def append(path: Path, text: str) -> None:
    """Add to a file, made when it is not there; a kill's torn line is cut by `cut_torn_line`."""

    def private(name: str, flags: int) -> int:
        return os.open(name, flags, PRIVATE_FILE)

    is_new = not path.exists()
    with open(path, "a", encoding="utf-8", newline="", opener=private) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)


def cut_torn_line(path: Path) -> None:
    """Drop what follows the last newline: a line that a kill cut short was never finished."""
    if not path.exists():
        return
    data = path.read_bytes()
    length = data.rfind(b"\n") + 1
    if length < len(data):
        with path.open("r+b") as file:
            file.truncate(length)
