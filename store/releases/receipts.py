"""Receipts of releases: exactly one stands for each released picture, the table itself sees to it.

A withdrawn release keeps its receipt, marked; its file is deleted after that was committed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from engine.errors import StaleRevision
from engine.runs.jobs import Released
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.errors import UnknownRecord
from store.files import Files
from store.releases.approvals import refuse_unapproved
from store.times import aware, aware_or_none, stored


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A release, and where its file lies."""

    release_id: str
    picture_id: str
    batch_id: str
    format: str
    bytes: int
    sha256: str
    receipt: Mapping[str, Any]
    """`Receipt.to_json`."""
    released_at: datetime
    withdrawn_at: datetime | None
    revoked_at: datetime | None
    """Since when nobody should use it any more."""
    path: Path

    @property
    def share_removed(self) -> float | None:
        """Share of the picture that was removed, 0..1; None in receipts from before it was kept."""
        share = self.receipt.get("share_removed")
        return None if share is None else float(share)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many releases of a batch stand."""

    ready: int
    """Not revoked."""
    revoked: int
    newest_at: datetime | None


_COLUMNS = """
    SELECT r.release_id, r.picture_id, r.batch_id, r.format, r.bytes, r.sha256, r.receipt,
        r.released_at, r.withdrawn_at, v.revoked_at
    FROM receipts AS r
    LEFT JOIN revocations AS v ON v.release_id = r.release_id
"""


def newest(
    actor: Actor, database: Database, batch_id: str | None = None, limit: int | None = None
) -> tuple[StoredReceipt, ...]:
    """Releases that stand, the newest first: all, or `limit`, of a batch or of all batches."""
    with database.transaction(actor, Act.READ_RELEASES) as cursor:
        rows = cursor.execute(
            f"""
            {_COLUMNS}
            WHERE r.live_picture_id IS NOT NULL
              AND (?::VARCHAR IS NULL OR r.batch_id = ?)
            ORDER BY r.released_at DESC, r.release_id
            LIMIT ?
            """,
            [batch_id, batch_id, limit],
        ).fetchall()
    return tuple(_receipt(database.files, row) for row in rows)


def of_pictures(
    actor: Actor, database: Database, picture_ids: Collection[str]
) -> dict[str, StoredReceipt]:
    """The releases that stand of these pictures, by picture id."""
    with database.transaction(actor, Act.READ_RELEASES) as cursor:
        rows = cursor.execute(
            f"""
            {_COLUMNS}
            WHERE r.live_picture_id IN (SELECT unnest(?::VARCHAR[]))
            """,
            [list(picture_ids)],
        ).fetchall()
    return {one.picture_id: one for one in (_receipt(database.files, row) for row in rows)}


def standing(actor: Actor, database: Database, batch_id: str) -> Standing:
    """How many releases of a batch may go out, and how many may not any more."""
    with database.transaction(actor, Act.READ_RELEASES) as cursor:
        ((total, revoked, newest_at),) = cursor.execute(
            """
            SELECT count(*), count(v.release_id), max(r.released_at)
            FROM receipts AS r
            LEFT JOIN revocations AS v ON v.release_id = r.release_id
            WHERE r.live_picture_id IS NOT NULL
              AND r.batch_id = ?
            """,
            [batch_id],
        ).fetchall()
    return Standing(total - revoked, revoked, aware_or_none(newest_at))


def receipt(actor: Actor, database: Database, release_id: str) -> StoredReceipt:
    """One release, withdrawn or not.

    Raises:
        UnknownRecord: there is none with that id.
    """
    with database.transaction(actor, Act.READ_RELEASES) as cursor:
        row = cursor.execute(
            f"""
            {_COLUMNS}
            WHERE r.release_id = ?
            """,
            [release_id],
        ).fetchone()
    if row is None:
        raise UnknownRecord(f"There is no release {release_id}.")
    return _receipt(database.files, row)


def handed_out(
    actor: Actor, database: Database, batch_id: str, releases: Collection[str], manifest: str
) -> None:
    """Put on record that the releases of a batch were downloaded.

    Args:
        actor: who has them now.
        database: the open database.
        batch_id: whose releases.
        releases: their ids.
        manifest: SHA-256 of the signed manifest that goes along.

    Raises:
        NotAllowed: a second person has not approved them yet.
        StaleRevision: one was withdrawn or revoked since they were asked for.
    """
    with database.transaction(actor, Act.DOWNLOAD, batch_id) as cursor:
        refuse_unapproved(cursor, batch_id)
        _refuse_over(cursor, releases)
        database.event.details |= {"releases": len(releases), "manifest": manifest}


def _refuse_over(cursor: duckdb.DuckDBPyConnection, releases: Collection[str]) -> None:
    ((standing,),) = cursor.execute(
        """
        SELECT count(*)
        FROM receipts
        WHERE list_contains(?::VARCHAR[], release_id)
          AND live_picture_id IS NOT NULL
          AND release_id NOT IN (SELECT release_id FROM revocations)
        """,
        [list(releases)],
    ).fetchall()
    if standing != len(releases):
        raise StaleRevision(
            "A release of this batch was withdrawn or revoked while the download was made, so "
            "nothing of it is handed out; take it once more."
        )


def keep(cursor: duckdb.DuckDBPyConnection, released: Released, now: datetime) -> None:
    """Insert the receipt of a release whose file is in place.

    Raises:
        duckdb.ConstraintException: the picture has a release that stands.
    """
    cursor.execute(
        """
        INSERT INTO receipts
            (release_id, picture_id, live_picture_id, batch_id, format, bytes, sha256, receipt,
            released_at)
        SELECT ?, id, id, batch_id, ?, ?, ?, ?, ?
        FROM pictures
        WHERE id = ?
        """,
        [
            released.receipt.release,
            released.receipt.format,
            len(released.data),
            hashlib.sha256(released.data).hexdigest(),
            json.dumps(released.receipt.to_json()),
            stored(now),
            released.job_id,
        ],
    )


def withdraw(
    cursor: duckdb.DuckDBPyConnection, files: Files, picture_id: str, now: datetime
) -> Path | None:
    """Mark the picture's release withdrawn; None when it has none.

    Returns:
        The file, for the caller to delete once the transaction is through.
    """
    row = cursor.execute(
        """
        UPDATE receipts
        SET live_picture_id = NULL,
            withdrawn_at = ?
        WHERE live_picture_id = ?
        RETURNING release_id, format
        """,
        [stored(now), picture_id],
    ).fetchone()
    return None if row is None else files.release(*row)


def _receipt(files: Files, row: tuple[Any, ...]) -> StoredReceipt:
    columns = dict(zip((field.name for field in fields(StoredReceipt)), row, strict=False))
    return StoredReceipt(
        **{
            **columns,
            "receipt": json.loads(columns["receipt"]),
            "released_at": aware(columns["released_at"]),
            "withdrawn_at": aware_or_none(columns["withdrawn_at"]),
            "revoked_at": aware_or_none(columns["revoked_at"]),
        },
        path=files.release(columns["release_id"], columns["format"]),
    )
