"""Whether the audit trail is whole: the chain in the database, and the sealed heads beside it.

A hash anybody can make anew; what nobody can without the signing key is a head. So the chain tells
what was changed within it, and the heads tell whether it is the chain that was sealed, and all of
it. Events since the last head are vouched for by the chain alone, and counted.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import duckdb

from engine.signing.envelope import canonical, key_id
from engine.wording import counted
from store.audit.event import FIRST, Detail, Event
from store.audit.heads import SealedHead
from store.times import aware


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found of a trail."""

    events: int
    head: str
    """Hash of the last event."""
    sealed: int
    """Number of the last event that a head of a known key vouches for; 0 where none does."""
    problems: tuple[str, ...]
    """A sentence each; empty when the trail is whole."""

    @property
    def unsealed(self) -> int:
        """Events that no head vouches for yet."""
        return max(self.events - self.sealed, 0)


def verify(
    connection: duckdb.DuckDBPyConnection,
    heads: Collection[SealedHead],
    own_keys: Collection[bytes],
) -> Verification:
    """Compare every event with the one before, and every head with its event.

    Args:
        connection: to the database; it is only read.
        heads: from `store.audit.heads.read`.
        own_keys: raw public keys whose heads count.
    """
    problems: list[str] = []
    hashes: dict[int, str] = {}
    previous, expected = FIRST, 1
    for event, kept in _events(connection, problems):
        if event.number != expected:
            problems.append(_gap(expected, event.number))
        elif event.previous != previous:
            problems.append(
                f"Event {event.number} does not follow the one before: one of them was changed, "
                "moved or removed."
            )
        if event.hash != kept:
            problems.append(f"Event {event.number} was changed after it was recorded.")
        hashes[event.number] = previous = kept
        expected = event.number + 1
    sealed = _compare(hashes, heads, own_keys, problems)
    if hashes and not heads:
        problems.append("No head was ever sealed, or the file of heads was removed.")
    return Verification(len(hashes), previous, sealed, tuple(problems))


def _events(
    connection: duckdb.DuckDBPyConnection, problems: list[str]
) -> Iterator[tuple[Event, str]]:
    """Each event as its row has it, and the hash that the row has."""
    known = connection.execute(
        """
        SELECT table_name
        FROM duckdb_tables()
        WHERE table_name = 'events'
        """
    )
    if known.fetchone() is None:  # a database from before there was a trail
        return
    cursor = connection.execute(
        """
        SELECT number, happened_at, actor, act, subject, details, previous, hash
        FROM events
        ORDER BY number
        """
    )
    while rows := cursor.fetchmany(1_000):
        for number, at, actor, act, subject, text, previous, kept in rows:
            details = _details(text)
            if details is None:
                problems.append(f"The details of event {number} are not as Lethe writes them.")
            yield Event(number, aware(at), actor, act, subject, details or {}, previous), kept


def _details(text: str) -> Mapping[str, Detail] | None:
    """None of what is not canonical JSON."""
    try:
        value = json.loads(text)
        return value if canonical(value).decode() == text and isinstance(value, dict) else None
    except (ValueError, RecursionError):
        return None


def _gap(expected: int, found: int) -> str:
    if found < expected:
        return f"Event {found} is there twice."
    count = found - expected
    which = f"Event {expected} is" if count == 1 else f"Events {expected} to {found - 1} are"
    return f"{which} missing."


def _compare(
    hashes: Mapping[int, str],
    heads: Collection[SealedHead],
    own_keys: Collection[bytes],
    problems: list[str],
) -> int:
    """The number of the last event that a head vouches for; what does not fit is reported."""
    last, sealed = max(hashes, default=0), 0
    newest = 0
    for one in heads:
        if one.head is None:
            problems.append(f"Line {one.line} of the sealed heads was changed.")
        elif one.signer not in own_keys:
            problems.append(
                f"Line {one.line} of the sealed heads was signed with {key_id(one.signer)}, which "
                "is no trusted key of this installation."
            )
        elif one.head.number > last:
            newest = max(newest, one.head.number)
        elif hashes.get(one.head.number) != one.head.hash:
            problems.append(
                f"Event {one.head.number} is not the one that was sealed: it and perhaps others "
                "before it were written anew."
            )
        else:
            sealed = max(sealed, one.head.number)
    if newest:
        problems.append(
            f"The trail ends with event {last}, but event {newest} was sealed: "
            f"{counted(newest - last, 'event')} were cut off at the end, or an older database was "
            "put back."
        )
    return sealed
