"""Progress of batches: counts per state that always add up to the number of its pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.batches.batches import Batch, batch, newest
from store.batches.pictures import PictureState
from store.database import Database
from store.times import aware_or_none, bounds

_RATE_WINDOW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Counts:
    """Pictures per state."""

    waiting: int = 0
    working: int = 0
    review: int = 0
    settled: int = 0
    released: int = 0
    quarantined: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """All pictures."""
        return self.remaining + self.review + self.released + self.quarantined + self.cancelled

    @property
    def remaining(self) -> int:
        """What the machine still has to do."""
        return self.waiting + self.working + self.settled


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of one batch."""

    batch: Batch
    counts: Counts
    finished_at: datetime | None
    """When the last picture got its outcome; None while one waits, for the machine or a person."""
    pictures_per_second: float
    """What the machine did in the last minute; 0.0 when nothing."""

    @property
    def seconds_left(self) -> float | None:
        """Until the machine is done at that rate; None when nothing can be said."""
        if self.counts.remaining == 0:
            return 0.0
        if self.pictures_per_second == 0.0:
            return None
        return self.counts.remaining / self.pictures_per_second


def progress(actor: Actor, database: Database, batch_id: str, now: datetime) -> Progress:
    """Progress of one batch.

    Raises:
        UnknownRecord: there is no such batch.
    """
    return _progress(batch(actor, database, batch_id), _rows(actor, database, [batch_id], now), now)


def overview(
    actor: Actor, database: Database, now: datetime, limit: int = 50
) -> tuple[Progress, ...]:
    """Progress of the newest batches, the newest first."""
    batches = newest(actor, database, limit)
    rows = _rows(actor, database, [batch.id for batch in batches], now)
    return tuple(
        _progress(batch, [row for row in rows if row[0] == batch.id], now) for batch in batches
    )


def batches_with(actor: Actor, database: Database, state: PictureState) -> tuple[str, ...]:
    """Ids of the batches that have a picture in this state, the newest first."""
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        rows = cursor.execute(
            """
            SELECT id
            FROM batches
            WHERE id IN (SELECT batch_id FROM pictures WHERE state = ?)
            ORDER BY number DESC
            """,
            [state.value],
        ).fetchall()
    return tuple(id_ for (id_,) in rows)


def totals(actor: Actor, database: Database) -> Counts:
    """Pictures per state over all batches."""
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        return totals_in(cursor)


def totals_in(cursor: duckdb.DuckDBPyConnection) -> Counts:
    """Pictures per state over all batches, inside a transaction or on a read-only connection."""
    rows = cursor.execute(
        """
        SELECT state, count(*)
        FROM pictures
        GROUP BY state
        """
    ).fetchall()
    return _counts(rows)


def oldest_in_work(actor: Actor, database: Database) -> datetime | None:
    """Since when the machine has been at the picture it has had longest; None while it rests."""
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        row = cursor.execute(
            """
            SELECT min(changed_at)
            FROM (
                SELECT changed_at
                FROM pictures
                WHERE state = 'working'
                UNION ALL
                SELECT changed_at
                FROM predictions
                WHERE state = 'working'
            )
            """
        ).fetchone()
    return None if row is None else aware_or_none(row[0])


def _rows(
    actor: Actor, database: Database, batch_ids: list[str], now: datetime
) -> list[tuple[Any, ...]]:
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        return cursor.execute(
            """
            SELECT batch_id, state, count(*), max(changed_at),
                count(*) FILTER (WHERE prepared_at > ? AND prepared_at <= ?)
            FROM pictures
            WHERE list_contains(?::VARCHAR[], batch_id)
            GROUP BY batch_id, state
            """,
            [*bounds(_RATE_WINDOW, now), batch_ids],
        ).fetchall()


def _progress(batch: Batch, rows: list[tuple[Any, ...]], now: datetime) -> Progress:
    counts = _counts((state, count) for _, state, count, _, _ in rows)
    is_finished = bool(rows) and counts.remaining + counts.review == 0
    rate = 0.0
    if batch.started_at is not None:
        seconds = min(now - batch.started_at, _RATE_WINDOW).total_seconds()
        rate = sum(row[4] for row in rows) / max(seconds, 1.0)
    return Progress(
        batch=batch,
        counts=counts,
        finished_at=aware_or_none(max(row[3] for row in rows)) if is_finished else None,
        pictures_per_second=rate,
    )


def _counts(rows: Iterable[tuple[str, int]]) -> Counts:
    return Counts(**{PictureState(state).value: count for state, count in rows})
