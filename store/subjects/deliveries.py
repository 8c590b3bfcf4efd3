"""Deliveries that hold a picture, by the downloads that are on record.

A download takes along every release of its batch that stands and is not revoked when it is begun,
and is recorded when it is made. So one that was recorded soon after a release was withdrawn, or
revoked, may hold it still.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.times import aware

_MAKING: Final = timedelta(hours=1)
"""Longer than any zip takes to be made."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One download of a picture's batch."""

    number: int
    """Of its event."""
    at: datetime
    actor: str
    """Id of who took it."""
    name: str
    """Theirs, where it is known; else empty."""
    manifest: str
    """SHA-256 of the signed manifest in it."""
    release_ids: tuple[str, ...]
    """Of the picture, that it holds, or may hold."""


def of_picture(actor: Actor, database: Database, picture_id: str) -> tuple[Delivery, ...]:
    """The downloads that took a release of the picture along, the oldest first.

    Copies that were made of a download, and what was taken from the disk, nobody recorded.
    """
    with database.transaction(actor, Act.READ_AUDIT, picture_id) as cursor:
        rows = cursor.execute(
            """
            SELECT e.number, any_value(e.happened_at), any_value(e.actor),
                coalesce(any_value(n.names), ''), any_value(e.details),
                list(DISTINCT r.release_id ORDER BY r.release_id)
            FROM receipts AS r
            LEFT JOIN revocations AS v ON v.release_id = r.release_id
            JOIN events AS e
                ON e.subject = r.batch_id
                AND e.happened_at >= r.released_at
                AND e.happened_at <= coalesce(
                    least(r.withdrawn_at, v.revoked_at) + ?, e.happened_at
                )
            LEFT JOIN (
                SELECT id, string_agg(name, ', ' ORDER BY name) AS names
                FROM audit_names
                GROUP BY id
            ) AS n ON n.id = e.actor
            WHERE r.picture_id = ?
              AND e.act = ?
              AND NOT contains(e.details, '"refused":"')
            GROUP BY e.number
            ORDER BY e.number
            """,
            [_MAKING, picture_id, Act.DOWNLOAD.key],
        ).fetchall()
    return tuple(
        Delivery(number, aware(at), actor_id, name, _manifest(details), tuple(releases))
        for number, at, actor_id, name, details, releases in rows
    )


def _manifest(details: str) -> str:
    """What the event tells; nothing of one that somebody changed, as verifying will tell."""
    try:
        return str(json.loads(details)["manifest"])
    except (ValueError, KeyError, TypeError):
        return ""
