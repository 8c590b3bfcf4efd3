"""Pictures of a batch: the state machine of each, to exactly one outcome.

waiting ─► working ─► released | review | quarantined
review ── decision ─► settled ─► working ─► released | quarantined
waiting ── batch cancelled ─► cancelled
any before its outcome ── its time was over, or it was deleted ─► quarantined
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
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
from store.vault import private_text
from store.vault.context import Item, Purpose
from store.vault.new_keys import NewKeys
from store.vault.private_text import UNOPENED, PrivateText
from store.vault.vault import Vault


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
    name: PrivateText
    manifest_line: PrivateText
    why: PrivateText
    state: PictureState
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

    @property
    def source(self) -> str:
        """The name it came with."""
        return self.name.shown

    @property
    def licence(self) -> Entry | None:
        """Its line in the manifest; None where it has none."""
        return entry(self.manifest_line)

    @property
    def reason(self) -> str | None:
        """Why it is quarantined, a sentence."""
        return self.why.shown or None


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A picture that came in, to be sealed."""

    id: str
    source: str
    licence: Entry | None = None
    refusal: str | None = None
    """Why it is held back from the start; None when it may go on."""
    original: str | None = None
    """`store.batches.originals.digest` of its original; None where there is none to read."""
    deadlines: Deadlines = KEPT


@dataclass(frozen=True, slots=True)
class SealedPicture:
    """A row to insert."""

    id: str
    name: bytes
    lookup: str
    """Equal for equal names."""
    licence: bytes | None
    refusal: str | None
    original: str | None
    deadlines: Deadlines


_COLUMNS = """
    SELECT p.id, p.batch_id, p.sealed_source, p.source, p.sealed_licence, p.licence, p.reason,
        p.sealed_reason, p.state, r.release_id, p.audit_sample, p.revision, p.changed_at,
        o.begun_at, e.begun_at
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
    limit: int | None = None,
    offset: int = 0,
) -> tuple[Picture, ...]:
    """The batch's pictures in those states, in the order they came; all unless limited."""
    with database.transaction(actor, Act.READ_BATCHES, batch_id) as cursor:
        rows = cursor.execute(
            f"""
            {_COLUMNS}
            WHERE p.id IN (
                SELECT id
                FROM pictures
                WHERE batch_id = ?
                  AND list_contains(?::VARCHAR[], state)
                ORDER BY number
                LIMIT ?
                OFFSET ?
            )
            ORDER BY p.number
            """,  # noqa: S608 -- constants
            [batch_id, [state.value for state in states], limit, offset],
        ).fetchall()
    return tuple(_picture(database.vault, row) for row in rows)


def of_ids(actor: Actor, database: Database, picture_ids: Collection[str]) -> tuple[Picture, ...]:
    """These pictures, in the order they came; those that are unknown are left out."""
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        rows = cursor.execute(
            f"""
            {_COLUMNS}
            WHERE p.id IN (SELECT unnest(?::VARCHAR[]))
            ORDER BY p.number
            """,
            [list(picture_ids)],
        ).fetchall()
    return tuple(_picture(database.vault, row) for row in rows)


def count_of_batch(
    actor: Actor, database: Database, batch_id: str, states: Collection[PictureState]
) -> int:
    """How many pictures of the batch are in those states."""
    with database.transaction(actor, Act.READ_BATCHES, batch_id) as cursor:
        ((count,),) = cursor.execute(
            """
            SELECT count(*)
            FROM pictures
            WHERE batch_id = ?
              AND list_contains(?::VARCHAR[], state)
            """,
            [batch_id, [state.value for state in states]],
        ).fetchall()
    return int(count)


def picture(actor: Actor, database: Database, picture_id: str) -> Picture:
    """One picture.

    Raises:
        UnknownRecord: there is none with that id.
    """
    with database.transaction(actor, Act.READ_BATCHES, picture_id) as cursor:
        row = cursor.execute(f"{_COLUMNS} WHERE p.id = ?", [picture_id]).fetchone()
    if row is None:
        raise UnknownRecord(f"There is no picture {picture_id}.")
    return _picture(database.vault, row)


