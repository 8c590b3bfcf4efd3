"""The mark on a run's output folder that its open questions went to the app's review queue.

A picture is decided in one place: in the app and from the shell, it would be released twice.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine import private
from engine.errors import UnusableFolder

_MARK = "taken-in"


def mark_taken_in(out: Path) -> None:
    """Mark a run's output folder; nothing is changed when it is marked.

    Raises:
        UnusableFolder: a run has the folder open, or it cannot be written to.
    """
    mark = out / ".lethe" / _MARK
    if mark.exists():
        return
    try:
        lock = private.locked(out / ".lethe" / "lock")
        try:
            private.write(mark, b"")
        finally:
            os.close(lock)
    except OSError as error:
        raise UnusableFolder(
            f"{out} cannot be marked as taken in ({error.strerror}), and so its pictures could be "
            "released a second time from the shell. Nothing was taken in; copy it to where it can "
            "be written to."
        ) from error


def refuse_taken_in(out: Path) -> None:
    """Make sure that what waits in a run's output folder is still the shell's to decide.

    Raises:
        UnusableFolder: the app has it.
    """
    if (out / ".lethe" / _MARK).exists():
        raise UnusableFolder(
            f"What waits in {out} was taken into the app, so it is decided there, on the page "
            "Review. To decide it from the shell instead, reject it there and run redact into "
            "another output folder."
        )
