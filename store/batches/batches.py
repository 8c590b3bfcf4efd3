"""Batches: pictures that came in together, under one policy, to go out in one format."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb

from engine.errors import LetheError
from engine.images import FormatChoice
from engine.policy import Policy, read_policy
from store.absence import absent
from store.accounts.act import Act
from store.accounts.actor import MACHINE, Actor
from store.accounts.four_eyes import refuse_alone
from store.batches.pictures import PictureState
from store.database import Database
from store.errors import BatchClosed, UnknownRecord
from store.text import storable
from store.times import aware_or_none, stored
from store.vault import private_text
from store.vault.context import Item, Purpose
from store.vault.private_text import PrivateText
from store.vault.vault import Vault
from store.worker.recovery import forget_unstarted

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """A row of `batches`: settings of its pictures, and its state."""

    id: str
    private_name: PrivateText
    policy_toml: str
    policy: str
    """Fingerprint."""
    format: FormatChoice
    require_licence: bool
    run: str | None
    """Id of the command-line run it was taken in from."""
    created_at: datetime
    started_at: datetime | None
    cancelled_at: datetime | None

    @property
    def name(self) -> str:
        """What whoever made it called it."""
        return self.private_name.shown


@dataclass(frozen=True, slots=True)
class Request:
    """Settings of a new batch."""

    name: str
    policy_toml: str
    format: FormatChoice = "same"
    run: str | None = None


def create(actor: Actor, database: Database, request: Request, now: datetime) -> Batch:
    """Make a batch without pictures; nothing is worked on until `start`.

    A batch of the same run that was never started makes room, with its pictures, so that what
    failed on the way to `start`, say on a full disk, can be done again.

    Raises:
        BatchClosed: the run became a batch already, which was started or cancelled.
        InvalidPolicy: the policy's text was not accepted, or asks for four eyes of one person.
        OSError: the disk does not take the key of its name.
    """
    policy = read_policy(request.policy_toml)
    refuse_alone(actor, policy)
    batch_id = secrets.token_hex(16)
    database.admit(actor, Act.CREATE_BATCH, batch_id)
    private_text.begin_group(database.vault, batch_id)
    try:
        return _create(actor, database, batch_id, request, policy, now)
    except BaseException:
        if absent(MACHINE, database, "batches", [batch_id]):
            database.vault.destroy_batch(batch_id)
        raise


def _create(
    actor: Actor,
    database: Database,
    batch_id: str,
    request: Request,
    policy: Policy,
    now: datetime,
) -> Batch:
    name = storable(request.name)
    sealed_name = private_text.seal_for_group(database.vault, batch_id, Purpose.NAME, name)
    with database.transaction(actor, Act.CREATE_BATCH, batch_id) as cursor:
        forgotten = _forget_run(database.vault, cursor, request.run)
        cursor.execute(
            """
            INSERT INTO batches
                (id, sealed_name, policy_toml, policy, format, require_licence,
                second_review_share, four_eyes, run, owner, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                batch_id,
                sealed_name,
                request.policy_toml,
                policy.fingerprint,
                request.format,
                policy.manifest.require_licence,
                policy.review.second_review_share,
                policy.review.four_eyes,
                request.run,
                actor.id,
                stored(now),
            ],
        )
        batch = batch_in(database.vault, cursor, batch_id)
    _discard(database, forgotten)
    return batch


def forgotten_unless_started(
    actor: Actor, database: Database, batch_id: str
) -> AbstractContextManager[None]:
    """A block that ends with `start`; when it raises before, the batch and its originals go.

    So its pictures, which wait still, can become part of any other batch.

    Raises:
        NotAllowed: the actor may not start a batch.
    """
    database.admit(actor, Act.START_BATCH, batch_id)
    return _forgotten_unless_started(database, batch_id)


