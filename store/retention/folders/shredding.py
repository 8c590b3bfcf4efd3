"""The end of what a folder of the shell keeps privately."""

from __future__ import annotations

import os
from pathlib import Path

from engine.files import atomic
from engine.files.lock import lock
from store.exchange.export_labels import LABELS, PICTURES
from store.retention.folders.layout import (
    BOXES,
    INNER,
    MARK,
    NAMES,
    RELEASED,
    Kind,
    exported,
    kind_of,
    plain_files,
)
from store.vault.shredding import shred as shred_file


def shred(out: Path, *, releases: bool = False) -> int:
    """Destroy what a folder keeps privately; gives the number of files.

    The key goes first, then names and boxes, and what marks the folder last, so that what a kill
    parts can be done again. What may go out stays, and can be verified, unless it is to go too.

    Args:
        out: the folder.
        releases: whether what may go out goes.

    Raises:
        UnusableFolder: it is neither a run's nor an export, or a run is writing to it.
        OSError: the disk does not take it; do it again.
    """
    return _shred_export(out) if kind_of(out) is Kind.EXPORT else _shred_run(out, releases)


def _shred_export(out: Path) -> int:
    ended = sum(map(shred_file, [*exported(out), out / LABELS]))
    _remove_if_empty(out / PICTURES)
    return ended


def _shred_run(out: Path, releases: bool) -> int:
    inner = out / INNER
    descriptor = lock(inner / "lock")
    try:
        private = [inner / "key", *(out / name for name in (*NAMES, *BOXES))]
        private += plain_files(inner / "partial")
        private += plain_files(out / RELEASED) if releases else []
        private += [one for one in plain_files(inner) if one.name not in (MARK, "lock")]
        ended = sum(map(shred_file, [*private, inner / MARK]))
        shred_file(inner / "lock")
    finally:
        os.close(descriptor)
    for folder in (inner / "partial", inner, *([out / RELEASED] if releases else [])):
        _remove_if_empty(folder)
    return ended


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()
        atomic.sync_folder(folder.parent)
