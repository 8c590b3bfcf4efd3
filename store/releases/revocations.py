"""Revocations: releases that nobody should use any more, and the signed list that says so.

The list goes along in each later delivery and may be published. What is on it stays: it is numbered
and only ever grows, so that two of its states can be told apart from a list that leaves one out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.errors import UnknownRecord
from store.times import aware, day, stored


class Reason(StrEnum):
    """Why a release is revoked; stays inside, see `engine.signing.revocations`."""

    SHOWS = "shows"
    CONSENT = "consent"
    RIGHTS = "rights"
    MISTAKE = "mistake"


REASONS: Final = {
    Reason.SHOWS: "It shows what should have been removed",
    Reason.CONSENT: "Somebody in it does not consent any more",
    Reason.RIGHTS: "A licence or a right does not allow it",
    Reason.MISTAKE: "It was handed out by mistake",
}
"""Each reason as people read it."""


def revoke(
    actor: Actor, database: Database, release_ids: Sequence[str], reason: Reason, now: datetime
) -> int:
    """Revoke releases, all or none, also ones that were withdrawn: others may have them.

    Returns:
        How many were not revoked before.

    Raises:
        UnknownRecord: this installation made no such release; nothing was changed.
    """
    new = 0
    pictures = {one: _picture_of(actor, database, one) for one in release_ids}
    for release_id, picture_id in pictures.items():
        with database.transaction(actor, Act.REVOKE, release_id) as cursor:
            number = _inserted(cursor, release_id, reason, now)
            if number is None:
                database.event.is_idle = True
            else:
                database.event.details |= {"number": number, "reason": reason.value}
                new += 1
        database.forgetting.forget(picture_id)
    return new


def signed_list(actor: Actor, database: Database, now: datetime) -> bytes | None:
    """The list as of now, signed; None while nothing was ever revoked."""
    with database.transaction(actor, Act.READ_RELEASES) as cursor:
        rows = cursor.execute(
            """
            SELECT release_id, revoked_at
            FROM revocations
            ORDER BY number
            """
        ).fetchall()
    if not rows:
        return None
    at = f"{stored(now).isoformat(timespec='seconds')}Z"
    entries = [(release_id, day(aware(revoked_at))) for release_id, revoked_at in rows]
    return database.signer.revocations(entries, at)


def _picture_of(actor: Actor, database: Database, release_id: str) -> str:
    """Of a release that is known; refuses another."""
    database.admit(actor, Act.REVOKE, release_id)
    with database.transaction(actor, Act.READ_RELEASES) as cursor:
        known = cursor.execute(
            "SELECT picture_id FROM receipts WHERE release_id = ?", [release_id]
        ).fetchone()
    if known is None:
        raise UnknownRecord(f"There is no release {release_id}; nothing was revoked.")
    return str(known[0])


def _inserted(
    cursor: duckdb.DuckDBPyConnection, release_id: str, reason: Reason, now: datetime
) -> int | None:
    """The number of the new row; None where the release was revoked before."""
    row = cursor.execute(
        """
        INSERT INTO revocations
        SELECT (SELECT coalesce(max(number), 0) + 1 FROM revocations), ?, ?, ?
        WHERE NOT EXISTS (SELECT 1 FROM revocations WHERE release_id = ?)
        RETURNING number
        """,
        [release_id, reason.value, stored(now), release_id],
    ).fetchone()
    return None if row is None else int(row[0])
