"""Claims: which picture a reviewer has on the table, and what lies with it.

A claim is three columns of the picture's own row, so two reviewers cannot hold one picture. A claim
that ran out still counts until somebody else wants the picture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from engine.errors import StaleRevision
from engine.plan import Plan, Region
from store.batches.batches import named
from store.errors import UnknownRecord
from store.originals import Originals
from store.retention.ended import ended
from store.retention.holding import NEEDED_FOR_REVIEW
from store.review import plans
from store.review.choice import ALL, CHOSEN, FOR_REVIEWER, ORDERED, Choice
from store.times import CLOCKS_DIFFER, aware, aware_or_none, stored
from store.vault import private_text
from store.vault.context import Purpose
from store.vault.private_text import PrivateText


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """What a reviewer has done so far."""

    reviewer: str
    regions: tuple[Region, ...]
    state: Mapping[str, Any]
    """Whatever the page wants to find again; the store only keeps it."""
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """One picture in review."""

    picture_id: str
    batch_id: str
    private_batch_name: PrivateText
    name: PrivateText
    plan: Plan
    draft: SavedDraft | None
    claimed_until: datetime | None
    """None when it was only peeked at."""
    original: Path

    @property
    def batch_name(self) -> str:
        """What whoever made its batch called that."""
        return self.private_batch_name.shown

    @property
    def source(self) -> str:
        """The name it came with."""
        return self.name.shown


@dataclass(frozen=True, slots=True)
class ClaimState:
    """How a picture stands towards reviewers."""

    picture_id: str
    state: str
    revision: int
    claimed_by: str | None
    claimed_at: datetime | None
    claimed_until: datetime | None
    first_reviewer: str | None = None
    """Who decided it already, where it waits for another person."""
    is_ended: bool = False
    """True once anything that a person decides by was destroyed."""

    def is_decided_by(self, reviewer: str) -> bool:
        """True when it waits for somebody else than this reviewer, who decided it first."""
        first = self.first_reviewer
        return first is not None and first.lower() == reviewer.lower()  # as `choice` has it

    def is_with_another(self, reviewer: str, now: datetime) -> bool:
        """True while somebody else's claim runs; one from the future was made by a wrong clock."""
        return (
            self.claimed_by not in (None, reviewer)
            and self.claimed_until is not None
            and self.claimed_until > now
            and (self.claimed_at is None or self.claimed_at <= now + CLOCKS_DIFFER)
        )

    def refusal(self, reviewer: str, now: datetime) -> str | None:
        """Why this reviewer may not change the picture, as the start of a sentence; None if so."""
        if self.is_ended:
            return "The time of this picture was over, or it was deleted"
        if self.state != "review":
            return "This picture was decided meanwhile"
        if self.is_with_another(reviewer, now):
            return f"Your claim on this picture ran out and {self.claimed_by} has it now"
        if self.is_decided_by(reviewer):
            return "You decided this picture, and its second review is for somebody else"
        return None


