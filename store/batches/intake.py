"""Intake: originals sealed on disk one by one, rows of their batch a chunk later.

Leaving the page, or losing the power, loses nothing that `add` reported as stored; an original that
did not become a row is deleted again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from engine.policy import RetentionPolicy, read_policy
from engine.runs.licences import LicenceList
from store.absence import absent
from store.accounts.act import Act
from store.accounts.actor import MACHINE, Actor
from store.batches.batches import Batch, batch, batch_in, refuse_cancelled
from store.batches.pictures import NewPicture, SealedPicture, insert, sealed
from store.database import Database
from store.originals import SealedFile, item
from store.retention.deadlines import deadlines
from store.vault.context import Item
from store.vault.errors import BrokenSeal

_CHUNK = 100
"""Pictures that become rows together; at most so many are sent again after a crash."""
NO_MANIFEST = LicenceList()
_CHANGED = "The file was changed while it waited, so nothing of it is used; add it again."


@dataclass(frozen=True, slots=True)
class Incoming:
    """A picture that comes in."""

    source: str
    """The name as given, in any script; two pictures may have the same."""
    content: bytes | Path | SealedFile
    """One that was sealed on arrival keeps its key, and the id that its seal is bound to."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What pictures that come in together have in common."""

    batch: Batch
    manifest: LicenceList
    retention: RetentionPolicy
    at: datetime


def add(
    actor: Actor,
    database: Database,
    batch_id: str,
    pictures: Iterable[Incoming],
    now: datetime,
    *,
    manifest: LicenceList = NO_MANIFEST,
) -> tuple[str, ...]:
    """Store pictures as waiting; those that may not be released are quarantined at once.

    A file that cannot be read is quarantined too, with the reason, so that the counts add up.

    Args:
        actor: on whose behalf.
        database: the open database.
        batch_id: a batch that was not cancelled.
        pictures: taken one at a time, so they need not fit into memory together.
        now: for the record.
        manifest: what is known about licences.

    Returns:
        The new pictures' ids, in order.

    Raises:
        BatchClosed: the batch was cancelled.
        InvalidPolicy: its policy cannot be read any more.
        UnknownRecord: there is no such batch.
        OSError: the disk does not take a file; pictures before it stay, but for the last hundred.
    """
    ids: list[str] = []
    remaining = iter(pictures)
    database.admit(actor, Act.ADD_PICTURES, batch_id)
    target = batch(actor, database, batch_id)
    refuse_cancelled(target)
    retention = read_policy(target.policy_toml, name="The batch's policy").retention
    arrival = _Arrival(target, manifest, retention, now)
    while chunk := _add_chunk(actor, database, arrival, islice(remaining, _CHUNK)):
        ids += chunk
        database.work.set()
    return tuple(ids)


def _add_chunk(
    actor: Actor,
    database: Database,
    arrival: _Arrival,
    pictures: Iterable[Incoming],
) -> list[str]:
    target = arrival.batch
    rows: list[SealedPicture] = []
    kept: dict[str, Item] = {}
    try:
        for incoming in pictures:
            row = _new_row(incoming, arrival)
            original = item(target.id, row.id)
            if _is_readable(incoming.content):
                try:
                    row = replace(row, original=_kept(database, original, incoming.content))
                except BrokenSeal:  # it is kept with its key
                    row = replace(row, refusal=_CHANGED)
            kept[row.id] = original  # the name of what cannot be read has a key, too
            rows.append(sealed(database.vault, target.id, row))
        with database.transaction(actor, Act.ADD_PICTURES, target.id) as cursor:
            database.event.details["pictures"] = len(rows)
            database.event.is_idle = not rows
            refuse_cancelled(batch_in(database.vault, cursor, target.id))
            insert(cursor, target.id, rows, arrival.at)
    except BaseException:
        for picture_id in absent(MACHINE, database, "pictures", kept):
            database.originals.discard(kept[picture_id])
        raise
    return [row.id for row in rows]


def _kept(database: Database, original: Item, content: bytes | Path | SealedFile) -> str:
    if isinstance(content, SealedFile):
        return database.originals.take_over(original, content)
    return database.originals.keep(original, content)


def _new_row(incoming: Incoming, arrival: _Arrival) -> NewPicture:
    require, manifest = arrival.batch.require_licence, arrival.manifest
    refusal = manifest.refusal(incoming.source, require_licence=require)
    if not _is_readable(incoming.content):
        refusal = "The file could not be read when it was to be copied; add it again."
    content = incoming.content
    picture_id = content.item.picture if isinstance(content, SealedFile) else secrets.token_hex(16)
    entry = manifest.entry(incoming.source)
    return NewPicture(
        picture_id,
        incoming.source,
        entry,
        refusal,
        deadlines=deadlines(arrival.retention, entry, arrival.at),
    )


def _is_readable(content: bytes | Path | SealedFile) -> bool:
    if isinstance(content, bytes):
        return True
    path = content.path if isinstance(content, SealedFile) else content
    return path.is_file() and os.access(path, os.R_OK)