def entry(line: PrivateText) -> Entry | None:
    """A picture's line in the manifest; None where it has none.

    One that cannot be opened any more says so, in attributions too: nobody knows whom it named.
    """
    try:
        found = line.text
    except UNOPENED as error:
        lost = private_text.lost(line.purpose, error)
        return Entry(source=lost, licence=lost, attribution_needed=True)
    return None if found is None else Entry(**json.loads(found))


def sealed(vault: Vault, batch_id: str, row: NewPicture) -> SealedPicture:
    """A row whose name and licence only the picture's key opens, which is made where it has none.

    Raises:
        UnusableKeys: the batch's key is gone.
        OSError: the disk does not take a key.
    """
    if not vault.has_picture(batch_id, row.id):  # of what could not be read
        vault.add_batch(batch_id)
        vault.add_picture(batch_id, row.id)
    return sealed_with(vault, vault, batch_id, row)


def sealed_with(
    keys: Vault | NewKeys, vault: Vault, batch_id: str, row: NewPicture
) -> SealedPicture:
    """A row whose name and licence a key seals that the picture has, or is about to have.

    Raises:
        UnusableKeys: it has none.
    """
    line = None if row.licence is None else json.dumps(asdict(row.licence))
    licence = Item(batch_id, row.id, Purpose.LICENCE)
    return SealedPicture(
        id=row.id,
        name=keys.seal_text(Item(batch_id, row.id, Purpose.NAME), storable(row.source)),
        lookup=private_text.name_lookup(vault, row.source),
        licence=None if line is None else keys.seal_text(licence, line),
        refusal=row.refusal,
        original=row.original,
        deadlines=row.deadlines,
    )


def ids_named(cursor: duckdb.DuckDBPyConnection, vault: Vault, name: str) -> tuple[str, ...]:
    """Ids of the pictures that came under exactly this name, in the order they came."""
    rows = cursor.execute(
        """
        SELECT id
        FROM pictures
        WHERE source_lookup = ?
        ORDER BY number
        """,
        [private_text.name_lookup(vault, name)],
    ).fetchall()
    return tuple(id_ for (id_,) in rows)


def insert(
    cursor: duckdb.DuckDBPyConnection,
    batch_id: str,
    rows: Sequence[SealedPicture],
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
            (id, sealed_source, source_lookup, sealed_licence, state, reason, original,
            original_until, preview_until, name_until, release_until, review_until, batch_id,
            added_at, changed_at)
        SELECT unnest(?::VARCHAR[]), unnest(?::BLOB[]), unnest(?::VARCHAR[]), unnest(?::BLOB[]),
            unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),
            unnest(?::TIMESTAMP[]), unnest(?::TIMESTAMP[]), unnest(?::TIMESTAMP[]),
            unnest(?::TIMESTAMP[]), unnest(?::TIMESTAMP[]), ?, ?, ?
        """,
        [
            [row.id for row in rows],
            [row.name for row in rows],
            [row.lookup for row in rows],
            [row.licence for row in rows],
            [state.value for state in states],
            [row.refusal for row in rows],
            [row.original for row in rows],
            *([stored_or_none(row.deadlines.of(one)) for row in rows] for one in Holding),
            batch_id,
            stored(now),
            stored(now),
        ],
    )


def _picture(vault: Vault, row: tuple[Any, ...]) -> Picture:
    picture_id, batch_id, *texts = row[:8]
    state, release_id, audit_sample, revision, changed_at, original_ended, release_ended = row[8:]
    return Picture(
        id=picture_id,
        batch_id=batch_id,
        name=private_text.of_picture(vault, batch_id, picture_id, Purpose.NAME, *texts[:2]),
        manifest_line=private_text.of_picture(
            vault, batch_id, picture_id, Purpose.LICENCE, *texts[2:4]
        ),
        why=private_text.of_picture(vault, batch_id, picture_id, Purpose.REASON, *texts[4:]),
        state=PictureState(state),
        release_id=release_id,
        audit_sample=audit_sample,
        revision=revision,
        changed_at=aware(changed_at),
        original_ended_at=aware_or_none(original_ended),
        release_ended_at=aware_or_none(release_ended),
    )
