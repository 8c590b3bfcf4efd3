"""What a folder of the shell keeps, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import UnusableFolder
from engine.policy import read_policy
from engine.runs.journal import read_policy_text
from store.exchange.export_labels import LABELS
from store.retention.deadlines import deadlines
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
        UnusableFolder: it is neither a run's nor an export, or cannot be read.
        InvalidPolicy: the run's policy cannot be read.
    """
    if kind_of(out) is Kind.EXPORT:
        originals = Part("originals, readable", len(exported(out)), None)
        return Contents(Kind.EXPORT, _date(out / LABELS), (originals, Part("boxes", 1, None)))
    since = _date(out / INNER / MARK)
    policy = read_policy(read_policy_text(out / INNER / "policy.toml"), name="The run's policy")
    until = deadlines(policy.retention, None, since)
    first = min(filter(None, (until.name, until.review)), default=None)
    parts = (
        Part("names of files, with boxes and reasons", _count(out, NAMES), first),
        Part("boxes of what was released", _count(out, BOXES), until.review),
        Part("key of the folder", _count(out / INNER, ("key",)), first),
        Part("files that may go out", len(plain_files(out / RELEASED)), until.release),
    )
    return Contents(Kind.RUN, since, parts)


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
