"""Whether the audit trail is whole: the chain in the database, and the sealed heads beside it.

A hash anybody can make anew; what nobody can without the signing key is a head. So the chain tells
what was changed within it, and the heads tell whether it is the chain that was sealed, and all of
it. Events since the last head are vouched for by the chain alone, and counted. Manifests of
deliveries are heads too that lie elsewhere: they tell of a whole folder put back.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import duckdb

from engine.signing.envelope import canonical, key_id
from engine.wording import counted
from store.audit.anchors import Anchor
from store.audit.event import FIRST, Detail, Event
from store.audit.heads import SealedHead
from store.audit.verdicts import Told, compare
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
    distrusted: int = 0
    """Heads by a key that is distrusted, which vouch for nothing."""

    @property
    def unsealed(self) -> int:
        """Events that no head vouches for yet."""
        return max(self.events - self.sealed, 0)


def verify(
    connection: duckdb.DuckDBPyConnection,
    heads: Collection[SealedHead],
    own_keys: Collection[bytes],
    anchors: Collection[Anchor] = (),
    *,
    secret: bytes | None,
    distrusted: Collection[bytes] = (),
) -> Verification:
    """Compare every event with the one before, heads and anchors with it, decisions with theirs.

    Args:
        connection: to the database; it is only read.
        heads: from `store.audit.heads.read`.
        own_keys: raw public keys whose heads count.
        anchors: heads in the manifests of deliveries.
        secret: from `engine.signing.keys.own_secret`; None where there is none.
        distrusted: raw public keys that were own ones: whoever has one may have signed what they
            liked, so their heads are left out.
    """
    by_distrusted = sum(one.signer in distrusted for one in heads)
    heads = [one for one in heads if one.signer not in distrusted]
    problems: list[str] = []
    said = [*(one.head for one in heads), *(one.head for one in anchors)]
    vouched = {head.number for head in said if head is not None}
    hashes: dict[int, str] = {}
    told = Told()
    count, last = 0, 0
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
        if event.number in vouched:
            hashes[event.number] = kept
        told.add(event)
        previous, last = kept, max(last, event.number)
        expected, count = event.number + 1, count + 1
    sealed = _compare(hashes, last, heads, own_keys, problems)
    if count and not heads and not by_distrusted:
        problems.append("No head was ever sealed, or the file of heads was removed.")
    problems += _not_anchored(hashes, last, anchors, own_keys)
    problems += compare(connection, told, secret)
    return Verification(count, previous, sealed, tuple(problems), by_distrusted)


def _not_anchored(
    hashes: Mapping[int, str],
    last: int,
    anchors: Collection[Anchor],
    own_keys: Collection[bytes],
) -> Iterator[str]:
    """A sentence for each delivery that this trail did not make."""
    for one in anchors:
        if one.signer not in own_keys:
            yield (
                f"{one.name} was signed with {key_id(one.signer)}, which is no trusted key of "
                "this installation."
            )
        elif one.head is None:
            continue  # made before manifests told of the trail, or on the command line
        elif one.head.number > last:
            yield (
                f"{one.name} was made when the trail had come to event {one.head.number}, and it "
                f"ends with event {last}: an older copy of the data was put back, or the end of "
                "the trail was cut off."
            )
        elif hashes.get(one.head.number) != one.head.hash:
            yield (
                f"{one.name} knows another event {one.head.number}: the trail was written anew, "
                "or another copy of the data went on beside this one."
            )


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
    last: int,
    heads: Collection[SealedHead],
    own_keys: Collection[bytes],
    problems: list[str],
) -> int:
    """The number of the last event that a head vouches for; what does not fit is reported."""
    sealed = newest = 0
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
