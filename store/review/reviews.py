"""The review queue from a reviewer's side: claim a picture, keep it, draft, skip, look ahead.

A reviewer holds one picture at a time. What they settle is in `store.review.decisions`; how much
waits and how long that takes is in `store.review.queue`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb

from engine.errors import StaleRevision
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.review import claims
from store.review.choice import ALL, Choice
from store.review.claims import Claim, SavedDraft
from store.times import stored

CLAIM_MINUTES = 30.0


def claim(
    actor: Actor,
    database: Database,
    reviewer: str,
    now: datetime,
    *,
    choice: Choice = ALL,
) -> Claim | None:
    """The reviewer's own picture if they have one, else the choice's first free one, or None."""
    with database.transaction(actor, Act.CLAIM, name=reviewer) as cursor:
        picture_id = claims.next_id(cursor, reviewer, now, choice=choice)
        if picture_id is None:
            database.event.is_idle = True
            return None
        _claim(database, cursor, picture_id, reviewer, now)
        return claims.claim_of(cursor, database.originals, picture_id, reviewer)


def claim_picture(
    actor: Actor,
    database: Database,
    picture_id: str,
    reviewer: str,
    now: datetime,
) -> Claim:
    """A certain picture, which the reviewer then holds instead of any other.

    Raises:
        StaleRevision: somebody else has it, it is not in review, or it is there for a second review
            after this reviewer's own.
        UnknownRecord: there is no such picture.
    """
    with database.transaction(actor, Act.CLAIM, picture_id, name=reviewer) as cursor:
        claim_state = claims.claim_state_of(cursor, picture_id)
        if claim_state.state != "review":
            raise StaleRevision("This picture is not waiting for review; nothing was changed.")
        if claim_state.is_with_another(reviewer, now):
            raise StaleRevision(f"{claim_state.claimed_by} has this picture; choose another one.")
        if claim_state.is_decided_by(reviewer):
            raise StaleRevision(
                "You decided this picture; its second review is for somebody else. Choose another."
            )
        _claim(database, cursor, picture_id, reviewer, now)
        return claims.claim_of(cursor, database.originals, picture_id, reviewer)


def peek(
    actor: Actor,
    database: Database,
    reviewer: str,
    now: datetime,
    *,
    after: str = "",
    choice: Choice = ALL,
) -> Claim | None:
    """The picture `claim` would give once `after` is done, without claiming it; None if none."""
    with database.transaction(actor, Act.READ_QUEUE, name=reviewer) as cursor:
        picture_id = claims.next_id(cursor, reviewer, now, after=after, choice=choice)
        if picture_id is None:
            return None
        return claims.claim_of(cursor, database.originals, picture_id, reviewer, peeked=True)


def draft(actor: Actor, database: Database, picture_id: str) -> SavedDraft | None:
    """What was saved last of a picture, by whomever; None when nothing was."""
    with database.transaction(actor, Act.READ_QUEUE, picture_id) as cursor:
        return claims.draft_of(cursor, picture_id)


def renew(
    actor: Actor,
    database: Database,
    picture_id: str,
    reviewer: str,
    now: datetime,
) -> datetime:
    """Hold a picture longer; also one whose claim ran out, unless somebody else took it.

    Returns:
        Until when.

    Raises:
        StaleRevision: somebody else has it, or it is no longer in review; says what was kept.
    """
    until = now + timedelta(minutes=CLAIM_MINUTES)
    with database.transaction(actor, Act.HOLD_CLAIM, picture_id, name=reviewer) as cursor:
        claims.held(cursor, picture_id, reviewer, now)
        claims.set_claim(cursor, picture_id, reviewer, now, until)
    return until


def save_draft(actor: Actor, database: Database, picture_id: str, draft: SavedDraft) -> datetime:
    """Lay a draft with the picture, where it outlives claim, session and restart; renews the claim.

    Returns:
        Until when the claim runs.

    Raises:
        StaleRevision: somebody else has it, or it is no longer in review; says what was kept.
    """
    until = draft.saved_at + timedelta(minutes=CLAIM_MINUTES)
    with database.transaction(actor, Act.HOLD_CLAIM, picture_id, name=draft.reviewer) as cursor:
        claims.held(cursor, picture_id, draft.reviewer, draft.saved_at)
        claims.keep_draft(cursor, picture_id, draft)
        claims.set_claim(cursor, picture_id, draft.reviewer, draft.saved_at, until)
    return until


def skip(actor: Actor, database: Database, picture_id: str, reviewer: str, now: datetime) -> None:
    """Put a picture behind all others for this reviewer; others may take it, its draft stays."""
    with database.transaction(actor, Act.SKIP, picture_id, name=reviewer) as cursor:
        cursor.execute(
            """
            INSERT INTO skips (picture_id, reviewer, skipped_at)
            VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE
            SET skipped_at = excluded.skipped_at
            """,
            [picture_id, reviewer, stored(now)],
        )
        _release(cursor, picture_id, reviewer)
        database.event.details["reviewer"] = database.person(reviewer)


def _claim(
    database: Database,
    cursor: duckdb.DuckDBPyConnection,
    picture_id: str,
    reviewer: str,
    now: datetime,
) -> None:
    """Give the picture to the reviewer; one who has it already only goes on."""
    event, before = database.event, claims.claim_state_of(cursor, picture_id)
    claims.set_claim(cursor, picture_id, reviewer, now, now + timedelta(minutes=CLAIM_MINUTES))
    event.subject = picture_id
    event.details["reviewer"] = database.person(reviewer)
    event.is_idle = before.claimed_by == reviewer and _is_running(before, now)


def _is_running(claim_state: claims.ClaimState, now: datetime) -> bool:
    return claim_state.claimed_until is not None and claim_state.claimed_until > now


def _release(cursor: duckdb.DuckDBPyConnection, picture_id: str, reviewer: str) -> None:
    cursor.execute(
        """
        UPDATE pictures
        SET claimed_by = NULL,
            claimed_at = NULL,
            claimed_until = NULL
        WHERE id = ?
          AND claimed_by = ?
        """,
        [picture_id, reviewer],
    )
