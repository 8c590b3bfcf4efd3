"""Pictures of a batch: the state machine of each, to exactly one outcome.

waiting ─► working ─► released | review | quarantined
review ── decision ─► settled ─► working ─► released | quarantined
waiting ── batch cancelled ─► cancelled
any before its outcome ── its time was over, or it was deleted ─► quarantined
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import duckdb

from engine.runs.licences import Entry
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.errors import UnknownRecord
from store.retention.deadlines import KEPT, Deadlines
from store.retention.holding import Holding
from store.text import storable
from store.times import aware, aware_or_none, stored, stored_or_none


class PictureState(StrEnum):
    """Where a picture is."""

    WAITING = "waiting"
    WORKING = "working"
    REVIEW = "review"
    SETTLED = "settled"
    """A person decided; only removal is left."""
    RELEASED = "released"
    QUARANTINED = "quarantined"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Picture:
    """One row of a batch."""

    id: str
    batch_id: str
    source: str
    """The name it came with."""
    licence: Entry | None
    """Its line in the manifest; None where it has none."""
    state: PictureState
    reason: str | None
    """Why it is quarantined, a sentence."""
    release_id: str | None
    """Its release, while that stands."""
    audit_sample: bool
    """A sample check was the only cause for review, so it measures what automation misses."""
    revision: int
    changed_at: datetime
    original_ended_at: datetime | None
    """When its original was destroyed; None while it is held."""
    release_ended_at: datetime | None
    """When its release was destroyed; None of one that stands, and where there was none."""


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A row to insert."""

    id: str
    source: str
    licence: Entry | None = None
    refusal: str | None = None
    """Why it is held back from the start; None when it may go on."""
    original: str | None = None
    """`store.batches.originals.digest` of its original; None where there is none to read."""
    deadlines: Deadlines = KEPT


_COLUMNS = """
    SELECT p.id, p.batch_id, p.source, p.licence, p.state, p.reason, r.release_id,
        p.audit_sample, p.revision, p.changed_at, o.begun_at, e.begun_at
    FROM pictures AS p
    LEFT JOIN receipts AS r ON r.live_picture_id = p.id
    LEFT JOIN shreddings AS o ON o.picture_id = p.id AND o.holding = 'original'
    LEFT JOIN shreddings AS e ON e.picture_id = p.id AND e.holding = 'release'
"""


def of_batch(
    actor: Actor,
    database: Database,
    batch_id: str,
    states: Collection[PictureState] = tuple(PictureState),
    *,
    limit: int = 100_000,
    offset: int = 0,
) -> tuple[Picture, ...]:
    """The batch's pictures in those states, in the order they came."""
    with database.transaction(actor, Act.READ_BATCHES, batch_id) as cursor:
        rows = cursor.execute(
            f"""
            {_COLUMNS}
            WHERE p.batch_id = ?
              AND list_contains(?::VARCHAR[], p.state)
            ORDER BY p.number
            LIMIT ?
            OFFSET ?
            """,
            [batch_id, [state.value for state in states], limit, offset],
        ).fetchall()
    return tuple(_picture(row) for row in rows)


def picture(actor: Actor, database: Database, picture_id: str) -> Picture:
    """One picture.

    Raises:
        UnknownRecord: there is none with that id.
    """
    with database.transaction(actor, Act.READ_BATCHES, picture_id) as cursor:
        row = cursor.execute(f"{_COLUMNS} WHERE p.id = ?", [picture_id]).fetchone()
    if row is None:
        raise UnknownRecord(f"There is no picture {picture_id}.")
    return _picture(row)


def ids_named(cursor: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    """Ids of the pictures that came under exactly this name, in the order they came."""
    rows = cursor.execute(
        """
        SELECT id
        FROM pictures
        WHERE source = ?
        ORDER BY number
        """,
        [storable(name)],
    ).fetchall()
    return tuple(id_ for (id_,) in rows)


def insert(
    cursor: duckdb.DuckDBPyConnection,
    batch_id: str,
    rows: Sequence[NewPicture],
    now: datetime,
) -> None:
    """Insert rows in one statement; executemany takes seconds for some thousand."""
    if not rows:
        return
    states = [
        PictureState.WAITING if row.refusal is None else PictureState.QUARANTINED for row in rows
    ]
    cursor.execute(
        """
        INSERT INTO pictures
            (id, source, licence, state, reason, original, original_until, preview_until,
            name_until, release_until, review_until, batch_id, added_at, changed_at)
        SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),
            unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),
            unnest(?::TIMESTAMP[]), unnest(?::TIMESTAMP[]), unnest(?::TIMESTAMP[]),
            unnest(?::TIMESTAMP[]), unnest(?::TIMESTAMP[]), ?, ?, ?
        """,
        [
            [row.id for row in rows],
            [storable(row.source) for row in rows],
            [None if row.licence is None else json.dumps(asdict(row.licence)) for row in rows],
            [state.value for state in states],
            [row.refusal for row in rows],
            [row.original for row in rows],
            *([stored_or_none(row.deadlines.of(one)) for row in rows] for one in Holding),
            batch_id,
            stored(now),
            stored(now),
        ],
    )


def _picture(row: tuple[Any, ...]) -> Picture:
    columns = dict(zip((field.name for field in fields(Picture)), row, strict=True))
    licence = columns["licence"]
    columns["licence"] = None if licence is None else Entry(**json.loads(licence))
    columns["state"] = PictureState(columns["state"])
    columns["changed_at"] = aware(columns["changed_at"])
    for moment in ("original_ended_at", "release_ended_at"):
        columns[moment] = aware_or_none(columns[moment])
    return Picture(**columns)
