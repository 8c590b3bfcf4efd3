"""Approvals: under four eyes, a second person's yes to each release before it is downloaded.

The second person neither made or started the batch nor decided a picture of it. What is released
later waits for a yes of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.batches import batches
from store.database import Database
from store.errors import NotAllowed
from store.times import stored

_UNAPPROVED = """
    SELECT r.release_id
    FROM receipts AS r
    JOIN batches AS b ON b.id = r.batch_id
    WHERE r.batch_id = ?
      AND b.four_eyes
      AND r.live_picture_id IS NOT NULL
      AND r.release_id NOT IN (SELECT release_id FROM approvals)
      AND r.release_id NOT IN (SELECT release_id FROM revocations)
"""
_ALONE = (
    "You made or started this batch, or decided one of its pictures, so that the second pair of "
    "eyes must be another person's; nothing was changed."
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of a batch waits for a second person."""

    release_ids: tuple[str, ...]
    is_for_others: bool
    """Whether whoever asks cannot be that person."""

    @property
    def releases(self) -> int:
        """How many."""
        return len(self.release_ids)


def waiting(actor: Actor, database: Database, batch_id: str) -> Waiting:
    """The releases that wait, none where the batch's policy does not ask for four eyes."""
    with database.transaction(actor, Act.READ_RELEASES) as cursor:
        ids = tuple(id_ for (id_,) in cursor.execute(_UNAPPROVED, [batch_id]).fetchall())
        return Waiting(ids, bool(ids) and _is_involved(cursor, actor, batch_id))


def approve(
    actor: Actor, database: Database, batch_id: str, release_ids: Collection[str], now: datetime
) -> int:
    """Say yes to releases of a batch that were looked at; gives how many had waited for it.

    What came since, and was not looked at, waits for a yes of its own.

    Raises:
        NotAllowed: the actor is not a second person.
        UnknownRecord: there is no such batch.
    """
    with database.transaction(actor, Act.APPROVE, batch_id) as cursor:
        batches.batch_in(database.vault, cursor, batch_id)
        if _is_involved(cursor, actor, batch_id):
            raise NotAllowed(_ALONE)
        approved = cursor.execute(
            f"""
            INSERT INTO approvals
            SELECT release_id, ?, ?
            FROM ({_UNAPPROVED})
            WHERE list_contains(?::VARCHAR[], release_id)
            RETURNING 1
            """,  # noqa: S608 -- constants
            [actor.id, stored(now), batch_id, list(release_ids)],
        ).fetchall()
        database.event.details["releases"] = len(approved)
        database.event.is_idle = not approved
    return len(approved)


def refuse_waiting(actor: Actor, database: Database, batch_id: str) -> None:
    """Refuse what still waits for a second person, before anything is made of it; recorded.

    Raises:
        NotAllowed: it does.
    """
    with database.transaction(actor, Act.DOWNLOAD, batch_id) as cursor:
        refuse_unapproved(cursor, batch_id)
        database.event.is_idle = True  # the download itself is an event of its own


def is_waiting(cursor: duckdb.DuckDBPyConnection, batch_id: str, release_id: str) -> bool:
    """Whether a release of a batch waits for a second person."""
    return (release_id,) in cursor.execute(_UNAPPROVED, [batch_id]).fetchall()


def refuse_unapproved(cursor: duckdb.DuckDBPyConnection, batch_id: str) -> None:
    """Refuse a download that still waits for a second person, inside its transaction.

    Raises:
        NotAllowed: it does.
    """
    if cursor.execute(_UNAPPROVED, [batch_id]).fetchone() is not None:
        raise NotAllowed(
            "Nothing of this batch is handed out before a second person approved it on the page "
            "Release."
        )


def _is_involved(cursor: duckdb.DuckDBPyConnection, actor: Actor, batch_id: str) -> bool:
    """Whether somebody made, started or decided something of a batch, or is nobody in particular.

    Who decided what is asked of the trail: decisions have names, and events ids.
    """
    row = cursor.execute(
        """
        SELECT 1
        FROM events
        WHERE actor = $actor
          AND act IN ('create_batch', 'start_batch', 'import_run', 'decide')
          AND NOT contains(details, '"refused":"')
          AND (subject = $batch OR subject IN (SELECT id FROM pictures WHERE batch_id = $batch))
        LIMIT 1
        """,
        {"actor": actor.id, "batch": batch_id},
    ).fetchone()
    return not actor.is_signed_in or row is not None
