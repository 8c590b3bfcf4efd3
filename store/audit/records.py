"""Events as people look for them: filtered, a page at a time, with the names that are known.

A search word is an id, or a name that stands beside the chain; a release stands for its picture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.audit.event import Detail
from store.database import Database
from store.times import aware, stored

PAGE: Final = 50
MOST_STEPS: Final = 500
"""Of one picture: more than any has that people worked on. Its batch may have had more."""
_FEWEST_LETTERS: Final = 3
"""Of a name: fewer would be in every one."""
Outcome: TypeAlias = Literal["done", "refused"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are wanted; all of them as it stands."""

    word: str = ""
    """Id of a picture, batch, release or actor, a pseudonym, or part of a person's name."""
    acts: tuple[Act, ...] = ()
    """Empty for any."""
    since: datetime | None = None
    until: datetime | None = None
    """The first moment that no longer counts."""
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """An event, and who it was where that is known."""

    number: int
    at: datetime
    actor: str
    act: str
    subject: str
    details: Mapping[str, Detail]
    names: Mapping[str, str]
    """As kept beside the chain, by the ids and pseudonyms of this event; only known ones."""

    @property
    def refusal(self) -> str | None:
        """Why it was refused; None of what was done."""
        refused = self.details.get("refused")
        return None if refused is None else str(refused)

    @property
    def words(self) -> str:
        """What was done, in words; the key of an act that this Lethe does not know."""
        return _WORDS.get(self.act, self.act)


@dataclass(frozen=True, slots=True)
class Page:
    """Events of a filter, the newest first."""

    records: tuple[Record, ...]
    total: int
    """Of the filter, on all pages."""
    older: int | None
    """`before` of the next page; None on the last."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """One picture from its arrival on."""

    picture_id: str
    batch_id: str
    arrived_at: datetime
    release_ids: tuple[str, ...]
    """Withdrawn ones too."""
    steps: tuple[Record, ...]
    """The oldest first; events of its batch among them."""


_WORDS: Final = {act.key: act.words for act in Act}
_COLUMNS = """
    SELECT e.number, e.happened_at, e.actor, e.act, e.subject, e.details
    FROM events AS e
"""
CONDITION: Final = """
    WHERE ($before::BIGINT IS NULL OR e.number < $before)
      AND ($since::TIMESTAMP IS NULL OR e.happened_at >= $since)
      AND ($until::TIMESTAMP IS NULL OR e.happened_at < $until)
      AND (len($acts::VARCHAR[]) = 0 OR list_contains($acts::VARCHAR[], e.act))
      AND ($is_refused::BOOLEAN IS NULL OR contains(e.details, '"refused":"') = $is_refused)
      AND (
        len($ids::VARCHAR[]) = 0
        OR list_contains($ids::VARCHAR[], e.subject)
        OR list_contains($ids::VARCHAR[], e.actor)
        OR len(list_filter($quoted::VARCHAR[], lambda one: contains(e.details, one))) > 0
      )
"""
"""Of `parameters`; `e` stands for events."""


def page(actor: Actor, database: Database, wanted: Filter, before: int | None = None) -> Page:
    """The newest events of a filter, or the newest of those before the one that is named."""
    with database.snapshot(actor, Act.READ_AUDIT) as cursor:
        bound = parameters(cursor, wanted)
        ((total,),) = cursor.execute(
            f"""
            SELECT count(*)
            FROM events AS e
            {CONDITION}
            """,  # noqa: S608 -- constants
            bound,
        ).fetchall()
        rows = cursor.execute(
            f"""
            {_COLUMNS}
            {CONDITION}
            ORDER BY e.number DESC
            LIMIT $limit
            """,
            bound | {"before": before, "limit": PAGE + 1},
        ).fetchall()
        records = _records(cursor, rows[:PAGE])
    return Page(records, int(total), records[-1].number if len(rows) > PAGE else None)


def timeline(actor: Actor, database: Database, id_: str) -> Timeline | None:
    """What is on record of a picture, its batch and its releases; None where there is none such.

    Args:
        actor: on whose behalf.
        database: the open database.
        id_: of the picture, or of one of its releases.
    """
    with database.snapshot(actor, Act.READ_AUDIT) as cursor:
        row = cursor.execute(
            """
            SELECT p.id, p.batch_id, p.added_at,
                (SELECT coalesce(list(r.release_id ORDER BY r.released_at), [])
                 FROM receipts AS r
                 WHERE r.picture_id = p.id)
            FROM pictures AS p
            WHERE p.id = $id
               OR p.id IN (SELECT picture_id FROM receipts WHERE release_id = $id)
            """,
            {"id": id_},
        ).fetchone()
        if row is None:
            return None
        picture_id, batch_id, added_at, release_ids = row
        rows = cursor.execute(
            f"""
            {_COLUMNS}
            WHERE list_contains(?::VARCHAR[], e.subject)
            ORDER BY e.subject = ?, e.number
            LIMIT ?
            """,
            [[picture_id, batch_id, *release_ids], batch_id, MOST_STEPS],
        ).fetchall()
        steps = _records(cursor, sorted(rows))
    return Timeline(picture_id, batch_id, aware(added_at), tuple(release_ids), steps)


def parameters(cursor: duckdb.DuckDBPyConnection, wanted: Filter) -> dict[str, Any]:
    """What `CONDITION` asks for; ids that the filter's word stands for are looked up."""
    ids = _ids(cursor, wanted.word.strip())
    return {
        "before": None,
        "since": None if wanted.since is None else stored(wanted.since),
        "until": None if wanted.until is None else stored(wanted.until),
        "acts": [act.key for act in wanted.acts],
        "is_refused": None if wanted.outcome is None else wanted.outcome == "refused",
        "ids": ids,
        "quoted": [json.dumps(one, ensure_ascii=False) for one in ids],
    }


def _ids(cursor: duckdb.DuckDBPyConnection, word: str) -> list[str]:
    if not word:
        return []
    rows = cursor.execute(
        """
        SELECT id
        FROM audit_names
        WHERE lower(name) = lower($word)
           OR (length($word) >= $fewest AND contains(lower(name), lower($word)))
        UNION
        SELECT picture_id
        FROM receipts
        WHERE release_id = $word
        """,
        {"word": word, "fewest": _FEWEST_LETTERS},
    ).fetchall()
    return [word, *sorted(id_ for (id_,) in rows)]


def _records(
    cursor: duckdb.DuckDBPyConnection, rows: Sequence[tuple[Any, ...]]
) -> tuple[Record, ...]:
    told = [(*row[:5], _details(row[5])) for row in rows]
    ids = {id_ for *_, actor, _, _, details in told for id_ in _people(actor, details)}
    known: dict[str, list[str]] = {}
    for id_, name in cursor.execute(
        "SELECT id, name FROM audit_names WHERE list_contains(?::VARCHAR[], id) ORDER BY id, name",
        [sorted(ids)],
    ).fetchall():
        known.setdefault(id_, []).append(name)
    return tuple(
        Record(
            number,
            aware(at),
            actor,
            act,
            subject,
            details,
            {id_: ", ".join(known[id_]) for id_ in _people(actor, details) if id_ in known},
        )
        for number, at, actor, act, subject, details in told
    )


def _people(actor: str, details: Mapping[str, Detail]) -> list[str]:
    return [actor, *(value for value in details.values() if isinstance(value, str))]


def _details(text: str) -> Mapping[str, Detail]:
    """The details as their column has them; what somebody made of it that is none, as one text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"unreadable": text}
