"""Subject requests: what was asked of a picture, until when it is due, and what came of it.

A request holds ids alone. Whoever asked, and how they are reached, is kept where letters are.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.errors import UnknownRecord, UnusableRequest
from store.times import CLOCKS_DIFFER, aware, aware_or_none, stored

TERM: Final = timedelta(days=30)
"""From when a request came in; a month is what the GDPR gives (article 12, 3)."""


class Kind(StrEnum):
    """What is asked for; the values are shown as they are."""

    ACCESS = "access"
    CORRECTION = "correction"
    DELETION = "deletion"


class Outcome(StrEnum):
    """What came of it; the values are shown as they are."""

    DONE = "done"
    """By the act that was asked for, and by nothing else."""
    REFUSED = "refused"
    NOTHING_HELD = "nothing held"
    TAKEN_BACK = "taken back"
    """By whoever had asked."""


@dataclass(frozen=True, slots=True)
class SubjectRequest:
    """One request."""

    id: str
    kind: Kind
    picture_id: str | None
    """None where no picture was found."""
    opened_at: datetime
    opened_by: str
    """Id of an actor, as in the audit trail."""
    due_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    outcome: Outcome | None

    def is_overdue(self, now: datetime) -> bool:
        """True when it is open past its deadline."""
        return self.closed_at is None and now > self.due_at


_COLUMNS = """
    SELECT id, kind, picture_id, opened_at, opened_by, due_at, closed_at, closed_by, outcome
    FROM subject_requests
"""


def listed(actor: Actor, database: Database) -> tuple[SubjectRequest, ...]:
    """Every request: open ones first, the one that is due next at the top."""
    with database.transaction(actor, Act.READ_AUDIT) as cursor:
        rows = cursor.execute(
            f"""
            {_COLUMNS}
            ORDER BY closed_at DESC NULLS FIRST, due_at, id
            """
        ).fetchall()
    return tuple(map(_request, rows))


def opened(
    actor: Actor,
    database: Database,
    kind: Kind,
    picture_id: str | None,
    now: datetime,
    *,
    received_at: datetime | None = None,
) -> SubjectRequest:
    """Open a request, which is due 30 days after it came in.

    Args:
        actor: on whose behalf.
        database: the open database.
        kind: what is asked for.
        picture_id: of which picture; None where none was found.
        now: the present.
        received_at: when it came in; None for now.

    Raises:
        UnknownRecord: there is no such picture.
        UnusableRequest: it is said to have come in later than now.
    """
    came = received_at or now
    if came > now + CLOCKS_DIFFER:
        raise UnusableRequest("The day it came in is still to come; nothing was opened.")
    with database.transaction(actor, Act.OPEN_REQUEST, picture_id or "") as cursor:
        if picture_id is not None:
            refuse_unknown(cursor, picture_id)
        request = _new(actor, kind, picture_id, came)
        _insert(cursor, request)
        database.event.details |= {"request": request.id, "kind": kind.value}
    return request


def closed(
    actor: Actor, database: Database, request_id: str, outcome: Outcome, now: datetime
) -> None:
    """Close a request without the act that it asks for.

    Raises:
        UnknownRecord: there is no such request.
        UnusableRequest: it is closed already, or was done, which the act alone can say.
    """
    if outcome is Outcome.DONE:
        raise UnusableRequest(
            "A request is done by doing what it asks for: export, correct or delete; it stays open."
        )
    with database.transaction(actor, Act.CLOSE_REQUEST) as cursor:
        row = cursor.execute(f"{_COLUMNS} WHERE id = ?", [request_id]).fetchone()
        if row is None:
            raise UnknownRecord(f"There is no request {request_id}.")
        request = _request(row)
        if request.outcome is not None:
            raise UnusableRequest(f"This request is closed already: {request.outcome}.")
        _close(cursor, request.id, actor, outcome, now)
        database.event.subject = request.picture_id or ""
        database.event.details |= {"request": request.id, "outcome": outcome.value}


def carried_out(
    cursor: duckdb.DuckDBPyConnection, actor: Actor, kind: Kind, picture_id: str, now: datetime
) -> str:
    """Close the request that an act answers as done; gives its id, which is `asked`."""
    request_id = asked(cursor, actor, kind, picture_id, now)
    _close(cursor, request_id, actor, Outcome.DONE, now)
    return request_id


def asked(
    cursor: duckdb.DuckDBPyConnection, actor: Actor, kind: Kind, picture_id: str, now: datetime
) -> str:
    """The id of the open request that an act answers, the one of its kind that is due first.

    Where none is open, one is opened that comes in now.
    """
    row = cursor.execute(
        f"""
        {_COLUMNS}
        WHERE kind = ?
          AND picture_id = ?
          AND closed_at IS NULL
        ORDER BY due_at, id
        LIMIT 1
        """,
        [kind.value, picture_id],
    ).fetchone()
    if row is not None:
        return str(row[0])
    request = _new(actor, kind, picture_id, now)
    _insert(cursor, request)
    return request.id


def refuse_unknown(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> None:
    """Refuse a picture that there is not.

    Raises:
        UnknownRecord: there is none with that id.
    """
    row = cursor.execute("SELECT 1 FROM pictures WHERE id = ?", [picture_id]).fetchone()
    if row is None:
        raise UnknownRecord(f"There is no picture {picture_id}.")


def _new(actor: Actor, kind: Kind, picture_id: str | None, opened_at: datetime) -> SubjectRequest:
    return SubjectRequest(
        id=secrets.token_hex(8),
        kind=kind,
        picture_id=picture_id,
        opened_at=opened_at,
        opened_by=actor.id,
        due_at=opened_at + TERM,
        closed_at=None,
        closed_by=None,
        outcome=None,
    )


def _insert(cursor: duckdb.DuckDBPyConnection, request: SubjectRequest) -> None:
    cursor.execute(
        """
        INSERT INTO subject_requests (id, kind, picture_id, opened_at, opened_by, due_at)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        [
            request.id,
            request.kind.value,
            request.picture_id,
            stored(request.opened_at),
            request.opened_by,
            stored(request.due_at),
        ],
    )


def _close(
    cursor: duckdb.DuckDBPyConnection,
    request_id: str,
    actor: Actor,
    outcome: Outcome,
    now: datetime,
) -> None:
    cursor.execute(
        """
        UPDATE subject_requests
        SET closed_at = ?,
            closed_by = ?,
            outcome = ?
        WHERE id = ?
        """,
        [stored(now), actor.id, outcome.value, request_id],
    )


def _request(row: tuple[Any, ...]) -> SubjectRequest:
    id_, kind, picture_id, opened_at, opened_by, due_at, closed_at, closed_by, outcome = row
    return SubjectRequest(
        id=id_,
        kind=Kind(kind),
        picture_id=picture_id,
        opened_at=aware(opened_at),
        opened_by=opened_by,
        due_at=aware(due_at),
        closed_at=aware_or_none(closed_at),
        closed_by=closed_by,
        outcome=None if outcome is None else Outcome(outcome),
    )
