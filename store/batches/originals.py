"""Integrity of originals: what is reviewed, decided and released has the same bytes.

An original lies in a folder that backups, syncing programs and failing disks reach too. So a digest
of it is stored at intake, and every use of the file compares. The digest is keyed with the
installation's secret: a plain hash would tell whoever finds the database who holds a candidate.
"""

from __future__ import annotations

import hashlib

import duckdb

from engine.errors import UnreadableImage
from engine.signing.keys import KeyRing
from store.accounts.act import Act
from store.accounts.actor import MACHINE, Actor
from store.accounts.role import Role
from store.database import Database
from store.errors import NotAllowed, UnknownRecord
from store.originals import item
from store.retention.ended import ended
from store.retention.holding import Holding
from store.times import day, stored
from store.vault.context import Item
from store.vault.errors import BrokenSeal

_CHANGED = (
    "The original is not the file that came in any more, or the keys of this installation are not "
    "those of that day, so nothing of it is released. Put it back from a copy, or add the picture "
    "again."
)
_UNKNOWN = (
    "A person decided about this picture before Lethe kept what its original looked like, so "
    "nobody can tell whether it is still the same. Add the picture again."
)


_NOT_YOURS = (
    "Originals are seen by whoever brought them, by the reviewer who has claimed them, and by "
    "admins; this one was not shown."
)


def digest(keys: KeyRing, content: bytes) -> str:
    """Keyed digest (HMAC-SHA-256) of an original's bytes, in hex."""
    return keys.original_digest(hashlib.sha256(content).digest())


def content(
    actor: Actor, database: Database, picture_id: str, *, act: Act = Act.VIEW_ORIGINAL
) -> bytes:
    """Read an original and check its digest.

    Of a picture that came before digests were stored, the first read since stores one.

    Args:
        actor: on whose behalf.
        database: the open database.
        picture_id: whose original.
        act: what for; without a word, for somebody to see it.

    Raises:
        NotAllowed: the actor may not, or not this one.
        UnknownRecord: there is no such picture.
        UnreadableImage: the file cannot be read, or is not the one that came in.
        UnusableKeys: the vault has no key for it, or cannot use it.
    """
    database.admit(actor, act, picture_id)
    original = _item_of(database, picture_id, act)
    try:
        data = database.originals.source(original).read()
    except OSError as error:
        raise UnreadableImage(f"The original cannot be read ({error.strerror}).") from error
    except BrokenSeal as error:
        raise UnreadableImage(str(error)) from error
    actual = digest(database.signer.keys, data)
    with database.transaction(actor, act, picture_id) as cursor:
        if act is Act.VIEW_ORIGINAL and not _is_open_to(actor, database, cursor, picture_id):
            raise NotAllowed(_NOT_YOURS)
        _refuse_ended(cursor, picture_id, act)
        cursor.execute(
            """
            UPDATE pictures
            SET original = ?
            WHERE id = ?
              AND original IS NULL
              AND coalesce(came_from, state) IN ('waiting', 'review')
            """,
            [actual, picture_id],
        )
        row = cursor.execute(
            """
            SELECT original, coalesce(came_from, state)
            FROM pictures
            WHERE id = ?
            """,
            [picture_id],
        ).fetchone()
    if row is None:
        raise UnknownRecord(f"There is no picture {picture_id}.")
    expected, state = row
    if expected is None and state == "settled":
        raise UnreadableImage(_UNKNOWN)
    if expected not in (None, actual):
        raise UnreadableImage(_CHANGED)
    return data


def _refuse_ended(cursor: duckdb.DuckDBPyConnection, picture_id: str, act: Act) -> None:
    """Raise UnreadableImage for an original that was destroyed, or that nobody may see any more."""
    gone = ended(cursor, picture_id)
    if Holding.ORIGINAL in gone:
        raise UnreadableImage(f"The original was destroyed on {day(gone[Holding.ORIGINAL])}.")
    if Holding.PREVIEW in gone and act is not Act.WORK:
        raise UnreadableImage(
            f"Since {day(gone[Holding.PREVIEW])} nobody sees this original any more; it is kept "
            "until its own time is over."
        )


def _item_of(database: Database, picture_id: str, act: Act) -> Item:
    """Asked by the program itself: whoever wants to read was admitted before."""
    with database.transaction(MACHINE, Act.WORK) as cursor:
        row = cursor.execute(
            """
            SELECT batch_id
            FROM pictures
            WHERE id = ?
            """,
            [picture_id],
        ).fetchone()
        _refuse_ended(cursor, picture_id, act)
    if row is None:
        raise UnknownRecord(f"There is no picture {picture_id}.")
    return item(str(row[0]), picture_id)


def is_open_to(actor: Actor, database: Database, picture_id: str) -> bool:
    """Whether the actor may see this original, without seeing it.

    Raises:
        UnknownRecord: there is no such picture.
    """
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        has_role = not actor.roles.isdisjoint(Act.VIEW_ORIGINAL.roles)
        return has_role and _is_open_to(actor, database, cursor, picture_id)


def _is_open_to(
    actor: Actor, database: Database, cursor: duckdb.DuckDBPyConnection, picture_id: str
) -> bool:
    row = cursor.execute(
        """
        SELECT b.owner, p.claimed_by, p.claimed_until > ?
        FROM pictures AS p
        JOIN batches AS b ON b.id = p.batch_id
        WHERE p.id = ?
        """,
        [stored(database.now), picture_id],
    ).fetchone()
    if row is None:
        raise UnknownRecord(f"There is no picture {picture_id}.")
    owner, claimed_by, is_running = row
    has_claim = Role.REVIEWER in actor.roles and claimed_by == actor.name and bool(is_running)
    return Role.ADMIN in actor.roles or owner == actor.id or has_claim
