"""Hand-over marks: a run whose open reviews were taken into the app's queue.

A picture is decided in one place: in the app and from the shell, it would be released twice. One
mark lies in the run's output folder. The other lies with the installation, under what stands for
the run, since a copy of the folder that was made before has no mark of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from engine.errors import UnusableFolder
from engine.files import atomic
from engine.files.lock import lock
from engine.signing.keys import KeyRing

MARK: Final = "taken-in"


def mark_taken_in(out: Path, run: str, home: Path, keys: KeyRing) -> None:
    """Mark a run and its output folder; nothing is changed where that is done.

    Raises:
        UnusableFolder: a run has the folder open, or it cannot be written to.
    """
    here, there = out / ".lethe" / MARK, _mark_at(home, run, keys)
    try:
        if not here.exists():
            descriptor = lock(out / ".lethe" / "lock")
            try:
                atomic.write(here, b"")
            finally:
                os.close(descriptor)
        if not there.exists():
            there.parent.mkdir(mode=atomic.PRIVATE_FOLDER, parents=True, exist_ok=True)
            atomic.write(there, b"")
    except OSError as error:
        raise UnusableFolder(
            f"{out} cannot be marked as taken in ({error.strerror}), and so its pictures could be "
            "released a second time from the shell. Nothing was taken in; copy it to where it can "
            "be written to."
        ) from error


def refuse_taken_in(out: Path, run: str, home: Path, keys: KeyRing) -> None:
    """Make sure that what waits in a run's output folder is still the shell's to decide.

    The arguments are those of `mark_taken_in`.

    Raises:
        UnusableFolder: the app has it, or has had a copy of it.
    """
    if is_taken_in(out, run, home, keys):
        raise taken_in(out)


def is_taken_in(out: Path, run: str, home: Path, keys: KeyRing) -> bool:
    """Whether a run or its output folder is marked; the arguments are those of `mark_taken_in`."""
    return (out / ".lethe" / MARK).exists() or _mark_at(home, run, keys).exists()


def taken_in(where: Path | str) -> UnusableFolder:
    """The refusal of an output folder, or of its address, that is marked."""
    return UnusableFolder(
        f"What waits in {where}, or in another copy of it, was taken into the app, so it is "
        "decided there, on the page Review. To decide it from the shell instead, reject it "
        "there and run redact into another output folder."
    )


def _mark_at(home: Path, run: str, keys: KeyRing) -> Path:
    return home / MARK / keys.pseudonym(MARK, run)
