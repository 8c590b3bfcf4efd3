"""The figures: what waits, what is held back and why, what was refused, what samples showed.

Each is one query that DuckDB answers in milliseconds, of a hundred thousand pictures too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import duckdb

from engine.runs.jobs import HeldFor
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.batches.pictures import PictureState
from store.database import Database
from store.retention.holding import HELD_FOR
from store.review import audit_sample
from store.review.audit_sample import SampleResult
from store.times import aware_or_none, stored
from store.worker.recovery import MAX_ATTEMPTS

LATELY = timedelta(hours=24)


class Held(StrEnum):
    """Why pictures are held back: what the machine says, and what it never had its hands on."""

    UNREADABLE = HeldFor.UNREADABLE
    CHECK = HeldFor.CHECK
    DEFECT = HeldFor.DEFECT
    OTHER = HeldFor.OTHER
    REJECTED = "rejected"
    """By a person."""
    REFUSED = "refused"
    """On arrival: no licence, or no file."""
    ENDED = "ended"
    """Its time was over, or it was deleted on request."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How the line stood at a moment."""

    at: datetime
    pictures: Mapping[PictureState, int]
    oldest: Mapping[PictureState, datetime]
    """Since when the picture waits, or is worked on, that does so longest."""
    postponed: int
    """Of those that wait for the machine: this machine could not do them."""
    held_back: Mapping[Held, int]
    refused: Mapping[str, int]
    """Refused accesses since there is a trail, by the reason as the trail has it."""
    refused_lately: int
    """Of these, in the last `LATELY`."""
    overdue: int
    """Pictures of which something should have ended by now."""
    sample: SampleResult

    @property
    def redaction_failures(self) -> int:
        """Pictures held back since removal or a check of it failed."""
        return self.held_back[Held.CHECK] + self.held_back[Held.DEFECT]


def figures(actor: Actor, database: Database, now: datetime) -> Figures:
    """The figures as of now."""
    with database.transaction(actor, Act.READ_FIGURES) as cursor:
        pictures, oldest, postponed = _pictures(cursor)
        held_back = _held_back(cursor)
        refused, refused_lately = _refused(cursor, now)
        overdue = _overdue(cursor, now)
    return Figures(
        now, pictures, oldest, postponed, held_back, refused, refused_lately, overdue,
        audit_sample.result(actor, database),
    )  # fmt: skip


def _pictures(
    cursor: duckdb.DuckDBPyConnection,
) -> tuple[dict[PictureState, int], dict[PictureState, datetime], int]:
    """Counts, the longest waits, and how many are postponed; of batches that were started."""
    rows = cursor.execute(
        """
        SELECT p.state, count(*), count(p.postponed),
            min(
                CASE p.state
                    WHEN 'review' THEN p.prepared_at
                    WHEN 'waiting' THEN b.started_at
                    ELSE p.changed_at
                END
            )
        FROM pictures AS p
        JOIN batches AS b ON b.id = p.batch_id
        WHERE p.state <> 'waiting'
           OR b.started_at IS NOT NULL
        GROUP BY p.state
        """
    ).fetchall()
    known = {PictureState(state): (count, late, since) for state, count, late, since in rows}
    counts = {state: int(known[state][0]) if state in known else 0 for state in PictureState}
    oldest: dict[PictureState, datetime] = {
        state: moment
        for state in (PictureState.WAITING, PictureState.WORKING, PictureState.REVIEW)
        if state in known and (moment := aware_or_none(known[state][2])) is not None
    }
    postponed = sum(
        int(known[state][1])
        for state in (PictureState.WAITING, PictureState.SETTLED)
        if state in known
    )
    return counts, oldest, postponed


def _held_back(cursor: duckdb.DuckDBPyConnection) -> dict[Held, int]:
    """`attempts` tells a person's rejection, as it does for another try."""
    rows = cursor.execute(
        """
        SELECT CASE
                WHEN held_for = ? THEN 'ended'
                WHEN attempts = 0 AND prepared_at IS NOT NULL THEN 'rejected'
                WHEN attempts = 0 THEN 'refused'
                WHEN held_for IS NOT NULL THEN held_for
                WHEN attempts >= ? THEN 'defect'
                ELSE 'other'
            END AS held,
            count(*)
        FROM pictures
        WHERE state = 'quarantined'
        GROUP BY held
        """,
        [HELD_FOR, MAX_ATTEMPTS],
    ).fetchall()
    known = {str(held): int(count) for held, count in rows}
    return {held: known.get(held.value, 0) for held in Held}


def _refused(cursor: duckdb.DuckDBPyConnection, now: datetime) -> tuple[dict[str, int], int]:
    rows = cursor.execute(
        """
        SELECT json_extract_string(details, '$.refused') AS reason,
            count(*),
            count(*) FILTER (WHERE happened_at > ?)
        FROM events
        WHERE contains(details, '"refused":"')
        GROUP BY reason
        ORDER BY reason
        """,
        [stored(now - LATELY)],
    ).fetchall()
    return {str(reason): int(count) for reason, count, _ in rows}, sum(row[2] for row in rows)


def _overdue(cursor: duckdb.DuckDBPyConnection, now: datetime) -> int:
    ((count,),) = cursor.execute(
        """
        SELECT count(DISTINCT picture_id)
        FROM held
        WHERE until <= ?
        """,
        [stored(now)],
    ).fetchall()
    return int(count)
