"""Tidying up after the program was stopped in the middle of something.

The order of every change makes this short: a release file is written before its receipt, an
original before its row, and a file is deleted after its row says so. So a file that no row knows
is a leftover, and a row whose file is missing was damaged from outside: it is counted, not touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from store.files import Files
from store.times import stored

MAX_ATTEMPTS = 3


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
_UNSTARTED = """
    SELECT p.id
    FROM pictures AS p
    JOIN batches AS b ON b.id = p.batch_id
    WHERE b.started_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What opening found to tidy up; all zero after a clean stop."""

    put_back: int = 0
    """Pictures that were being worked on, labelled ones too."""
    releases_deleted: int = 0
    """Release files without a receipt."""
    originals_deleted: int = 0
    """Originals that never became a picture of a batch."""
    releases_missing: int = 0
    """Receipts whose file is gone."""


def recover(cursor: duckdb.DuckDBPyConnection, files: Files, now: datetime) -> Recovered:
    """Delete leftovers and put back what was under way. Only while nothing else runs.

    A batch that was never started is a leftover too: whoever was making it has its files still. An
    evaluation whose report could not be made is opened again, for what was wrong may be mended.
    """
    for table in ("drafts", "plans"):
        cursor.execute(
            f"""
            DELETE FROM {table}
            WHERE picture_id IN ({_UNSTARTED})
            """  # noqa: S608 -- our own two names
        )
    cursor.execute(
        f"""
        DELETE FROM pictures
        WHERE id IN ({_UNSTARTED})
        """  # noqa: S608
    )
    cursor.execute(
        """
        DELETE FROM batches
        WHERE started_at IS NULL
        """
    )
    cursor.execute(
        """
        UPDATE evaluations
        SET finished_at = NULL,
            problem = NULL
        WHERE problem IS NOT NULL
        """
    )
    working = [
        picture_id
        for (picture_id,) in cursor.execute(
            """
            SELECT id
            FROM pictures
            WHERE state = 'working'
            UNION ALL
            SELECT id
            FROM examinations
            WHERE state = 'working'
            """
        ).fetchall()
    ]
    put_back(cursor, working, now)
    live = {
        files.release(release_id, image_format)
        for release_id, image_format in cursor.execute(
            """
            SELECT release_id, format
            FROM receipts
            WHERE live_picture_id IS NOT NULL
            """
        ).fetchall()
    }
    known = {
        files.original(picture_id)
        for (picture_id,) in cursor.execute("SELECT id FROM pictures").fetchall()
    }
    releases = set(files.stored_releases())
    return Recovered(
        put_back=len(working),
        releases_deleted=_delete(releases - live),
        originals_deleted=_delete(set(files.stored_originals()) - known),
        releases_missing=len(live - releases),
    )


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


def _delete(leftovers: set[Path]) -> int:
    for file in leftovers:
        file.unlink(missing_ok=True)
    return len(leftovers)
