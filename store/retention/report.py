"""What is held, until when, and what is overdue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.retention import clock
from store.retention.holding import Holding
from store.times import aware, aware_or_none, stored

WINDOWS: Final = (7, 30, 90)
"""Days ahead that are counted, each with those before."""
_UNTIL: Final = tuple(
    f"h.until > $now AND h.until <= $now + to_days($days[{number}])"
    for number, _ in enumerate(WINDOWS, start=1)
)
_ROWS_WITHIN: Final = ", ".join(f"count(*) FILTER (WHERE {until})" for until in _UNTIL)
_PICTURES_WITHIN: Final = ", ".join(
    f"count(DISTINCT h.picture_id) FILTER (WHERE {until})" for until in _UNTIL
)


@dataclass(frozen=True, slots=True)
class Held:
    """Of how many pictures one holding is held."""

    total: int = 0
    overdue: int = 0
    within: Mapping[int, int] | None = None
    """By days of `WINDOWS`: what ends until then, without what is overdue."""
    unlimited: int = 0
    """Of which nobody says until when."""
    next_until: datetime | None = None
    """The earliest deadline, which may be over; None where there is none."""
    destroyed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """How retention stands."""

    holdings: Mapping[Holding, Held]
    pictures_overdue: int
    """Of which something should be gone."""
    pictures_within: Mapping[int, int]
    """By days of `WINDOWS`: of which something ends until then, without what is overdue."""
    unfinished: int
    """Pictures whose end was begun and not ended; the next sweep, or start, goes on."""
    swept_at: datetime | None
    refused: str | None
    """Why the sweeper does nothing, a sentence; None where it does its work."""


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """What of one batch ends on one day."""

    day: datetime
    """Its beginning, in UTC."""
    batch_id: str
    holdings: tuple[Holding, ...]
    pictures: int
    is_overdue: bool
    """Whether the first of them is."""


def report(actor: Actor, database: Database, now: datetime) -> Report:
    """How retention stands."""
    with database.snapshot(actor, Act.READ_RETENTION) as cursor:
        return report_in(cursor, now)


def report_in(cursor: duckdb.DuckDBPyConnection, now: datetime) -> Report:
    """How retention stands, by a cursor that somebody was let have."""
    moments = {"now": stored(now), "days": list(WINDOWS)}
    rows = cursor.execute(
        f"""
        SELECT h.holding, count(*), count(*) FILTER (WHERE h.until <= $now), min(h.until),
            count(*) FILTER (WHERE h.until IS NULL),
            {_ROWS_WITHIN}
        FROM held AS h
        GROUP BY h.holding
        """,  # noqa: S608 -- constants
        moments,
    ).fetchall()
    ((pictures_overdue, *pictures_within),) = cursor.execute(
        f"""
        SELECT count(DISTINCT h.picture_id) FILTER (WHERE h.until <= $now),
            {_PICTURES_WITHIN}
        FROM held AS h
        """,  # noqa: S608 -- constants
        moments,
    ).fetchall()
    destroyed = {
        Holding(holding): int(count)
        for holding, count in cursor.execute(
            """
            SELECT holding, count(*)
            FROM shreddings
            WHERE ended_at IS NOT NULL
            GROUP BY holding
            """
        ).fetchall()
    }
    ((unfinished,),) = cursor.execute(
        """
        SELECT count(DISTINCT picture_id)
        FROM shreddings
        WHERE ended_at IS NULL
        """
    ).fetchall()
    found = {
        Holding(holding): Held(
            total=total,
            overdue=overdue,
            within=dict(zip(WINDOWS, within, strict=True)),
            unlimited=unlimited,
            next_until=aware_or_none(until),
            destroyed=destroyed.get(Holding(holding), 0),
        )
        for holding, total, overdue, until, unlimited, *within in rows
    }
    nothing = dict.fromkeys(WINDOWS, 0)
    holdings = {
        one: found.get(one, Held(within=nothing, destroyed=destroyed.get(one, 0)))
        for one in Holding
    }
    last = clock.last_sweep(cursor)
    swept_at, refused = (None, None) if last is None else (last.at, last.refused)
    within = dict(zip(WINDOWS, pictures_within, strict=True))
    return Report(holdings, pictures_overdue, within, unfinished, swept_at, refused)


def calendar(
    actor: Actor, database: Database, now: datetime, *, days: int = WINDOWS[-1], limit: int = 500
) -> tuple[CalendarEntry, ...]:
    """What ends until so many days from now, and what is overdue; the earliest first."""
    with database.snapshot(actor, Act.READ_RETENTION) as cursor:
        rows = cursor.execute(
            """
            WITH ending AS (
                SELECT picture_id, batch_id, date_trunc('day', until)::TIMESTAMP AS day,
                    list(holding ORDER BY holding) AS holdings, min(until) <= $now AS is_overdue
                FROM held
                WHERE until <= $last
                GROUP BY picture_id, batch_id, day
            )
            SELECT day, batch_id, holdings, count(*), bool_or(is_overdue)
            FROM ending
            GROUP BY day, batch_id, holdings
            ORDER BY day, batch_id, holdings
            LIMIT $limit
            """,
            {"now": stored(now), "last": stored(now + timedelta(days=days)), "limit": limit},
        ).fetchall()
    return tuple(
        CalendarEntry(
            aware(day),
            batch_id,
            tuple(one for one in Holding if one in holdings),
            int(count),
            bool(is_overdue),
        )
        for day, batch_id, holdings, count, is_overdue in rows
    )
