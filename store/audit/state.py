"""How the chain stands, while the app goes on: its length, its last signed head, its last check."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import duckdb

from engine.signing.keys import distrusted_keys, own_keys, own_secret
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.audit import heads
from store.audit.heads import Head
from store.audit.verify import Verification, verify
from store.database import Database
from store.times import aware


@dataclass(frozen=True, slots=True)
class Check:
    """A verification of earlier, as the trail tells of it."""

    at: datetime
    number: int
    """Of its event."""
    events: int
    problems: int


@dataclass(frozen=True, slots=True)
class State:
    """The chain as it is known without reading all of it."""

    head: Head
    sealed: Head | None
    """The last one that was signed; None while none was, or where its line is none."""
    checked: Check | None
    """The last time that somebody had it verified; None while nobody did."""


def state(actor: Actor, database: Database) -> State:
    """How the chain stands.

    Raises:
        UnusableFolder: the file of heads cannot be read.
    """
    with database.snapshot(actor, Act.READ_AUDIT) as cursor:
        checked = _last_check(cursor)
    return State(database.head, heads.last(database.files.heads), checked)


def verify_now(actor: Actor, database: Database) -> Verification:
    """Verify all of the chain as it is now; that somebody did, and what came of it, is an event.

    Its end is sealed first, so that a new installation has a head to be compared with.

    Raises:
        UnusableFolder: the file of heads cannot be read.
        UnusableKeys: the keys cannot be used.
    """
    database.admit(actor, Act.VERIFY_AUDIT)
    database.seal()
    sealed = heads.read(database.files.heads)  # before the events, which may go on meanwhile
    with database.snapshot(actor, Act.READ_AUDIT) as cursor:
        home = database.files.home
        found = verify(
            cursor,
            sealed,
            own_keys(home),
            secret=own_secret(home),
            distrusted=distrusted_keys(home),
        )
    with database.transaction(actor, Act.VERIFY_AUDIT):
        database.event.details |= {"events": found.events, "problems": len(found.problems)}
    return found


def _last_check(cursor: duckdb.DuckDBPyConnection) -> Check | None:
    row = cursor.execute(
        """
        SELECT happened_at, number, details
        FROM events
        WHERE act = ?
          AND NOT contains(details, '"refused":"')
        ORDER BY number DESC
        LIMIT 1
        """,
        [Act.VERIFY_AUDIT.key],
    ).fetchone()
    if row is None:
        return None
    at, number, details = row
    try:
        told = json.loads(details)
        return Check(aware(at), number, int(told["events"]), int(told["problems"]))
    except (ValueError, KeyError, TypeError):  # somebody changed it, as verifying will tell
        return None
