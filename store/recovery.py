"""Tidying up after the program was stopped in the middle of something.

The order of every change makes this short: a release file is written before its receipt, an
original before its row, and a file is deleted after its row says so. Files cut short bear a name of
their own and are deleted, as is what a row says should be gone. A whole file that no row knows may
be a leftover of a crash, or may show that the database is not the one that belongs here: it is set
aside and never deleted. A row whose file is missing was damaged from outside: it is counted.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from store.files import Files
from store.times import stored

MAX_ATTEMPTS = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    """Rows that are worked on one by one; all four are our own names, never input."""

    table: str
    owner: str
    """Column with the id of what can be cancelled."""
    owners: str
    held_back: str
    """State after too many attempts."""


_WORK = (
    _Work("pictures", "batch_id", "batches", "quarantined"),
    _Work("examinations", "evaluation_id", "evaluations", "unread"),
)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What opening found to tidy up; all zero after a clean stop."""

    put_back: int = 0
    """Pictures that were being worked on, labelled ones too."""
    deleted: int = 0
    """Files cut short while they were written, and those of which a row said they go."""
    set_aside: int = 0
    """Whole files that no row knows, now under `Files.set_aside`."""
    unknown: int = 0
    """Whole files that no row knows and that could not be moved; they lie where they were."""
    releases_missing: int = 0
    """Receipts whose file is gone."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the rows say about files."""

    put_back: int
    kept: frozenset[Path]
    """Files that belong to a row."""
    live: frozenset[Path]
    """Releases that stand, among them."""
    finished: frozenset[Path]
    """Files of which a row said that they go: withdrawn releases, and originals of batches that
    were never started."""


def recover(cursor: duckdb.DuckDBPyConnection, files: Files, now: datetime) -> Found:
    """Put back what was under way and say which files are known. Only while nothing else runs.

    A batch that was never started is a leftover: whoever was making it has its files still. An
    evaluation whose report could not be made is opened again, for what was wrong may be mended.
    """
    unstarted = forget_unstarted(cursor)
    cursor.execute(
        """
        UPDATE evaluations
        SET finished_at = NULL,
            problem = NULL
        WHERE problem IS NOT NULL
        """
    )
    working = _ids(
        cursor,
        """
        SELECT id
        FROM pictures
        WHERE state = 'working'
        UNION ALL
        SELECT id
        FROM examinations
        WHERE state = 'working'
        """,
    )
    put_back(cursor, working, now)
    receipts = cursor.execute(
        """
        SELECT release_id, format, live_picture_id IS NOT NULL
        FROM receipts
        """
    ).fetchall()
    live = frozenset(files.release(one, kind) for one, kind, is_live in receipts if is_live)
    withdrawn = frozenset(
        files.release(one, kind) for one, kind, is_live in receipts if not is_live
    )
    originals = frozenset(map(files.original, _ids(cursor, "SELECT id FROM pictures")))
    return Found(
        put_back=len(working),
        kept=live | originals,
        live=live,
        finished=withdrawn | frozenset(map(files.original, unstarted)),
    )


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


def _ids(cursor: duckdb.DuckDBPyConnection, statement: str) -> list[str]:
    return [str(found) for (found,) in cursor.execute(statement).fetchall()]


def forget_unstarted(cursor: duckdb.DuckDBPyConnection, batch_id: str | None = None) -> list[str]:
    """Forget a batch that was never started, or every such batch; gives the ids of its pictures."""
    unstarted = """
        SELECT id
        FROM batches
        WHERE started_at IS NULL
          AND id = coalesce(?, id)
    """
    for table in ("drafts", "plans"):
        cursor.execute(
            f"""
            DELETE FROM {table}
            WHERE picture_id IN (
                SELECT id
                FROM pictures
                WHERE batch_id IN ({unstarted})
            )
            """,  # noqa: S608 -- our own names
            [batch_id],
        )
    rows = cursor.execute(
        f"""
        DELETE FROM pictures
        WHERE batch_id IN ({unstarted})
        RETURNING id
        """,  # noqa: S608
        [batch_id],
    ).fetchall()
    cursor.execute(
        f"""
        DELETE FROM batches
        WHERE id IN ({unstarted})
        """,  # noqa: S608
        [batch_id],
    )
    return [str(picture_id) for (picture_id,) in rows]


def put_back(
    cursor: duckdb.DuckDBPyConnection,
    picture_ids: list[str],
    now: datetime,
    *,
    attempt_counts: bool = True,
) -> None:
    """Return pictures under way to where they came from; those tried too often are held back.

    Args:
        cursor: in a transaction.
        picture_ids: of pictures and labelled pictures; those not under way are left as they are.
        now: for the record.
        attempt_counts: whether the picture may have been the cause.
    """
    for rows in _WORK:
        if not attempt_counts:
            _uncount(cursor, rows, picture_ids)
        _put_back(cursor, rows, picture_ids, now)


def _uncount(cursor: duckdb.DuckDBPyConnection, rows: _Work, picture_ids: list[str]) -> None:
    cursor.execute(
        f"""
        UPDATE {rows.table}
        SET attempts = attempts - 1
        WHERE state = 'working'
          AND list_contains(?::VARCHAR[], id)
        """,  # noqa: S608 -- see _Work
        [picture_ids],
    )


def _put_back(
    cursor: duckdb.DuckDBPyConnection, rows: _Work, picture_ids: list[str], now: datetime
) -> None:
    cursor.execute(
        f"""
        UPDATE {rows.table}
        SET state = CASE
                WHEN attempts >= ? THEN ?
                WHEN came_from = 'waiting' AND {rows.owner} IN (
                    SELECT id
                    FROM {rows.owners}
                    WHERE cancelled_at IS NOT NULL
                ) THEN 'cancelled'
                ELSE came_from
            END,
            reason = CASE WHEN attempts >= ? THEN ? END,
            came_from = NULL,
            changed_at = ?
        WHERE state = 'working'
          AND list_contains(?::VARCHAR[], id)
        """,  # noqa: S608 -- see _Work
        [
            MAX_ATTEMPTS,
            rows.held_back,
            MAX_ATTEMPTS,
            f"Held back because the program stopped {MAX_ATTEMPTS} times while working on it.",
            stored(now),
            picture_ids,
        ],
    )
