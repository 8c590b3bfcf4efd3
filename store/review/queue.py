"""How much waits for people, why, and how fast they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.category import Category
from engine.plan import ReasonKind
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.batches.batches import named
from store.database import Database
from store.review.choice import ALL, CHOSEN, FOR_REVIEWER, ORDERED, Choice
from store.times import CLOCKS_DIFFER, bounds, stored
from store.vault import private_text
from store.vault.context import Purpose
from store.vault.private_text import PrivateText

_PACE_WINDOW = timedelta(hours=1)
LONGEST_LOOK = timedelta(minutes=5)
"""A longer look was an interruption and counts as this much in the mean."""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One line of the queue."""

    picture_id: str
    batch_id: str
    name: PrivateText
    risk: float
    kinds: tuple[ReasonKind, ...]
    claimed_by: str | None
    """Who has it now; None when it is free."""

    @property
    def source(self) -> str:
        """The name the picture came with."""
        return self.name.shown


@dataclass(frozen=True, slots=True)
class Facets:
    """What the queue can be narrowed to, each with its number of pictures."""

    batches: tuple[tuple[str, str, int], ...]
    """Id, name, pictures."""
    kinds: tuple[tuple[ReasonKind, int], ...]
    categories: tuple[tuple[Category, int], ...]


@dataclass(frozen=True, slots=True)
class Pace:
    """How a reviewer gets on: what they did, what is left, and how long each takes."""

    decided: int
    """By this reviewer in the last hour."""
    waiting: int
    """What waits for somebody else's second review is not among it."""
    mean_seconds: float | None
    """From opening a picture to the verdict; None before the first one."""

    @property
    def seconds_left(self) -> float | None:
        """Until this reviewer alone has emptied the queue; None when nothing can be said."""
        return None if self.mean_seconds is None else self.waiting * self.mean_seconds


def entries(
    actor: Actor,
    database: Database,
    now: datetime,
    *,
    limit: int = 100,
    choice: Choice = ALL,
    reviewer: str = "",
) -> tuple[QueueEntry, ...]:
    """The queue in the chosen order: what a person would miss most first, unless they said else.

    Args:
        actor: on whose behalf.
        database: the open database.
        now: claims that ran out before do not count.
        limit: most entries.
        choice: which part of the queue, in which order.
        reviewer: leaves out what waits for somebody else's second review; "" leaves out nothing.
    """
    with database.transaction(actor, Act.READ_QUEUE) as cursor:
        rows = cursor.execute(
            f"""
            SELECT p.id, p.batch_id, p.sealed_source, p.source, p.risk, l.kinds,
                CASE
                    WHEN p.claimed_until > ? AND p.claimed_at <= ? THEN p.claimed_by
                END
            FROM pictures AS p
            JOIN plans AS l ON l.picture_id = p.id AND l.revision = p.revision
            WHERE p.state = 'review'
              AND {FOR_REVIEWER}
              AND {CHOSEN}
            ORDER BY {ORDERED}
            LIMIT ?
            """,  # noqa: S608 -- constants
            [
                stored(now),
                stored(now + CLOCKS_DIFFER),
                reviewer,
                *choice.filters,
                choice.order.value,
                limit,
            ],
        ).fetchall()
    return tuple(
        QueueEntry(
            picture_id,
            batch_id,
            private_text.of_picture(
                database.vault, batch_id, picture_id, Purpose.NAME, sealed, plain
            ),
            risk,
            tuple(map(ReasonKind, kinds)),
            claimed_by,
        )
        for picture_id, batch_id, sealed, plain, risk, kinds, claimed_by in rows
    )


def kinds_of(
    actor: Actor, database: Database, picture_ids: Collection[str]
) -> dict[str, tuple[ReasonKind, ...]]:
    """Why these pictures wait for a person, by id; those that do not are left out."""
    with database.transaction(actor, Act.READ_QUEUE) as cursor:
        rows = cursor.execute(
            """
            SELECT p.id, l.kinds
            FROM pictures AS p
            JOIN plans AS l ON l.picture_id = p.id AND l.revision = p.revision
            WHERE p.state = 'review'
              AND p.id IN (SELECT unnest(?::VARCHAR[]))
            """,
            [list(picture_ids)],
        ).fetchall()
    return {picture_id: tuple(map(ReasonKind, kinds)) for picture_id, kinds in rows}


def facets(actor: Actor, database: Database, *, reviewer: str = "") -> Facets:
    """What the queue can be narrowed to; `reviewer` as for `entries`."""
    with database.transaction(actor, Act.READ_QUEUE) as cursor:
        batches = cursor.execute(
            f"""
            SELECT b.id, b.sealed_name, b.name, count(*)
            FROM pictures AS p
            JOIN batches AS b ON b.id = p.batch_id
            WHERE p.state = 'review'
              AND {FOR_REVIEWER}
            GROUP BY b.id, b.sealed_name, b.name, b.number
            ORDER BY b.number
            """,  # noqa: S608 -- constants
            [reviewer],
        ).fetchall()
        kinds = cursor.execute(
            f"""
            SELECT unnest(l.kinds) AS kind, count(*)
            FROM pictures AS p
            JOIN plans AS l ON l.picture_id = p.id AND l.revision = p.revision
            WHERE p.state = 'review'
              AND {FOR_REVIEWER}
            GROUP BY kind
            ORDER BY count(*) DESC, kind
            """,  # noqa: S608 -- constants
            [reviewer],
        ).fetchall()
        categories = cursor.execute(
            f"""
            SELECT unnest(list_distinct(list_concat(
                json_extract_string(l.plan, '$.regions[*].category'),
                json_extract_string(l.plan, '$.doubts[*].category')
            ))) AS category, count(*)
            FROM pictures AS p
            JOIN plans AS l ON l.picture_id = p.id AND l.revision = p.revision
            WHERE p.state = 'review'
              AND {FOR_REVIEWER}
            GROUP BY category
            ORDER BY count(*) DESC, category
            """,  # noqa: S608 -- constants
            [reviewer],
        ).fetchall()
    return Facets(
        tuple(
            (batch_id, named(database.vault, batch_id, sealed, plain).shown, count)
            for batch_id, sealed, plain, count in batches
        ),
        tuple((ReasonKind(kind), count) for kind, count in kinds),
        tuple((Category(category), count) for category, count in categories),
    )


def pace(actor: Actor, database: Database, reviewer: str, now: datetime) -> Pace:
    """What this reviewer did in the last hour, and what is left for them."""
    with database.transaction(actor, Act.READ_QUEUE) as cursor:
        verdicts = cursor.execute(
            """
            SELECT opened_at, decided_at
            FROM verdicts
            WHERE reviewer = ?
              AND decided_at > ?
              AND decided_at <= ?
              AND undone_at IS NULL
              AND decision IN ('settled', 'rejected')
            """,
            [reviewer, *bounds(_PACE_WINDOW, now)],
        ).fetchall()
        ((waiting,),) = cursor.execute(
            f"""
            SELECT count(*)
            FROM pictures AS p
            WHERE p.state = 'review'
              AND {FOR_REVIEWER}
            """,  # noqa: S608 -- constants
            [reviewer],
        ).fetchall()
    looks = [
        min(decided_at - opened_at, LONGEST_LOOK).total_seconds()
        for opened_at, decided_at in verdicts
        if opened_at is not None
    ]
    return Pace(len(verdicts), waiting, sum(looks) / len(looks) if looks else None)
