"""Tidying up after the program was stopped in the middle of something.

The order of every change makes this short: a release file is written before its receipt, an
original before its row, and a file is deleted after its row says so. Files cut short bear a name of
their own and are deleted, as is what a row says should be gone. A whole file that no row knows may
be a leftover of a crash, or may show that the database is not the one that belongs here: it is set
aside and never deleted. A row whose file is missing was damaged from outside: it is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from store.files import Files
from store.times import stored
from store.vault.context import Item, Purpose

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
    _Work("predictions", "evaluation_id", "evaluations", "unread"),
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
    sealed: int = 0
    """Originals that lay as they came, from before there was a vault, and are sealed now."""
    unsealed: int = 0
    """Such originals that could not be sealed; the next start tries again."""
    texts_in_plain: int = 0
    """Rows from before whose names, licences and reasons the database's file still holds."""


@dataclass(frozen=True, slots=True)
class FileIndex:
    """Files by what the rows say about them."""

    put_back: int
    referenced: frozenset[Path]
    """Files that belong to a row."""
    live: frozenset[Path]
    """Releases that stand, among them."""
    finished: frozenset[Path]
    """Files of which a row said that they go: withdrawn releases, destroyed originals, and those of
    batches that were never started."""
    originals: Mapping[Path, Item]
    """How the vault names each original, of both kinds."""


def recover(cursor: duckdb.DuckDBPyConnection, files: Files, now: datetime) -> FileIndex:
    """Put back what was under way and say which files are known. Only while nothing else runs.

    A batch that was never started is a leftover: whoever was making it has its files still. One in
    which a person decided is none, and is started. An evaluation whose report could not be made is
    opened again, for what was wrong may be mended.
    """
    _start_decided(cursor, now)
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
        FROM predictions
        WHERE state = 'working'
        """,
    )
    put_back(cursor, working, now)
    resume(cursor)
    receipts = cursor.execute(
        """
        SELECT release_id, format, live_picture_id IS NOT NULL
        FROM receipts
        """
    ).fetchall()
    live = frozenset(files.release(name, kind) for name, kind, is_live in receipts if is_live)
    withdrawn = frozenset(
        files.release(name, kind) for name, kind, is_live in receipts if not is_live
    )
    originals = _by_path(files, cursor, is_over=False)
    over = _by_path(files, cursor, is_over=True)
    over |= {files.original(one.picture): one for one in unstarted}
    return FileIndex(
        put_back=len(working),
        referenced=live | originals.keys(),
        live=live,
        finished=withdrawn | over.keys(),
        originals=originals | over,
    )


def _start_decided(cursor: duckdb.DuckDBPyConnection, now: datetime) -> None:
    cursor.execute(
        """
        UPDATE batches
        SET started_at = ?
        WHERE started_at IS NULL
          AND id IN (
              SELECT p.batch_id
              FROM pictures AS p
              JOIN verdicts AS v ON v.picture_id = p.id
          )
        """,
        [stored(now)],
    )


def forget_unstarted(cursor: duckdb.DuckDBPyConnection, batch_id: str | None = None) -> list[Item]:
    """Forget a batch that was never started, or every such batch; gives whose keys go with it.

    That is each of its originals, and the batch's own name.
    """
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
        RETURNING batch_id, id
        """,  # noqa: S608
        [batch_id],
    ).fetchall()
    groups = cursor.execute(
        f"""
        DELETE FROM batches
        WHERE id IN ({unstarted})
        RETURNING id, id
        """,  # noqa: S608
        [batch_id],
    ).fetchall()
    return _originals([*rows, *groups])


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


def postpone(
    cursor: duckdb.DuckDBPyConnection, picture_id: str, reason: str, now: datetime
) -> bool:
    """Return a picture in work to where it came from, to be left alone until `resume`.

    Returns:
        False when it is no longer in work.
    """
    is_in_work = False
    for rows in _WORK:
        is_in_work |= bool(
            cursor.execute(
                f"""
                UPDATE {rows.table}
                SET postponed = ?
                WHERE id = ?
                  AND state = 'working'
                RETURNING id
                """,  # noqa: S608 -- see _Work
                [reason, picture_id],
            ).fetchall()
        )
    put_back(cursor, [picture_id], now, attempt_counts=False)
    return is_in_work


def resume(cursor: duckdb.DuckDBPyConnection) -> None:
    """Let everything be worked on that was postponed."""
    for rows in _WORK:
        cursor.execute(
            f"""
            UPDATE {rows.table}
            SET postponed = NULL
            WHERE postponed IS NOT NULL
            """  # noqa: S608 -- see _Work
        )


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
            sealed_reason = NULL,
            held_from = CASE WHEN attempts >= ? THEN came_from END,
            came_from = NULL,
            changed_at = ?
        WHERE state = 'working'
          AND list_contains(?::VARCHAR[], id)
        """,  # noqa: S608 -- see _Work
        [
            MAX_ATTEMPTS,
            rows.held_back,
            MAX_ATTEMPTS,
            f"Held back because work on it was cut short {MAX_ATTEMPTS} times.",
            MAX_ATTEMPTS,
            stored(now),
            picture_ids,
        ],
    )


def _by_path(files: Files, cursor: duckdb.DuckDBPyConnection, *, is_over: bool) -> dict[Path, Item]:
    """Originals that are held, or those that were destroyed."""
    rows = cursor.execute(
        """
        SELECT p.batch_id, p.id
        FROM pictures AS p
        LEFT JOIN shreddings AS s ON s.picture_id = p.id AND s.holding = 'original'
        WHERE (s.picture_id IS NOT NULL) = ?
        """,
        [is_over],
    ).fetchall()
    return {files.original(one.picture): one for one in _originals(rows)}


def _originals(rows: Iterable[tuple[str, str]]) -> list[Item]:
    return [Item(batch_id, picture_id, Purpose.ORIGINAL) for batch_id, picture_id in rows]


def _ids(cursor: duckdb.DuckDBPyConnection, statement: str) -> list[str]:
    return [str(row_id) for (row_id,) in cursor.execute(statement).fetchall()]
