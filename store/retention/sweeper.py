"""The sweeper: destroys what is over, and goes on with what was begun.

The dispatcher runs it between pictures, and `lethe retention sweep` does. A clock that cannot be
right stops it, until it is right again or a person confirms it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.retention import clock, steps
from store.retention.clock import LastSweep
from store.retention.holding import Cause, Holding
from store.retention.shredding import shred
from store.retention.uptime import Uptime
from store.times import stored

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """What came of a sweep."""

    ended: int = 0
    """Pictures of which something was destroyed."""
    failed: int = 0
    """Pictures that the disk did not let go of; the next sweep tries again."""
    left: int = 0
    """Pictures for the next sweep, where there were more than this one was to do."""
    refusal: str | None = None
    """Why nothing was done, a sentence: the clock cannot be right."""


def sweep(
    actor: Actor,
    database: Database,
    now: datetime,
    *,
    uptime: Uptime | None = None,
    confirm_clock: bool = False,
    limit: int = 100_000,
) -> Swept:
    """Destroy what is over. Doing it again, or stopping it anywhere, is harmless.

    Args:
        actor: on whose behalf.
        database: the open database.
        now: the present, by the clock that may be wrong.
        uptime: what the clock is held against; the machine's own without a word.
        confirm_clock: believe the clock, whatever speaks against it.
        limit: most pictures.
    """
    uptime = uptime or Uptime.now()
    with database.transaction(actor, Act.SWEEP) as cursor:
        last = clock.last_sweep(cursor)
        refusal = clock.disbelief(last, clock.seen(cursor), now, uptime)
        if refusal is not None and not confirm_clock:
            database.event.details["clock"] = "not believed"
            database.event.is_idle = last is not None and last.refused is not None
            kept = last or LastSweep(clock.seen(cursor) or now, Uptime("", 0.0), None)
            clock.keep(cursor, LastSweep(kept.at, kept.uptime, refusal))
            return Swept(refusal=refusal)
        waiting = steps.unfinished(cursor)
        due = _due(cursor, now)
        clock.keep(cursor, LastSweep(now, uptime, None))
        if refusal is not None:
            database.event.details["clock"] = "confirmed"
        database.event.details["due"] = len(due)
        database.event.is_idle = refusal is None and not due
    ended = failed = 0
    for shredding in waiting:
        try:
            steps.go_on(actor, database, shredding, now)
            ended += 1
        except OSError as error:
            failed += _is_kept(shredding.picture_id, error)
    for picture_id, holdings in list(due.items())[:limit]:
        try:
            ended += shred(
                actor, database, picture_id, now, holdings=holdings, cause=Cause.DEADLINE
            )
        except OSError as error:
            failed += _is_kept(picture_id, error)
    return Swept(ended, failed, max(len(due) - limit, 0))


def _due(cursor: duckdb.DuckDBPyConnection, now: datetime) -> Mapping[str, frozenset[Holding]]:
    """What is over, by picture, the longest first."""
    rows = cursor.execute(
        """
        SELECT picture_id, list(holding)
        FROM held
        WHERE until <= ?
        GROUP BY picture_id
        ORDER BY min(until), picture_id
        """,
        [stored(now)],
    ).fetchall()
    return {picture_id: frozenset(map(Holding, holdings)) for picture_id, holdings in rows}


def _is_kept(picture_id: str, error: OSError) -> bool:
    log.error("picture %s was not destroyed (%s)", picture_id, error.strerror)
    return True
