"""Whether the clock is believed before something is destroyed by it.

A clock that was set forward makes everything overdue, and what is destroyed stays so. So each sweep
holds the clock against the last one: while the machine stayed on, by the time that it was on; over
a restart only by the calendar, where a month off is nothing unusual and more has to be confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import duckdb

from store.retention.uptime import Uptime
from store.times import aware, day, stored

MOST_JUMP: Final = timedelta(days=1)
"""What a clock may be corrected by between two sweeps."""
LONGEST_OFF: Final = timedelta(days=31)
"""That a machine may have been off, or Lethe unused, without anybody being asked."""
CONFIRM: Final = "Set the clock right, or confirm it: lethe retention sweep --confirm-clock."


@dataclass(frozen=True, slots=True)
class LastSweep:
    """The last sweep, by both clocks."""

    at: datetime
    uptime: Uptime
    refused: str | None
    """Why there has been none since, a sentence."""


def last_sweep(cursor: duckdb.DuckDBPyConnection) -> LastSweep | None:
    """The last sweep; None before the first."""
    row = cursor.execute("SELECT swept_at, boot, uptime, refused FROM sweeps").fetchone()
    if row is None:
        return None
    swept_at, boot, seconds, refused = row
    return LastSweep(aware(swept_at), Uptime(boot, seconds), refused)


def keep(cursor: duckdb.DuckDBPyConnection, last: LastSweep) -> None:
    """Note a sweep, or that there was none, in the place of the one before."""
    cursor.execute("DELETE FROM sweeps")
    cursor.execute(
        """
        INSERT INTO sweeps (swept_at, boot, uptime, refused)
        VALUES (?, ?, ?, ?)
        """,
        [stored(last.at), last.uptime.boot, last.uptime.seconds, last.refused],
    )


def seen(cursor: duckdb.DuckDBPyConnection) -> datetime | None:
    """The last moment that any picture was worked on; None where there is none."""
    row = cursor.execute("SELECT max(changed_at) FROM pictures").fetchone()
    return None if row is None or row[0] is None else aware(row[0])


def disbelief(
    last: LastSweep | None, seen: datetime | None, now: datetime, uptime: Uptime
) -> str | None:
    """Why the clock cannot be believed, as a sentence; None where it can.

    Args:
        last: the last sweep; None before the first.
        seen: the last moment on record, by which the first sweep can tell.
        now: what the clock says.
        uptime: how long the machine has been on.
    """
    reference = seen if last is None else last.at
    if reference is None:
        return None
    if now < reference - MOST_JUMP:
        return _sentence("is behind", reference, now)
    passed = None if last is None else uptime.since(last.uptime)
    if last is not None and passed is not None:
        expected = last.at + timedelta(seconds=passed)
        if now > expected + MOST_JUMP:
            return _sentence("was set forward", last.at, now)
        if now < expected - MOST_JUMP:
            return _sentence("was set back", last.at, now)
        return None
    if now > reference + LONGEST_OFF:
        return _sentence("is more than a month ahead", reference, now)
    return None


def _sentence(verb: str, reference: datetime, now: datetime) -> str:
    return (
        f"Nothing is destroyed by its deadline now: the clock says {day(now)} and {verb}, as far "
        f"as the last record of {day(reference)} tells. {CONFIRM}"
    )
