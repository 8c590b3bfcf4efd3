"""Whether the machine's clock agrees with what is on record; the truth nobody here knows."""

from __future__ import annotations

from datetime import datetime

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.times import CLOCKS_DIFFER, aware, stored


def ahead(actor: Actor, database: Database, now: datetime) -> datetime | None:
    """The latest moment on record, where that is still to come; None where it is not.

    The clock was ahead when that was written, or is behind now. Days in certificates are as wrong.
    """
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        row = cursor.execute(
            """
            SELECT max(moment)
            FROM (
                SELECT max(changed_at) AS moment
                FROM pictures
                UNION ALL
                SELECT max(decided_at)
                FROM verdicts
                UNION ALL
                SELECT max(released_at)
                FROM receipts
            )
            WHERE moment > ?
            """,
            [stored(now + CLOCKS_DIFFER)],
        ).fetchone()
    return None if row is None or row[0] is None else aware(row[0])
