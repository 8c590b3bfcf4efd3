"""Find the pictures that somebody asks about, exactly: by id, by a file's bytes, or by name.

A release carries nothing of Lethe in its pixels. So a file that was changed in one bit, saved again
or cut is not known by its bytes; one that still bears a release's name is told as altered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.batches import pictures
from store.database import Database


class Result(StrEnum):
    """How what was given stands to what is held."""

    FOUND = "found"
    ALTERED = "altered"
    """It bears the name of a release, and its bytes are others."""
    UNKNOWN = "unknown"


class Means(StrEnum):
    """What a picture was found by."""

    ID = "id"
    RELEASE = "release file"
    ORIGINAL = "original file"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Found:
    """Pictures that were found; none of something unknown."""

    result: Result
    means: Means | None
    """None where nothing was found."""
    picture_ids: tuple[str, ...] = ()
    """In the order they came."""


_NOTHING = Found(Result.UNKNOWN, None)


def by_id(actor: Actor, database: Database, id_: str) -> Found:
    """The picture with this id, or the one that a release with this id was made of."""
    with database.transaction(actor, Act.FIND_SUBJECT) as cursor:
        rows = cursor.execute(
            """
            SELECT id
            FROM pictures
            WHERE id = $id
               OR id IN (SELECT picture_id FROM receipts WHERE release_id = $id)
            """,
            {"id": id_},
        ).fetchall()
        return _told(database, _found(Means.ID, rows))


def by_file(actor: Actor, database: Database, name: str, digest: bytes) -> Found:
    """The pictures that a file is a release of, or the original of, byte for byte.

    Args:
        actor: on whose behalf.
        database: the open database.
        name: of the file, which may be a release's.
        digest: SHA-256 of its bytes.
    """
    with database.transaction(actor, Act.FIND_SUBJECT) as cursor:
        found = _of_bytes(database, cursor, digest)
        if found is _NOTHING:
            found = _of_name(cursor, name)
        return _told(database, found)


def by_name(actor: Actor, database: Database, name: str) -> Found:
    """The pictures that came under exactly this name, folder included."""
    with database.transaction(actor, Act.FIND_SUBJECT) as cursor:
        rows = [(id_,) for id_ in pictures.ids_named(cursor, database.vault, name)]
        return _told(database, _found(Means.NAME, rows))


def _of_bytes(database: Database, cursor: duckdb.DuckDBPyConnection, digest: bytes) -> Found:
    rows = cursor.execute(
        """
        SELECT id
        FROM pictures
        WHERE id IN (SELECT picture_id FROM receipts WHERE sha256 = ?)
        ORDER BY number
        """,
        [digest.hex()],
    ).fetchall()
    if rows:
        return _found(Means.RELEASE, rows)
    rows = cursor.execute(
        """
        SELECT id
        FROM pictures
        WHERE original = ?
        ORDER BY number
        """,
        [database.signer.keys.original_digest(digest)],
    ).fetchall()
    return _found(Means.ORIGINAL, rows)


def _of_name(cursor: duckdb.DuckDBPyConnection, name: str) -> Found:
    rows = cursor.execute(
        """
        SELECT picture_id
        FROM receipts
        WHERE release_id = ?
        """,
        [PurePath(name).name.partition(".")[0]],
    ).fetchall()
    if not rows:
        return _NOTHING
    return Found(Result.ALTERED, Means.NAME, tuple(id_ for (id_,) in rows))


def _found(means: Means, rows: list[tuple[str]]) -> Found:
    ids = tuple(id_ for (id_,) in rows)
    return Found(Result.FOUND, means, ids) if ids else _NOTHING


def _told(database: Database, found: Found) -> Found:
    """Put on record what was found; what was asked for may be a name, and is not."""
    event = database.event
    if len(found.picture_ids) == 1:
        (event.subject,) = found.picture_ids
    event.details |= {"result": found.result.value, "pictures": len(found.picture_ids)}
    if found.means is not None:
        event.details["by"] = found.means.value
    return found
