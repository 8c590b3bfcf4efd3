"""How far two reviewers agreed who decided one picture without seeing each other's decision.

Only pictures count that nobody had decided before: where the release check sent one back, both
start from regions that both know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from engine.evaluation.scores.agreement import NO_BOXES, BoxAgreement, matched_regions
from engine.evaluation.scores.proportion import NONE, Proportion
from engine.plan import Region
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.review import claims
from store.review.statistics import WINDOW
from store.times import bounds

FEWEST = 10
"""Fewer pictures have no interval: it would span most of what is possible."""


@dataclass(frozen=True, slots=True)
class ReviewerAgreement:
    """Second reviews, of two people or of all; they add with `+`."""

    same_decision: Proportion = NONE
    """Pictures that both released or both rejected."""
    same_boxes: Proportion = NONE
    """Of those that both released, pictures in which each box of either has a partner."""
    boxes: BoxAgreement = NO_BOXES
    """Of pictures that both released; the first is who comes first by name."""

    def __add__(self, other: ReviewerAgreement) -> ReviewerAgreement:
        return ReviewerAgreement(
            self.same_decision + other.same_decision,
            self.same_boxes + other.same_boxes,
            self.boxes + other.boxes,
        )


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Second reviews of two people, by name."""

    reviewers: tuple[str, str]
    agreement: ReviewerAgreement


def by_pair(actor: Actor, database: Database, now: datetime) -> tuple[PairAgreement, ...]:
    """Everybody who decided a picture with another in the last 30 days, in the order of names."""
    with database.transaction(actor, Act.READ_REVIEWERS) as cursor:
        rows = cursor.execute(
            """
            SELECT a.reviewer, b.reviewer, a.decision, b.decision, a.regions, b.regions, l.plan
            FROM second_reviews AS s
            JOIN verdicts AS a ON a.number = s.first
            JOIN verdicts AS b ON b.number = s.second
            JOIN plans AS l ON l.picture_id = a.picture_id AND l.revision = a.revision
            WHERE b.decided_at > ?
              AND b.decided_at <= ?
            ORDER BY b.number
            """,
            [*bounds(WINDOW, now)],
        ).fetchall()
    by_names: dict[tuple[str, str], ReviewerAgreement] = {}
    for first, second, *decisions, first_regions, second_regions, plan in rows:
        if json.loads(plan).get("decided"):
            continue
        sides = sorted([(first, first_regions), (second, second_regions)])
        (first, _), (second, _) = sides
        made = _of_picture(*decisions, *(claims.regions_from(regions) for _, regions in sides))
        by_names[first, second] = by_names.get((first, second), ReviewerAgreement()) + made
    return tuple(PairAgreement(names, by_names[names]) for names in sorted(by_names))


def total(pairs: Iterable[PairAgreement]) -> ReviewerAgreement:
    """All second reviews together."""
    return sum((pair.agreement for pair in pairs), ReviewerAgreement())


def _of_picture(decision: str, other: str, *regions: tuple[Region, ...]) -> ReviewerAgreement:
    is_same = Proportion(int(decision == other), 1)
    if not decision == other == "settled":
        return ReviewerAgreement(is_same)
    first, second = regions
    boxes = matched_regions(first, second).agreement
    return ReviewerAgreement(is_same, Proportion(int(boxes.is_complete), 1), boxes)
