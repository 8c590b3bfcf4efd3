"""Sessions on record: when somebody's began here, and when they ended it."""

from __future__ import annotations

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database


def begun(actor: Actor, database: Database) -> bool:
    """Record that the actor signed in, once for each session; False where that is on record."""
    with database.transaction(actor, Act.SIGN_IN, actor.session) as cursor:
        row = cursor.execute(
            """
            SELECT 1
            FROM events
            WHERE act = ?
              AND subject = ?
              AND NOT contains(details, '"refused":"')
            LIMIT 1
            """,
            [Act.SIGN_IN.key, actor.session],
        ).fetchone()
        database.event.is_idle = row is not None
    return row is None


def ended(actor: Actor, database: Database) -> None:
    """Record that the actor signed out."""
    with database.transaction(actor, Act.SIGN_OUT, actor.session):
        pass
