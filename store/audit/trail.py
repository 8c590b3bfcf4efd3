"""The trail: appends events to the chain, inside the transactions that they tell of."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

import duckdb

from engine.errors import InvalidSignature
from engine.files.append import cut_torn_line
from engine.signing.signer import Signer
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.audit import heads
from store.audit.event import FIRST, Event, OpenEvent
from store.audit.heads import Head
from store.text import storable
from store.times import stored

SEAL_EVERY = 100
"""Events; so many at most are not sealed after a crash."""
_INSERT = """
    INSERT INTO events (number, happened_at, actor, act, subject, details, previous, hash)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
"""Parsed once: a fifth of what it takes, and every act pays for it."""

log = logging.getLogger(__name__)


class Trail:
    """The end of the chain. One connection writes it, under the database's lock."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, signer: Signer) -> None:
        self._connection = connection
        self._path = path
        self._signer = signer
        (self._insert,) = connection.extract_statements(_INSERT)
        self._last = self._newest()
        self._sealed = self._last.number
        known = connection.execute("SELECT id, name FROM audit_names").fetchall()
        self._named = {(id_, name) for id_, name in known}
        cut_torn_line(path)

    @property
    def head(self) -> Head:
        """Number and hash of the last event that holds."""
        return self._last

    def append(self, actor: Actor, act: Act, told: OpenEvent, now: datetime) -> Head:
        """Insert the next event; hand it to `reached` once the transaction holds."""
        event = Event(
            number=self._last.number + 1,
            at=now,
            actor=actor.id,
            act=act.key,
            subject=told.subject,
            details=told.details,
            previous=self._last.hash,
        )
        head = Head(event.number, event.hash)
        self._connection.execute(
            self._insert,
            [
                event.number,
                stored(event.at),
                event.actor,
                event.act,
                event.subject,
                event.details_text,
                event.previous,
                head.hash,
            ],
        )
        told.people[actor.id] = actor.name
        self._name(told.people)
        return head

    def reread(self) -> None:
        """Look which event is the last on record, after a transaction that ended who knows how."""
        self._last = self._newest()

    def _newest(self) -> Head:
        last = self._connection.execute(
            """
            SELECT number, hash
            FROM events
            ORDER BY number DESC
            LIMIT 1
            """
        ).fetchone()
        return Head(0, FIRST) if last is None else Head(*last)

    def reached(self, head: Head, told: OpenEvent, now: datetime) -> None:
        """Note that an event is on record, and seal the head when it is time."""
        self._last = head
        self._named |= told.people.items()
        if self._last.number - self._sealed >= SEAL_EVERY:
            self.seal(now)

    def seal(self, now: datetime) -> None:
        """Sign the head, unless it is; what the disk does not take now is sealed later."""
        if self._last.number == self._sealed:
            return
        try:
            heads.seal(self._path, self._last, self._signer, now)
        except (OSError, InvalidSignature) as error:
            log.error("event %d was not sealed (%s)", self._last.number, type(error).__name__)  # noqa: TRY400
            return
        self._sealed = self._last.number

    def _name(self, people: dict[str, str]) -> None:
        for id_, name in people.items() - self._named:
            if id_ != name:
                self._connection.execute(
                    "INSERT INTO audit_names VALUES (?, ?) ON CONFLICT DO NOTHING",
                    [id_, storable(name)],
                )
