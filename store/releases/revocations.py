"""Revocations: releases that nobody should use any more, and the signed list that says so.

The list goes along in each later delivery and may be published. What is on it stays: it is numbered
and only ever grows, so that two of its states can be told apart from a list that leaves one out. A
database restored from a backup has forgotten the last ones; the list that was published knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import duckdb

from engine.errors import InvalidSignature
from engine.signing.revocations import SignedRevocations
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
_RESTORED: Final = "restored"
"""In its place where a list was taken over; the trail of then knew it."""


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
            number = _inserted(cursor, release_id, reason.value, now)
            if number is None:
                database.event.is_idle = True
            else:
                database.event.details |= {"number": number, "reason": reason.value}
                new += 1
        database.forgetting.forget(picture_id)
    return new


def restored(actor: Actor, database: Database, published: SignedRevocations) -> int:
    """Take over what an earlier list of this installation has and the database does not.

    Releases that were made since the backup are taken over, too: copies of them are with others.

    Returns:
        How many were not revoked here.

    Raises:
        InvalidSignature: no key of this installation signed it, or it does not go on what was
            revoked here; nothing was changed.
    """
    database.admit(actor, Act.REVOKE)
    if published.document.public_key not in database.signer.keys.public_keys:
        raise InvalidSignature(
            "No key that is trusted here signed this list, so nothing of it was taken over."
        )
    listed = [(entry.release, entry.day) for entry in published.list.releases]
    with database.transaction(actor, Act.READ_RELEASES) as cursor:
        known = _entries(cursor)
    both = min(len(listed), len(known))
    if listed[:both] != known[:both]:
        raise InvalidSignature(
            "This list and what was revoked here contradict each other: neither goes on the "
            "other. Nothing of it was taken over."
        )
    for release_id, on in listed[both:]:
        moment = datetime.fromisoformat(f"{on}T00:00:00Z")
        with database.transaction(actor, Act.REVOKE, release_id) as cursor:
            number = _inserted(cursor, release_id, _RESTORED, moment)
            database.event.details |= {"number": number or 0, "reason": _RESTORED}
        database.forgetting.forget(release_id)
    return len(listed) - both


def signed_list(actor: Actor, database: Database, now: datetime) -> bytes | None:
    """The list as of now, signed; None while nothing was ever revoked."""
    with database.transaction(actor, Act.READ_RELEASES) as cursor:
        entries = _entries(cursor)
    if not entries:
        return None
    at = f"{stored(now).isoformat(timespec='seconds')}Z"
    return database.signer.revocations(entries, at)


def _entries(cursor: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Release and day of each, in order."""
    rows = cursor.execute(
        """
        SELECT release_id, revoked_at
        FROM revocations
        ORDER BY number
        """
    ).fetchall()
    return [(release_id, day(aware(revoked_at))) for release_id, revoked_at in rows]


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
    cursor: duckdb.DuckDBPyConnection, release_id: str, reason: str, now: datetime
) -> int | None:
    """The number of the new row; None where the release was revoked before."""
    row = cursor.execute(
        """
        INSERT INTO revocations
        SELECT (SELECT coalesce(max(number), 0) + 1 FROM revocations), ?, ?, ?
        WHERE NOT EXISTS (SELECT 1 FROM revocations WHERE release_id = ?)
        RETURNING number
        """,
        [release_id, reason, stored(now), release_id],
    ).fetchone()
    return None if row is None else int(row[0])