@contextmanager
def _forgotten_unless_started(database: Database, batch_id: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        try:
            with database.transaction(MACHINE, Act.RECOVER, batch_id) as cursor:
                originals = forget_unstarted(cursor, batch_id)
            _discard(database, originals)
        except (LetheError, OSError, duckdb.Error) as error:  # what failed first is what is told
            log.warning("an unstarted batch was not forgotten (%s)", type(error).__name__)
        raise


def _discard(database: Database, originals: list[Item]) -> None:
    for original in originals:
        database.originals.discard(original)


def _forget_run(vault: Vault, cursor: duckdb.DuckDBPyConnection, run: str | None) -> list[Item]:
    """Delete the run's batch if it is not started, and give its originals."""
    batches = _select(vault, cursor, "WHERE run = ?", run)
    if not batches:
        return []
    if batches[0].started_at is not None or batches[0].cancelled_at is not None:
        raise BatchClosed(
            f"These pictures became the batch {batches[0].name} already; see it on Home."
        )
    return forget_unstarted(cursor, batches[0].id)


def start(actor: Actor, database: Database, batch_id: str, now: datetime) -> None:
    """Let the batch's pictures be worked on; again is harmless.

    Raises:
        BatchClosed: the batch was cancelled, or has no picture.
        UnknownRecord: there is no such batch.
    """
    with database.transaction(actor, Act.START_BATCH, batch_id) as cursor:
        refuse_cancelled(batch_in(database.vault, cursor, batch_id))
        query = "SELECT id FROM pictures WHERE batch_id = ? LIMIT 1"
        if cursor.execute(query, [batch_id]).fetchone() is None:
            raise BatchClosed("This batch has no pictures yet; add some, then start it.")
        cursor.execute(
            """
            UPDATE batches
            SET started_at = coalesce(started_at, ?)
            WHERE id = ?
            """,
            [stored(now), batch_id],
        )
    database.advance()
    database.work.set()


def cancel(actor: Actor, database: Database, batch_id: str, now: datetime) -> int:
    """Stop before the pictures not begun yet and give their number; those under way finish.

    What is in review, released or quarantined stays so.

    Raises:
        UnknownRecord: there is no such batch.
    """
    with database.transaction(actor, Act.CANCEL_BATCH, batch_id) as cursor:
        batch_in(database.vault, cursor, batch_id)
        cursor.execute(
            """
            UPDATE batches
            SET cancelled_at = coalesce(cancelled_at, ?)
            WHERE id = ?
            """,
            [stored(now), batch_id],
        )
        cancelled = cursor.execute(
            """
            UPDATE pictures
            SET state = ?,
                changed_at = ?
            WHERE batch_id = ?
              AND state = ?
            RETURNING id
            """,
            [PictureState.CANCELLED.value, stored(now), batch_id, PictureState.WAITING.value],
        ).fetchall()
        database.event.details["pictures"] = len(cancelled)
    return len(cancelled)


def batch(actor: Actor, database: Database, batch_id: str) -> Batch:
    """One batch.

    Raises:
        UnknownRecord: there is none with that id.
    """
    with database.transaction(actor, Act.READ_BATCHES, batch_id) as cursor:
        return batch_in(database.vault, cursor, batch_id)


def newest(actor: Actor, database: Database, limit: int = 100) -> tuple[Batch, ...]:
    """Batches, the newest first."""
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        return _select(database.vault, cursor, "ORDER BY number DESC LIMIT ?", limit)


def of_run(actor: Actor, database: Database, run: str) -> Batch | None:
    """The batch a command-line run was taken in as; None while it was not."""
    with database.transaction(actor, Act.READ_BATCHES) as cursor:
        return next(iter(_select(database.vault, cursor, "WHERE run = ?", run)), None)


def policy_of(actor: Actor, database: Database, batch_id: str) -> Policy:
    """The policy the batch runs under.

    Raises:
        InvalidPolicy: it was accepted by an older Lethe and is not by this one.
        UnknownRecord: there is no such batch.
    """
    return read_policy(batch(actor, database, batch_id).policy_toml, name="The batch's policy")


def batch_in(vault: Vault, cursor: duckdb.DuckDBPyConnection, batch_id: str) -> Batch:
    """One batch, inside a transaction.

    Raises:
        UnknownRecord: there is none with that id.
    """
    batches = _select(vault, cursor, "WHERE id = ?", batch_id)
    if not batches:
        raise UnknownRecord(f"There is no batch {batch_id}.")
    return batches[0]


_COLUMNS = """
    SELECT id, sealed_name, name, policy_toml, policy, format, require_licence, run,
        created_at, started_at, cancelled_at
    FROM batches
"""


def refuse_cancelled(batch: Batch) -> None:
    """Raise BatchClosed when the batch was cancelled."""
    if batch.cancelled_at is not None:
        raise BatchClosed("This batch was cancelled; make a new one for more pictures.")


def _select(
    vault: Vault, cursor: duckdb.DuckDBPyConnection, clauses: str, value: str | int | None
) -> tuple[Batch, ...]:
    rows = cursor.execute(f"{_COLUMNS} {clauses}", [value]).fetchall()
    return tuple(
        Batch(row[0], named(vault, *row[:3]), *row[3:8], *map(aware_or_none, row[8:]))
        for row in rows
    )


def named(vault: Vault, batch_id: str, sealed: bytes | None, plain: str | None) -> PrivateText:
    """The name of a batch, from the two columns that may hold it."""
    return private_text.of_group(vault, batch_id, Purpose.NAME, sealed, plain)
