"""Second reviews: a random share of pictures that two people decide, each without seeing the other.

A picture is drawn when the first person has decided it; it then waits in the queue for somebody
else, with the plan that the first person was shown. Once both have decided, what either marked goes
and what either rejected is held back. Whoever takes a decision back leaves the other one waiting
for a second. See docs/decisions/0026-second-review.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from engine.evaluation.scores.agreement import matched_regions
from engine.plan import Plan, Reason, ReasonKind, Region
from engine.signing.keys import KeyRing
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.review import claims

_REASON = Reason(ReasonKind.SECOND_REVIEW)


@dataclass(frozen=True, slots=True)
class FirstDecision:
    """A verdict on a picture that waits for another person's."""

    number: int
    reviewer: str
    is_rejection: bool
    regions: tuple[Region, ...]


def waiting_for_others(actor: Actor, database: Database, reviewer: str) -> int:
    """How many pictures in the queue are not for this reviewer, who decided them first."""
    with database.transaction(actor, Act.READ_QUEUE) as cursor:
        ((count,),) = cursor.execute(
            """
            SELECT count(*)
            FROM open_second_reviews
            WHERE lower(reviewer) = lower(?)
            """,
            [reviewer],
        ).fetchall()
    return int(count)


def first_decision(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> FirstDecision | None:
    """What the first person decided; None where the picture waits for no second one."""
    row = cursor.execute(
        """
        SELECT first, reviewer, decision, regions
        FROM open_second_reviews
        WHERE picture_id = ?
        """,
        [picture_id],
    ).fetchone()
    if row is None:
        return None
    number, reviewer, decision, regions = row
    return FirstDecision(number, reviewer, decision == "rejected", claims.regions_from(regions))


def is_drawn(cursor: duckdb.DuckDBPyConnection, keys: KeyRing, picture_id: str) -> bool:
    """Whether two people decide this picture; follows from its content, the keys and the policy."""
    row = cursor.execute(
        """
        SELECT b.second_review_share, p.original
        FROM pictures AS p
        JOIN batches AS b ON b.id = p.batch_id
        WHERE p.id = ?
        """,
        [picture_id],
    ).fetchone()
    share, original = (0.0, None) if row is None else row
    if not share:
        return False
    return original is None or keys.second_review_draw(original) < share


def begin(cursor: duckdb.DuckDBPyConnection, picture_id: str, first: int) -> None:
    """Have a verdict wait for another person's."""
    cursor.execute(
        """
        INSERT INTO second_reviews (picture_id, first)
        VALUES (?, ?)
        """,
        [picture_id, first],
    )


def complete(
    cursor: duckdb.DuckDBPyConnection,
    first: FirstDecision,
    second: int,
    *,
    is_rejection: bool,
    regions: tuple[Region, ...],
) -> None:
    """Keep what both decided, beside the numbers of their verdicts."""
    cursor.execute(
        """
        UPDATE second_reviews
        SET second = ?,
            decision = ?,
            regions = ?
        WHERE first = ?
        """,
        [
            second,
            "rejected" if is_rejection else "settled",
            claims.regions_text(regions),
            first.number,
        ],
    )


def take_back(cursor: duckdb.DuckDBPyConnection, picture_id: str, number: int) -> bool:
    """Take one verdict out of its second review.

    Returns:
        True when the other person's waits for a second now; False when there is none.
    """
    row = cursor.execute(
        """
        DELETE FROM second_reviews
        WHERE first = ?
           OR second = ?
        RETURNING first, second
        """,
        [number, number],
    ).fetchone()
    others = [one for one in row or () if one not in (None, number)]
    for other in others:
        begin(cursor, picture_id, other)
    return bool(others)


def union(first: FirstDecision, second: Sequence[Region]) -> tuple[Region, ...]:
    """What either reviewer marked."""
    return matched_regions(first.regions, second).union


def asked(plan: Plan, *, revision: int, is_second: bool) -> Plan:
    """The plan as a person is asked about it anew, with or without the reason of a second review.

    Args:
        plan: as the machine made it, or as it was asked about before.
        revision: one that nobody has seen.
        is_second: whether another person's decision waits.
    """
    reasons = tuple(reason for reason in plan.reasons if reason != _REASON)
    return replace(plan, revision=revision, reasons=(*reasons, *([_REASON] if is_second else [])))