def claim_state_of(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> ClaimState:
    """How a picture stands towards reviewers.

    Raises:
        UnknownRecord: there is none with that id.
    """
    row = cursor.execute(
        """
        SELECT p.state, p.revision, p.claimed_by, p.claimed_at, p.claimed_until, o.reviewer
        FROM pictures AS p
        LEFT JOIN open_second_reviews AS o ON o.picture_id = p.id
        WHERE p.id = ?
        """,
        [picture_id],
    ).fetchone()
    if row is None:
        raise UnknownRecord(f"There is no picture {picture_id}.")
    state, revision, claimed_by, claimed_at, claimed_until, first = row
    return ClaimState(
        picture_id,
        state,
        revision,
        claimed_by,
        aware_or_none(claimed_at),
        aware_or_none(claimed_until),
        first,
        not NEEDED_FOR_REVIEW.isdisjoint(ended(cursor, picture_id)),
    )


def held(
    cursor: duckdb.DuckDBPyConnection, picture_id: str, reviewer: str, now: datetime
) -> ClaimState:
    """How the picture stands, when this reviewer may change it.

    Raises:
        StaleRevision: it is with somebody else, or no longer in review; says what was kept.
        UnknownRecord: there is no such picture.
    """
    claim_state = claim_state_of(cursor, picture_id)
    refusal = claim_state.refusal(reviewer, now)
    if refusal is None:
        return claim_state
    draft = draft_of(cursor, picture_id)
    kept = (
        "your last saved draft was kept with it"
        if draft is not None and draft.reviewer == reviewer
        else "nothing of yours was saved since"
    )
    raise StaleRevision(f"{refusal}; {kept}. Go on with the next picture.")


def set_claim(
    cursor: duckdb.DuckDBPyConnection,
    picture_id: str,
    reviewer: str,
    now: datetime,
    until: datetime,
) -> None:
    """Give the picture to a reviewer, who gives up any other; their own claim runs on."""
    drop_claims(cursor, reviewer, but=picture_id)
    cursor.execute(
        """
        UPDATE pictures
        SET claimed_at = CASE WHEN claimed_by = ? AND claimed_until > ? THEN claimed_at ELSE ? END,
            claimed_by = ?,
            claimed_until = ?
        WHERE id = ?
        """,
        [reviewer, stored(now), stored(now), reviewer, stored(until), picture_id],
    )


def drop_claims(cursor: duckdb.DuckDBPyConnection, reviewer: str, *, but: str = "") -> None:
    """Take back the reviewer's claims, all `but` one."""
    cursor.execute(
        """
        UPDATE pictures
        SET claimed_by = NULL,
            claimed_at = NULL,
            claimed_until = NULL
        WHERE claimed_by = ?
          AND id <> ?
        """,
        [reviewer, but],
    )


def next_id(
    cursor: duckdb.DuckDBPyConnection,
    reviewer: str,
    now: datetime,
    *,
    after: str = "",
    choice: Choice = ALL,
) -> str | None:
    """The picture this reviewer should have next: their own, then in order, skipped ones last.

    Args:
        cursor: in a transaction.
        reviewer: who asks.
        now: claims of others that ran out before do not count.
        after: a picture to leave out.
        choice: which pictures, and in which order; the reviewer's own is among them always.
    """
    row = cursor.execute(
        f"""
        SELECT p.id
        FROM pictures AS p
        JOIN plans AS l ON l.picture_id = p.id AND l.revision = p.revision
        LEFT JOIN skips AS s ON s.picture_id = p.id AND s.reviewer = ?
        WHERE p.state = 'review'
          AND p.id <> ?
          AND (
            p.claimed_by IS NULL
            OR p.claimed_by = ?
            OR p.claimed_until <= ?
            OR p.claimed_at > ?
          )
          AND {FOR_REVIEWER}
          AND (coalesce(p.claimed_by = ?, FALSE) OR ({CHOSEN}))
        ORDER BY
            coalesce(p.claimed_by = ?, FALSE) DESC,
            s.skipped_at NULLS FIRST,
            {ORDERED}
        LIMIT 1
        """,  # noqa: S608 -- constants
        [
            reviewer,
            after,
            reviewer,
            stored(now),
            stored(now + CLOCKS_DIFFER),
            reviewer,
            reviewer,
            *choice.filters,
            reviewer,
            choice.order.value,
        ],
    ).fetchone()
    return None if row is None else str(row[0])


def claim_of(
    cursor: duckdb.DuckDBPyConnection,
    originals: Originals,
    picture_id: str,
    reviewer: str,
    *,
    peeked: bool = False,
) -> Claim:
    """Everything a reviewer needs about a picture in review.

    Where two people may have to decide, nobody gets another's draft: each decides alone.
    """
    row = cursor.execute(
        """
        SELECT p.batch_id, b.sealed_name, b.name, p.sealed_source, p.source, p.revision,
            p.claimed_until, b.second_review_share
        FROM pictures AS p
        JOIN batches AS b ON b.id = p.batch_id
        WHERE p.id = ?
        """,
        [picture_id],
    ).fetchone()
    if row is None:
        raise ValueError(f"expected a picture {picture_id} in a batch")
    batch_id, *names, revision, claimed_until, second_share = row
    draft = draft_of(cursor, picture_id)
    if draft is not None and second_share and draft.reviewer != reviewer:
        draft = None
    return Claim(
        picture_id=picture_id,
        batch_id=batch_id,
        private_batch_name=named(originals.vault, batch_id, *names[:2]),
        name=private_text.of_picture(
            originals.vault, batch_id, picture_id, Purpose.NAME, *names[2:]
        ),
        plan=plans.at_revision(cursor, picture_id, revision).plan,
        draft=draft,
        claimed_until=None if peeked else aware_or_none(claimed_until),
        original=originals.files.original(picture_id),
    )


def draft_of(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> SavedDraft | None:
    """The draft that lies with a picture; None when there is none."""
    row = cursor.execute(
        """
        SELECT reviewer, regions, state, saved_at
        FROM drafts
        WHERE picture_id = ?
        """,
        [picture_id],
    ).fetchone()
    if row is None:
        return None
    reviewer, regions, state, saved_at = row
    return SavedDraft(reviewer, regions_from(regions), json.loads(state), aware(saved_at))


def keep_draft(cursor: duckdb.DuckDBPyConnection, picture_id: str, draft: SavedDraft) -> None:
    """Lay a draft with the picture, over an earlier one."""
    cursor.execute(
        """
        INSERT INTO drafts (picture_id, reviewer, regions, state, saved_at)
        VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE
        SET reviewer = excluded.reviewer,
            regions = excluded.regions,
            state = excluded.state,
            saved_at = excluded.saved_at
        """,
        [
            picture_id,
            draft.reviewer,
            regions_text(draft.regions),
            json.dumps(dict(draft.state)),
            stored(draft.saved_at),
        ],
    )


def regions_text(regions: tuple[Region, ...]) -> str:
    """Regions as a column holds them."""
    return json.dumps([region.to_json() for region in regions])


def regions_from(text: str) -> tuple[Region, ...]:
    """Undo `regions_text`."""
    return tuple(Region.from_json(value) for value in json.loads(text))
