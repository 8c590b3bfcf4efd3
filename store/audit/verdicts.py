"""Decisions beside their events: the event of each has a keyed digest of its row.

So a row that was changed, removed or added in the database shows, also one whose undoing was taken
back. The digest is an HMAC under the installation's secret: events never go, and a plain hash of a
few numbers could be tried out when the row itself is long gone. Decisions of before have no digest
and are not compared.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import duckdb

from engine.signing.keys import pseudonym
from engine.wording import counted
from store.accounts.act import Act
from store.audit.event import Event

COLUMNS: Final = (
    "number, picture_id, revision, plan, reviewer, decision, regions, opened_at, decided_at"
)
"""What a decision is made of, once and for ever."""


def digest(secret: bytes, row: Sequence[Any]) -> str:
    """16 hex digits that only this installation can make of a row of `COLUMNS`."""
    values = [one.isoformat() if isinstance(one, datetime) else one for one in row]
    return pseudonym(secret, "verdict", json.dumps(values))


@dataclass(slots=True)
class Told:
    """What events tell of decisions, by their numbers."""

    digests: dict[int, str] = field(default_factory=dict)
    undone: set[int] = field(default_factory=set)
    contested: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    """Of pictures whose review records were destroyed."""

    def add(self, event: Event) -> None:
        """Take in what one event tells, if anything."""
        number, contested = event.details.get("verdict"), event.details.get("contested")
        if isinstance(contested, str):
            self.contested |= _numbers(contested)
        if event.act == Act.SHREDDED.key:
            self.ended |= _numbers(str(event.details.get("verdicts", "")))
        if not isinstance(number, int):
            return
        if event.act == Act.DECIDE.key:
            self.digests[number] = str(event.details.get("digest"))
        elif event.act == Act.UNDO.key:
            self.undone.add(number)


def _numbers(text: str) -> set[int]:
    return {int(one) for one in text.split() if one.isdecimal()}


def compare(
    connection: duckdb.DuckDBPyConnection, told: Told, secret: bytes | None
) -> Iterator[str]:
    """A sentence for each decision that is not as its events tell."""
    if not told.digests:
        return
    if secret is None:
        yield "Decisions could not be compared with their events: the key pseudonym is missing."
        return
    missing = dict(told.digests)
    first = min(missing)
    cursor = connection.execute(
        f"""
        SELECT undone_at IS NOT NULL, contested_at IS NOT NULL, {COLUMNS}
        FROM verdicts
        WHERE number >= ?
        ORDER BY number
        """,  # noqa: S608 -- constants
        [first],
    )
    while rows := cursor.fetchmany(1_000):
        for is_undone, is_contested, *row in rows:
            known = missing.pop(row[0], None)
            problem = _problem(row, known, secret, is_ended=row[0] in told.ended) or _later(
                row[0], told, is_undone=is_undone, is_contested=is_contested
            )
            if problem is not None:
                yield f"Decision {row[0]} on picture {row[1]} was {problem}."
    for number in told.ended:
        missing.pop(number, None)
    if missing:
        yield (
            f"{counted(len(missing), 'decision')} that events tell of are gone, the first of them "
            f"number {min(missing)}."
        )


def _problem(row: Sequence[Any], known: str | None, secret: bytes, *, is_ended: bool) -> str | None:
    if is_ended:
        return "put back, though an event tells that it was destroyed"
    if known is None:
        return "added: no event tells of it"
    is_same = hmac.compare_digest(known, digest(secret, row))
    return None if is_same else "changed after it was made"


def _later(number: int, told: Told, *, is_undone: bool, is_contested: bool) -> str | None:
    """What became of a decision, where row and events do not agree."""
    for words, is_in_row, numbers in (
        ("taken back", is_undone, told.undone),
        ("contested", is_contested, told.contested),
    ):
        if is_in_row != (number in numbers):
            where = "its row and no event" if is_in_row else "an event and not its row"
            return f"{words} as {where} tells"
    return None
