"""How reviewers get on: how many pictures they decide, how fast, and how often anything changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.plan import Plan, Region
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.review import claims, plans
from store.review.queue import LONGEST_LOOK
from store.times import bounds

WINDOW = timedelta(days=30)
"""Decisions that count."""


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
            """
            SELECT v.reviewer, v.decision, v.regions, v.opened_at, v.decided_at,
                v.undone_at IS NOT NULL OR v.contested_at IS NOT NULL, l.plan, l.masked
            FROM verdicts AS v
            LEFT JOIN plans AS l ON l.picture_id = v.picture_id AND l.revision = v.revision
            WHERE v.decision IN ('settled', 'rejected')
              AND v.decided_at > ?
              AND v.decided_at <= ?
            ORDER BY v.number
            """,
            [*bounds(WINDOW, now)],
        ).fetchall()
    by_name: dict[str, list[tuple[Any, ...]]] = {}
    for name, *row in rows:
        by_name.setdefault(name, []).append(tuple(row))
    return tuple(_statistics(name, by_name[name]) for name in sorted(by_name))


def _statistics(name: str, rows: list[tuple[Any, ...]]) -> ReviewerStatistics:
    looks = [
        min(decided_at - opened_at, LONGEST_LOOK).total_seconds()
        for _, _, opened_at, decided_at, *_ in rows
        if opened_at is not None
    ]
    return ReviewerStatistics(
        reviewer=name,
        decided=len(rows),
        rejected=sum(decision == "rejected" for decision, *_ in rows),
        corrected=sum(_is_corrected(row) for row in rows),
        overturned=sum(is_overturned for *_, is_overturned, _, _ in rows),
        mean_seconds=sum(looks) / len(looks) if looks else None,
    )


def _is_corrected(row: tuple[Any, ...]) -> bool:
    decision, regions, _, _, _, plan, masked = row
    if decision != "settled" or plan is None:
        return False
    return is_correction(plans.from_columns(plan, masked), claims.regions_from(regions))


def is_correction(machine: Plan, decided: Iterable[Region]) -> bool:
    """True when a person added, moved, renamed or dropped a region.

    Dropping or keeping what the machine asked about is the answer to a question, no correction.
    """
    final = _places(decided)
    return not (_places(machine.regions) <= final <= _places(machine.proposed))


def _places(regions: Iterable[Region]) -> frozenset[tuple[str, tuple[float, ...]]]:
    """Category and box, as they are kept: a hundredth of a pixel is nothing."""
    kept = (region.to_json() for region in regions)
    return frozenset((value["category"], tuple(value["box"])) for value in kept)
