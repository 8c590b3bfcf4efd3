"""Another try: for what was postponed, and for what the machine held back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.times import stored
from store.worker.recovery import resume


def postponed(actor: Actor, database: Database) -> Mapping[str, int]:
    """How many pictures wait although it is their turn, by the reason; labelled ones too."""
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        rows = cursor.execute(
            """
            SELECT postponed, count(*)
            FROM (
                SELECT postponed
                FROM pictures
                WHERE state IN ('waiting', 'settled')
                UNION ALL
                SELECT postponed
                FROM predictions
                WHERE state = 'waiting'
            )
            WHERE postponed IS NOT NULL
            GROUP BY postponed
            ORDER BY postponed
            """
        ).fetchall()
    return {str(reason): int(count) for reason, count in rows}


def try_postponed(actor: Actor, database: Database) -> None:
    """Let what was postponed be worked on again."""
    with database.transaction(actor, Act.TRY_AGAIN) as cursor:
        resume(cursor)
    database.work.set()


def try_held_back(actor: Actor, database: Database, batch_id: str, now: datetime) -> frozenset[str]:
    """Have the machine try once more what it held back of a batch; gives their ids.

    What a person rejected stays so, and what a manifest refuses. `attempts` tells a person's
    rejection: it is 0 after each, and never after the machine's work.
    """
    with database.transaction(actor, Act.TRY_AGAIN, batch_id) as cursor:
        again = cursor.execute(
            f"""
            UPDATE pictures
            SET state = held_from,
                held_from = NULL,
                held_for = NULL,
                reason = NULL,
                sealed_reason = NULL,
                attempts = 0,
                prepared_at = NULL,
                changed_at = ?
            WHERE id IN ({_HELD_BACK})
            RETURNING id
            """,  # noqa: S608 -- our own text
            [stored(now), batch_id],
        ).fetchall()
        database.event.details["pictures"] = len(again)
    database.work.set()
    return frozenset(str(id_) for (id_,) in again)


def held_back(actor: Actor, database: Database, batch_id: str) -> int:
    """How many pictures of a batch `try_held_back` would try."""
    with database.transaction(actor, Act.READ_BATCHES, batch_id) as cursor:
        return len(cursor.execute(_HELD_BACK, [batch_id]).fetchall())


_HELD_BACK = """
    SELECT p.id
    FROM pictures AS p
    JOIN batches AS b ON b.id = p.batch_id
    WHERE p.batch_id = ?
      AND b.cancelled_at IS NULL
      AND p.state = 'quarantined'
      AND p.held_from IS NOT NULL
      AND p.attempts > 0
"""
