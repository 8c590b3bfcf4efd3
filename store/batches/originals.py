"""Originals: sealed as long as they lie on the disk, and the same bytes whenever they are used.

Each is sealed in the vault under a key of its own; one that came before there was a vault lies as
it came until the next start seals it (`store.worker.sealing`).

An original lies in a folder that backups, syncing programs and failing disks reach too. So a digest
of it is stored at intake, and every use of the file compares. The digest is keyed with the
installation's secret: a plain hash would tell whoever finds the database who holds a candidate.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UnreadableImage
from engine.files import atomic
from engine.runs.sources import PathSource, PictureSource
from engine.signing.keys import KeyRing
from store.accounts.act import Act
from store.accounts.actor import MACHINE, Actor
from store.database import Database
from store.errors import UnknownRecord
from store.vault.context import Item, Purpose
from store.vault.errors import BrokenSeal
from store.vault.vault import is_sealed


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file that was sealed on arrival, under a key that its upload wraps."""

    item: Item
    path: Path


_CHANGED = (
    "The original is not the file that came in any more, or the keys of this installation are not "
    "those of that day, so nothing of it is released. Put it back from a copy, or add the picture "
    "again."
)
_UNKNOWN = (
    "A person decided about this picture before Lethe kept what its original looked like, so "
    "nobody can tell whether it is still the same. Add the picture again."
)


def digest(keys: KeyRing, content: bytes) -> str:
    """Keyed digest (HMAC-SHA-256) of an original's bytes, in hex."""
    return keys.original_digest(hashlib.sha256(content).digest())


def item(batch_id: str, picture_id: str) -> Item:
    """A picture's original, as the vault names it."""
    return Item(batch_id, picture_id, Purpose.ORIGINAL)


def keep(database: Database, original: Item, content: bytes | Path) -> str:
    """Store an original, sealed under a new key; gives its digest.

    Raises:
        UnusableKeys: the batch's key is gone.
        OSError: the content cannot be read, or the disk does not take it.
    """
    database.vault.add_batch(original.batch)
    try:
        database.vault.add_picture(original.batch, original.picture)
        path = database.files.original(original.picture)
        plain = database.vault.seal_file(original, path, content)
    except BaseException:
        discard(database, original)
        raise
    return database.signer.keys.original_digest(plain)


def take_over(database: Database, original: Item, sealed: SealedFile) -> str:
    """Store what was sealed on arrival, as it is; gives its digest.

    Its key is wrapped by the batch's too and its bytes are linked, not copied, so that what waits
    stays until whoever keeps it lets it go.

    Raises:
        BrokenSeal: it is not what was sealed.
        UnusableKeys: its key is gone.
        OSError: it cannot be read, the disk does not take it, or it is stored already.
    """
    plain = hashlib.sha256()
    for chunk in database.vault.source(sealed.item, sealed.path).chunks():
        plain.update(chunk)
    database.vault.add_batch(original.batch)
    atomic.link(sealed.path, database.files.original(original.picture))
    try:
        database.vault.share(original.picture, sealed.item.batch, original.batch)
    except BaseException:
        discard(database, original)
        raise
    return database.signer.keys.original_digest(plain.digest())


def discard(database: Database, original: Item) -> None:
    """End an original: its key, then its file; again is harmless.

    Raises:
        OSError: the disk does not take it.
    """
    database.vault.destroy_picture(original.batch, original.picture)
    database.files.original(original.picture).unlink(missing_ok=True)


def source(database: Database, original: Item) -> PictureSource:
    """Where the bytes of an original come from, to read here or to hand to a worker.

    Raises:
        UnusableKeys: the vault has no key for it, or cannot use it.
        OSError: the file cannot be read.
    """
    path = database.files.original(original.picture)
    return database.vault.source(original, path) if is_sealed(path) else PathSource(path)


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
        NotAllowed: the actor may not.
        UnknownRecord: there is no such picture.
        UnreadableImage: the file cannot be read, or is not the one that came in.
        UnusableKeys: the vault has no key for it, or cannot use it.
    """
    database.admit(actor, act, picture_id)
    try:
        data = source(database, _item_of(database, picture_id)).read()
    except OSError as error:
        raise UnreadableImage(f"The original cannot be read ({error.strerror}).") from error
    except BrokenSeal as error:
        raise UnreadableImage(str(error)) from error
    actual = digest(database.signer.keys, data)
    with database.transaction(actor, act, picture_id) as cursor:
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


def _item_of(database: Database, picture_id: str) -> Item:
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
    if row is None:
        raise UnknownRecord(f"There is no picture {picture_id}.")
    return item(str(row[0]), picture_id)
