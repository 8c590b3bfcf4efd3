"""How reviewers get on: how many pictures they decide, how fast, and how often anything changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.review.queue import LONGEST_LOOK
from store.times import bounds

WINDOW = timedelta(days=30)
"""Decisions that count."""


_PLACES = '[{"category":"VARCHAR","box":["DOUBLE"]}]'
"""Of regions as they are kept: a hundredth of a pixel is nothing."""
_CORRECTED = f"""
    NOT (
        list_has_all(
            from_json(v.regions, '{_PLACES}'),
            from_json(json_extract(l.plan, '$.regions'), '{_PLACES}')
        )
        AND list_has_all(
            list_concat(
                from_json(json_extract(l.plan, '$.regions'), '{_PLACES}'),
                from_json(json_extract(l.plan, '$.doubts'), '{_PLACES}')
            ),
            from_json(v.regions, '{_PLACES}')
        )
    )
"""
"""Whether a person added, moved, renamed or dropped a region of the machine's.

Dropping or keeping what the machine asked about is the answer to a question, no correction.
"""


@dataclass(frozen=True, slots=True)
class ReviewerStatistics:
    """What one reviewer decided lately."""

    reviewer: str
    decided: int
    """Pictures, also those whose decision did not stand."""
    rejected: int
    """Of these, held back for good."""
    corrected: int
    """Of these, given other regions than the machine was sure of and asked about."""
    overturned: int
    """Of these, taken back by the reviewer, or contested by the release check."""
    mean_seconds: float | None
    """From opening a picture to the decision; None where that is of no picture on record."""

    @property
    def per_hour(self) -> float | None:
        """Pictures an hour of looking; None when nothing can be said."""
        return 3600.0 / self.mean_seconds if self.mean_seconds else None


def by_reviewer(actor: Actor, database: Database, now: datetime) -> tuple[ReviewerStatistics, ...]:
    """Everybody who decided a picture in the last 30 days, by name."""
    with database.transaction(actor, Act.READ_REVIEWERS) as cursor:
        rows = cursor.execute(
            f"""
            SELECT v.reviewer, count(*), count(*) FILTER (WHERE v.decision = 'rejected'),
                count(*) FILTER (WHERE v.decision = 'settled' AND {_CORRECTED}),
                count(*) FILTER (WHERE v.undone_at IS NOT NULL OR v.contested_at IS NOT NULL),
                avg(date_diff('microsecond', v.opened_at, least(v.decided_at, v.opened_at + ?)))
            FROM verdicts AS v
            LEFT JOIN plans AS l ON l.picture_id = v.picture_id AND l.revision = v.revision
            WHERE v.decision IN ('settled', 'rejected')
              AND v.decided_at > ?
              AND v.decided_at <= ?
            GROUP BY v.reviewer
            ORDER BY v.reviewer
            """,  # noqa: S608 -- constants
            [LONGEST_LOOK, *bounds(WINDOW, now)],
        ).fetchall()
    return tuple(
        ReviewerStatistics(
            reviewer,
            decided,
            rejected,
            corrected,
            overturned,
            None if mean_us is None else mean_us / 1e6,
        )
        for reviewer, decided, rejected, corrected, overturned, mean_us in rows
    )
