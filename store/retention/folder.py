"""Folders outside the app: what a run of the shell, or an export of labels, keeps, and its end.

A run's folder holds no originals, but names, boxes, and the key by which it knows a picture again;
an export holds originals, readable. Nothing here needs the data folder, so nothing is on record.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from engine.errors import UnreadableFile, UnusableFolder
from engine.files import atomic, safe_read
from engine.files.lock import lock
from engine.policy import read_policy
from engine.runs.journal import read_policy_text
from store.exchange.export_labels import DESCRIPTION, LABELS, PICTURES
from store.retention.deadlines import deadlines
from store.vault.shredding import shred as shred_file

_INNER: Final = ".lethe"
_NAMES: Final = ("names.csv", "review.jsonl", "quarantine.jsonl")
_BOXES: Final = ("receipts.jsonl",)
_RELEASED: Final = "released"
_EXPORTED: Final = re.compile(r"[0-9a-f]{16,64}(\.[a-z0-9]{1,5})?")
_LARGEST_LABELS: Final = 1 << 30
NOT_COVERED: Final = (
    "Not covered: the folder that the pictures came from, copies and backups of either, what was "
    "handed out, and what a disk that does not write in place (an SSD, a snapshot) keeps of old "
    "files."
)


class Kind(StrEnum):
    """What a folder is."""

    RUN = "run"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Part:
    """Files of one kind in a folder."""

    what: str
    files: int
    until: datetime | None
    """By the policy of the run; None where nobody says."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder keeps."""

    kind: Kind
    since: datetime
    """When it was made, by the date of a file."""
    parts: tuple[Part, ...]

    def overdue(self, now: datetime) -> tuple[Part, ...]:
        """What should be gone."""
        return tuple(
            one for one in self.parts if one.files and one.until is not None and one.until <= now
        )


def contents(out: Path) -> Contents:
    """What a folder keeps, and until when.

    Raises:
        UnusableFolder: it is neither, or cannot be read.
        InvalidPolicy: the run's policy cannot be read.
    """
    if _kind(out) is Kind.EXPORT:
        since = _date(out / LABELS)
        originals = Part("originals, readable", len(_exported(out)), None)
        return Contents(Kind.EXPORT, since, (originals, Part("boxes", 1, None)))
    since = _date(out / _INNER / "run.json")
    policy = read_policy(
        read_policy_text(out / _INNER / "policy.toml"), name="The run's policy"
    ).retention
    until = deadlines(policy, None, since)
    first = min(filter(None, (until.name, until.review)), default=None)
    parts = (
        Part("names of files, with boxes and reasons", _count(out, _NAMES), first),
        Part("boxes of what was released", _count(out, _BOXES), until.review),
        Part("key of the folder", _count(out / _INNER, ("key",)), first),
        Part("files that may go out", len(_plain(out / _RELEASED)), until.release),
    )
    return Contents(Kind.RUN, since, parts)


def shred(out: Path, *, releases: bool = False) -> int:
    """Destroy what a folder keeps privately; gives the number of files. Again is harmless.

    The key goes first, then names and boxes, and what marks the folder last, so that what a kill
    parts can be done again. What may go out stays, and can be verified, unless it is to go too.

    Args:
        out: the folder.
        releases: whether what may go out goes.

    Raises:
        UnusableFolder: it is neither, or a run is writing to it.
        OSError: the disk does not take it; do it again.
    """
    if _kind(out) is Kind.EXPORT:
        ended = sum(map(shred_file, [*_exported(out), out / LABELS]))
        _remove_empty(out / PICTURES)
        return ended
    inner = out / _INNER
    with _locked(inner / "lock"):
        first = [inner / "key", *(out / name for name in (*_NAMES, *_BOXES))]
        last = [one for one in _plain(inner) if one.name not in ("run.json", "lock")]
        released = _plain(out / _RELEASED) if releases else []
        marks = [inner / "run.json"]
        private = [*first, *_plain(inner / "partial"), *released, *last, *marks]
        ended = sum(map(shred_file, private))
        shred_file(inner / "lock")
    for folder in (inner / "partial", inner, *([out / _RELEASED] if releases else [])):
        _remove_empty(folder)
    return ended


def _kind(out: Path) -> Kind:
    if (out / _INNER).is_dir() and not (out / _INNER).is_symlink():
        return Kind.RUN
    try:
        text = safe_read.content(out / LABELS, _LARGEST_LABELS)
        if json.loads(text)["info"]["description"] == DESCRIPTION:
            return Kind.EXPORT
    except (UnreadableFile, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise UnusableFolder(
        f"{out} is neither the output folder of a Lethe run nor an export of labels; nothing was "
        "changed."
    )


def _exported(out: Path) -> list[Path]:
    return [one for one in _plain(out / PICTURES) if _EXPORTED.fullmatch(one.name)]


def _plain(folder: Path) -> list[Path]:
    """Files, and no links, folders or devices."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if one.is_file() and not one.is_symlink())


def _count(folder: Path, names: tuple[str, ...]) -> int:
    return sum((folder / name).is_file() for name in names)


def _date(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise UnusableFolder(
            f"{path} cannot be read ({error.strerror}): the end of this folder was begun, or it "
            "was damaged. lethe retention shred goes on with it."
        ) from error


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()
        atomic.sync_folder(folder.parent)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = lock(path)
    try:
        yield
    finally:
        os.close(descriptor)
