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
    """Pictures that were being worked on."""
    releases_deleted: int = 0
    """Release files without a receipt."""
    originals_deleted: int = 0
    """Originals that never became a picture of a batch."""
    releases_missing: int = 0
    """Receipts whose file is gone."""


def recover(cursor: duckdb.DuckDBPyConnection, files: Files, now: datetime) -> Recovered:
    """Delete leftovers and put back what was under way. Only while nothing else runs.

    A batch that was never started is a leftover too: whoever was making it has its files still.
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
    working = [
        picture_id
        for (picture_id,) in cursor.execute(
            """
            SELECT id
            FROM pictures
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
        picture_ids: those that are not under way are left as they are.
        now: for the record.
        attempt_counts: whether the picture may have been the cause.
    """
    if not attempt_counts:
        cursor.execute(
            """
            UPDATE pictures
            SET attempts = attempts - 1
            WHERE state = 'working'
              AND list_contains(?::VARCHAR[], id)
            """,
            [picture_ids],
        )
    cursor.execute(
        """
        UPDATE pictures
        SET state = CASE
                WHEN attempts >= ? THEN 'quarantined'
                WHEN came_from = 'waiting' AND batch_id IN (
                    SELECT id
                    FROM batches
                    WHERE cancelled_at IS NOT NULL
                ) THEN 'cancelled'
                ELSE came_from
            END,
            reason = CASE WHEN attempts >= ? THEN ? END,
            came_from = NULL,
            changed_at = ?
        WHERE state = 'working'
          AND list_contains(?::VARCHAR[], id)
        """,
        [
            MAX_ATTEMPTS,
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
