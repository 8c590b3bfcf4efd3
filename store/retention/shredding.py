"""The end of a picture: its original with all that was made of it, its name, its release.

`shred` writes that it will, destroys the key, removes the files, and writes that it did. What a
kill parts goes on at the next start, or when it is asked for again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.errors import UnknownRecord
from store.releases import receipts
from store.retention import names, steps
from store.retention.ended import ended
from store.retention.holding import (
    EVERYTHING,
    HELD_FOR,
    NEEDED_FOR_REVIEW,
    NEEDED_FOR_WORK,
    Cause,
    Holding,
    complete,
)
from store.retention.steps import told
from store.times import stored


def shred(
    actor: Actor,
    database: Database,
    picture_id: str,
    now: datetime,
    *,
    holdings: Collection[Holding] = EVERYTHING,
    cause: Cause = Cause.REQUEST,
) -> bool:
    """Destroy what is held of a picture, for good; again is harmless.

    A picture that has no outcome yet is held back when it cannot go on without. One that was
    released stays so, and its release stays as it is unless that ends too.

    Args:
        actor: on whose behalf.
        database: the open database.
        picture_id: whose.
        now: for the record.
        holdings: what ends; with an original everything that its key sealed.
        cause: why.

    Returns:
        False where all of it was gone already.

    Raises:
        NotAllowed: the actor may not.
        UnknownRecord: there is no such picture.
        OSError: the disk does not take it; it goes on at the next start, or when done again.
    """
    with database.transaction(actor, Act.WILL_SHRED, picture_id) as cursor:
        begun = _begin(cursor, database, picture_id, complete(holdings), cause, now)
        database.event.is_idle = not begun
        database.event.details |= told(begun, cause)
        waiting = steps.unfinished(cursor, picture_id)
    for shredding in waiting:
        steps.go_on(actor, database, shredding, now)
    return bool(waiting)


def _begin(
    cursor: duckdb.DuckDBPyConnection,
    database: Database,
    picture_id: str,
    holdings: frozenset[Holding],
    cause: Cause,
    now: datetime,
) -> frozenset[Holding]:
    """Note what is to be destroyed, so that nothing uses it any more; gives what is new of it."""
    if cursor.execute("SELECT 1 FROM pictures WHERE id = ?", [picture_id]).fetchone() is None:
        raise UnknownRecord(f"There is no picture {picture_id}.")
    new = holdings - ended(cursor, picture_id).keys()
    if Holding.RELEASE in holdings:
        is_standing = receipts.withdraw(cursor, database.files, picture_id, now) is not None
        new = new | {Holding.RELEASE} if is_standing else new - {Holding.RELEASE}
    if not new:
        return new
    cursor.execute(
        """
        INSERT INTO shreddings (picture_id, holding, cause, begun_at)
        SELECT ?, unnest(?::VARCHAR[]), ?, ?
        ON CONFLICT DO UPDATE
        SET cause = excluded.cause,
            begun_at = excluded.begun_at,
            ended_at = NULL
        """,
        [picture_id, sorted(new), cause.value, stored(now)],
    )
    if Holding.NAME in new:
        names.keep_attribution(cursor, database.vault, picture_id)
    _hold_back(cursor, picture_id, new, cause, now)
    return new


def _hold_back(
    cursor: duckdb.DuckDBPyConnection,
    picture_id: str,
    ending: frozenset[Holding],
    cause: Cause,
    now: datetime,
) -> None:
    """Give a picture that cannot go on its outcome; what the machine is at comes too late then."""
    stopped = ["review"] if ending & NEEDED_FOR_REVIEW else []
    stopped += ["waiting", "working", "settled"] if ending & NEEDED_FOR_WORK else []
    held_back = cursor.execute(
        """
        UPDATE pictures
        SET state = 'quarantined',
            reason = ?,
            sealed_reason = NULL,
            held_for = ?,
            came_from = NULL,
            held_from = NULL,
            postponed = NULL,
            claimed_by = NULL,
            claimed_at = NULL,
            claimed_until = NULL,
            changed_at = ?
        WHERE id = ?
          AND list_contains(?::VARCHAR[], state)
        RETURNING id
        """,
        [cause.reason, HELD_FOR, stored(now), picture_id, stopped],
    ).fetchall()
    if held_back:
        cursor.execute("DELETE FROM drafts WHERE picture_id = ?", [picture_id])
    if ending & NEEDED_FOR_WORK:
        cursor.execute("UPDATE pictures SET held_from = NULL WHERE id = ?", [picture_id])
