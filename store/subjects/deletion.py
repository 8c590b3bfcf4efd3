"""Delete a picture for whom it shows: all that is held of it, its release too unless that is kept.

What stays is what proves that it was done: ids, the events of the trail, certificates, a keyed
digest of the original, and the SHA-256 of a release, by which a copy that is found elsewhere is
known. Copies that were handed out stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.retention.holding import EVERYTHING, Cause, Holding
from store.retention.shredding import shred
from store.subjects import requests
from store.subjects.requests import Kind

_ALL_BUT_RELEASE: Final = EVERYTHING - {Holding.RELEASE, Holding.REVIEW}
"""What was decided stays as long as the release whose certificate says the same."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A picture that is gone."""

    request_id: str
    withdrawn: str | None
    """Id of the release that was withdrawn and destroyed; None where none stood, or it is kept."""


def deleted(
    actor: Actor,
    database: Database,
    picture_id: str,
    now: datetime,
    *,
    keeps_release: bool = False,
) -> Deletion:
    """Destroy what is held of a picture, for good; again is harmless.

    The request stays open until all of it is gone. What a kill or a full disk parts goes on at the
    next start; deleting once more then closes the request.

    Raises:
        UnknownRecord: there is no such picture.
        OSError: the disk does not take it.
    """
    with database.transaction(actor, Act.DELETE_SUBJECT, picture_id) as cursor:
        requests.refuse_unknown(cursor, picture_id)
        request_id = requests.asked(cursor, actor, Kind.DELETION, picture_id, now)
        row = cursor.execute(
            """
            SELECT release_id
            FROM receipts
            WHERE live_picture_id = ?
            """,
            [picture_id],
        ).fetchone()
        database.event.details |= {"request": request_id, "keeps_release": keeps_release}
    holdings = _ALL_BUT_RELEASE if keeps_release else EVERYTHING
    shred(actor, database, picture_id, now, holdings=holdings, cause=Cause.REQUEST)
    with database.transaction(actor, Act.CLOSE_REQUEST, picture_id) as cursor:
        requests.carried_out(cursor, actor, Kind.DELETION, picture_id, now)
        database.event.details |= {"request": request_id, "outcome": requests.Outcome.DONE.value}
    return Deletion(request_id, None if row is None or keeps_release else str(row[0]))
