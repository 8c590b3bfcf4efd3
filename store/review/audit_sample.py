"""Sample checks: what people decided about pictures, beside what the machine had proposed.

Pictures drawn at random, which nothing but the draw sent to a person, show what automation misses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import duckdb

from engine.evaluation.scores.audit_sample import (
    Check,
    SampleCounts,
    count_checks,
)
from engine.evaluation.scores.proportion import Proportion
from engine.plan import Plan, Region
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.review import claims, plans
from store.times import aware

_State: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the machine proposed for a picture, and what a person decided."""

    picture_id: str
    machine: Plan
    """Its regions carry the rectangles that removal would have covered, where they are known; of
    some pictures of command-line runs they are not."""
    decided: tuple[Region, ...]
    audit_sample: bool
    decided_at: datetime
    reviewer: str

    @property
    def is_comparable(self) -> bool:
        """Whether it is known what the machine would have covered."""
        return all(region.has_rect for region in self.machine.proposed)

    @property
    def check(self) -> Check:
        """Both sides, to be counted."""
        return Check(self.picture_id, self.machine.proposed, self.decided, self.machine.size)


@dataclass(frozen=True, slots=True)
class SampleResult:
    """What the sample showed so far. What a person rejected says nothing of what was missed in it.

    So it stands in the bound as missed, and in no other number.
    """

    counts: SampleCounts = field(default_factory=SampleCounts)
    """Of the pictures that people let pass, so that boxes can be compared."""
    rejected: int = 0
    """Pictures that a person rejected."""
    unknown: int = 0
    """Decided pictures without a record of what the machine would have covered."""
    over_time: tuple[tuple[date, Proportion], ...] = ()
    """Clean pictures of those decided, by the day of the decision."""

    @property
    def checked(self) -> int:
        """Pictures that were compared."""
        return self.counts.clean.total

    @property
    def missed(self) -> int:
        """Pictures, of those compared, in which a person found something."""
        return self.counts.clean.total - self.counts.clean.found

    @property
    def worst(self) -> Proportion:
        """Clean pictures of all, rejected ones counted as missed."""
        clean = self.counts.clean
        return Proportion(clean.found, clean.total + self.rejected)

    @property
    def upper(self) -> float | None:
        """Upper bound of the miss rate (one-sided, 95 %); None without a picture."""
        lower = self.worst.lower()
        return None if lower is None else 1.0 - lower


def comparisons(
    actor: Actor, database: Database, *, audit_sample: bool = True
) -> tuple[Comparison, ...]:
    """The machine's first plan beside the person's standing decision, in the order of decisions.

    A rejected picture is not among them: nobody said which regions would have made it safe.

    Args:
        actor: on whose behalf.
        database: the open database.
        audit_sample: True for the random sample, which measures what automation misses; False for
            the pictures that came to a person for another reason.
    """
    with database.transaction(actor, Act.READ_EVALUATIONS) as cursor:
        rows = cursor.execute(
            """
            SELECT p.id, d.regions, d.decided_at, d.reviewer, m.plan, m.masked
            FROM standing_decisions AS d
            JOIN pictures AS p ON p.id = d.picture_id
            JOIN plans AS m ON m.picture_id = p.id AND m.revision = 0
            WHERE d.decision = 'settled'
              AND p.audit_sample = ?
            ORDER BY d.number
            """,
            [audit_sample],
        ).fetchall()
    return tuple(_comparison(row, audit_sample=audit_sample) for row in rows)


def result(actor: Actor, database: Database) -> SampleResult:
    """What the random sample showed so far, for pages and monitoring alike.

    Comparing boxes takes longer than a query, so it is kept until somebody decides again.
    """
    with database.transaction(actor, Act.READ_EVALUATIONS) as cursor:
        state = _state(cursor)
    known = _known.get(database)
    if known is None or known[0] != state:
        known = _known[database] = state, _counted(actor, database)
    return known[1]


def _state(cursor: duckdb.DuckDBPyConnection) -> _State:
    """Another whenever a decision, or what stands of one, is another: until then, counts hold."""
    (row,) = cursor.execute(
        """
        SELECT count(*), coalesce(max(number), 0), count(undone_at), count(contested_at),
            (SELECT count(*) FROM second_reviews),
            (SELECT count(second) FROM second_reviews)
        FROM verdicts
        """
    ).fetchall()
    return tuple(row)


def _counted(actor: Actor, database: Database) -> SampleResult:
    decided = comparisons(actor, database)
    by_picture = [
        (comparison.decided_at.date(), count_checks([comparison.check]))
        for comparison in decided
        if comparison.is_comparable
    ]
    return SampleResult(
        counts=sum((counts for _, counts in by_picture), SampleCounts()),
        rejected=rejected(actor, database),
        unknown=len(decided) - len(by_picture),
        over_time=tuple((day, counts.clean) for day, counts in by_picture),
    )


def rejected(actor: Actor, database: Database, *, audit_sample: bool = True) -> int:
    """How many pictures people held back for good, for which there is nothing to compare."""
    with database.transaction(actor, Act.READ_EVALUATIONS) as cursor:
        ((count,),) = cursor.execute(
            """
            SELECT count(*)
            FROM standing_decisions AS d
            JOIN pictures AS p ON p.id = d.picture_id
            WHERE d.decision = 'rejected'
              AND p.audit_sample = ?
            """,
            [audit_sample],
        ).fetchall()
    return int(count)


_known: WeakKeyDictionary[Database, tuple[_State, SampleResult]] = WeakKeyDictionary()


def _comparison(row: tuple[Any, ...], *, audit_sample: bool) -> Comparison:
    picture_id, regions, decided_at, reviewer, plan, masked = row
    return Comparison(
        picture_id=picture_id,
        machine=plans.from_columns(plan, masked),
        decided=claims.regions_from(regions),
        audit_sample=audit_sample,
        decided_at=aware(decided_at),
        reviewer=reviewer,
    )
