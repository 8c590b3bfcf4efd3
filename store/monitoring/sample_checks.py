"""What people found in the random sample of the pictures that had passed, counted once.

Comparing boxes takes longer than a query, so counts are kept until somebody decides again.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from engine.evaluation.scores.audit_sample import count_checks
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.review import audit_sample
from store.review.audit_sample import State


@dataclass(frozen=True, slots=True)
class SampleChecks:
    """Pictures of the sample that people decided."""

    checked: int
    """And let pass, so that boxes can be compared."""
    missed: int
    """Of these, with something that the machine had missed."""
    rejected: int


_known: WeakKeyDictionary[Database, tuple[State, SampleChecks]] = WeakKeyDictionary()


def sample_checks(actor: Actor, database: Database) -> SampleChecks:
    """Results so far; pictures whose masks nobody knows are left out."""
    with database.transaction(actor, Act.READ_FIGURES) as cursor:
        state = audit_sample.state(cursor)
    known = _known.get(database)
    if known is not None and known[0] == state:
        return known[1]
    result = _counted(actor, database)
    _known[database] = state, result
    return result


def _counted(actor: Actor, database: Database) -> SampleChecks:
    comparisons = audit_sample.comparisons(actor, database)
    clean = count_checks([one.check for one in comparisons if one.is_comparable]).clean
    return SampleChecks(
        checked=clean.total,
        missed=clean.total - clean.found,
        rejected=audit_sample.rejected(actor, database),
    )
