"""What people decided, and taking it back.

Every decision is kept, also one that came too late, that was undone, or that the release check
contested, beside the machine's own plan; so a reviewer's work is never lost and the automation can
be measured against it, which is what `store.review.audit_sample` is for. At most one per picture
stands; of two in a second review it is the second, with what both decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import duckdb

from engine import triage
from engine.errors import InvalidDecision, StaleRevision
from engine.plan import Plan, Region, ReviewDecision
from engine.signing.keys import KeyRing
from engine.wording import listed
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.audit import verdicts
from store.audit.event import Detail
from store.database import Database
from store.releases import receipts
from store.retention.holding import REJECTED
from store.review import claims, plans, second_review
from store.review.claims import Claim, ClaimState, SavedDraft
from store.review.plans import StoredPlan
from store.review.reviews import CLAIM_MINUTES
from store.review.second_review import FirstDecision
from store.times import aware, stored, within
from store.vault import private_text
from store.vault.context import Purpose
from store.vault.private_text import PrivateText
from store.vault.vault import Vault

_Outcome: TypeAlias = Literal["settled", "rejected"]

UNDO_WINDOW = timedelta(hours=1)
"""How long a decision can be undone: later its release may long be in other hands."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision that stands."""

    number: int
    picture_id: str
    name: PrivateText
    revision: int
    """Of the plan the person looked at."""
    is_rejection: bool
    regions: tuple[Region, ...]
    decided_at: datetime
    is_released: bool
    """True when a release was made from it."""

    @property
    def source(self) -> str:
        """The name the picture came with."""
        return self.name.shown


@dataclass(frozen=True, slots=True)
class _Made:
    """A decision that was just kept."""

    number: int
    decision: ReviewDecision
    is_rejection: bool


@dataclass(frozen=True, slots=True)
class Reopened:
    """A picture whose decision was undone."""

    claim: Claim
    """Its draft holds the regions of the decision that was undone."""
    withdrawn: str | None
    """Id of the release that was taken back; None when there was none yet."""


def settle(
    actor: Actor, database: Database, picture_id: str, decision: ReviewDecision, now: datetime
) -> None:
    """Decide a picture: exactly the decision's regions go, and the machine takes it from there.

    Raises:
        InvalidDecision: it was given on another picture, or a region lies outside this one; nothing
            was changed.
        StaleRevision: the plan changed or somebody else has the picture; says what was kept.
        UnknownRecord: there is no such picture.
    """
    _decide(actor, database, picture_id, decision, "settled", now)
    database.work.set()


def reject(
    actor: Actor, database: Database, picture_id: str, decision: ReviewDecision, now: datetime
) -> None:
    """Hold a picture back for good; the decision's regions are kept but not used.

    Raises:
        InvalidDecision: it was given on another picture; nothing was changed.
        StaleRevision: the plan changed or somebody else has the picture; says what was kept.
        UnknownRecord: there is no such picture.
    """
    _decide(actor, database, picture_id, decision, "rejected", now)


def last(actor: Actor, database: Database, reviewer: str, now: datetime) -> Decision | None:
    """The decision that `reopen_last` would undo now, or None."""
    with database.transaction(actor, Act.READ_QUEUE, name=reviewer) as cursor:
        return _last(database.vault, cursor, reviewer, now)


def reopen_last(
    actor: Actor, database: Database, reviewer: str, now: datetime, *, picture_id: str | None = None
) -> Reopened | None:
    """Undo the reviewer's last decision of the last hour that still stands, or None.

    The picture is back in review under a new revision, claimed by the reviewer, with the decision's
    regions as draft; what another person decided about it waits for a second review. A release made
    meanwhile is withdrawn: its receipt is marked and its file deleted; copies handed out before
    cannot be called back, so the caller should say so.

    Args:
        actor: on whose behalf.
        database: the open database.
        reviewer: whose decision.
        now: the present.
        picture_id: the picture the reviewer was shown as the last one; None for whichever it is.

    Raises:
        StaleRevision: the picture is being worked on this very moment, is not the last one, or
            somebody has it for its second review.
    """
    with database.transaction(actor, Act.UNDO, name=reviewer) as cursor:
        decision = _last(database.vault, cursor, reviewer, now)
        if decision is None:
            database.event.is_idle = True
            return None
        if picture_id not in (None, decision.picture_id):
            raise StaleRevision(
                "Your last decision was on another picture meanwhile; nothing was undone."
            )
        picture_id, regions = decision.picture_id, decision.regions
        claim_state = claims.claim_state_of(cursor, picture_id)
        if claim_state.state == "working":
            raise StaleRevision(
                "Your last picture is being worked on right now; nothing was undone. "
                "Undo again in a few seconds."
            )
        if claim_state.is_ended:
            raise StaleRevision(
                "What your last picture was decided by was destroyed, because its time was over or "
                "it was deleted; nothing can be undone."
            )
        if claim_state.is_with_another(reviewer, now):
            raise StaleRevision(
                f"{claim_state.claimed_by} has your last picture for its second review now; "
                "nothing was undone."
            )
        withdrawn = receipts.withdraw(cursor, database.files, picture_id, now)
        cursor.execute(
            """
            UPDATE verdicts
            SET undone_at = ?
            WHERE number = ?
            """,
            [stored(now), decision.number],
        )
        is_second = second_review.take_back(cursor, picture_id, decision.number)
        _reopen(cursor, claim_state, decision.revision, now, is_second=is_second)
        draft = SavedDraft(reviewer, regions, {}, now)
        claims.keep_draft(cursor, picture_id, draft)
        until = now + timedelta(minutes=CLAIM_MINUTES)
        claims.set_claim(cursor, picture_id, reviewer, now, until)
        claim = claims.claim_of(cursor, database.originals, picture_id, reviewer)
        database.event.subject = picture_id
        database.event.details["reviewer"] = database.person(reviewer)
        database.event.details["verdict"] = decision.number
        if withdrawn is not None:
            database.event.details["withdrawn"] = withdrawn.stem
    if withdrawn is not None:
        database.forgetting.forget(picture_id)
        withdrawn.unlink(missing_ok=True)
    return Reopened(claim, None if withdrawn is None else withdrawn.stem)


def _last(
    vault: Vault, cursor: duckdb.DuckDBPyConnection, reviewer: str, now: datetime
) -> Decision | None:
    row = cursor.execute(
        """
        SELECT v.number, v.picture_id, p.batch_id, p.sealed_source, p.source, v.revision,
            v.decision, v.regions, v.decided_at,
            EXISTS (SELECT 1 FROM receipts AS r WHERE r.live_picture_id = v.picture_id)
        FROM verdicts AS v
        JOIN pictures AS p ON p.id = v.picture_id
        WHERE v.reviewer = ?
          AND v.undone_at IS NULL
          AND v.contested_at IS NULL
          AND v.decision IN ('settled', 'rejected')
        ORDER BY v.number DESC
        LIMIT 1
        """,
        [reviewer],
    ).fetchone()
    if row is None:
        return None
    number, picture_id, batch_id, *names = row[:5]
    revision, decision, regions, decided_at, is_released = row[5:]
    if not within(aware(decided_at), UNDO_WINDOW, now):
        return None
    return Decision(
        number=number,
        picture_id=picture_id,
        name=private_text.of_picture(vault, batch_id, picture_id, Purpose.NAME, *names),
        revision=revision,
        is_rejection=decision == "rejected",
        regions=claims.regions_from(regions),
        decided_at=aware(decided_at),
        is_released=is_released,
    )


def contest(cursor: duckdb.DuckDBPyConnection, picture_id: str, now: datetime) -> list[int]:
    """Let the decision on a picture stand no longer: the release check detected something.

    Returns:
        Numbers of those that stood; of two in a second review, both.
    """
    rows = cursor.execute(
        """
        UPDATE verdicts
        SET contested_at = ?
        WHERE picture_id = ?
          AND decision = 'settled'
          AND undone_at IS NULL
          AND contested_at IS NULL
        RETURNING number
        """,
        [stored(now), picture_id],
    ).fetchall()
    return sorted(number for (number,) in rows)


def _decide(
    actor: Actor,
    database: Database,
    picture_id: str,
    decision: ReviewDecision,
    outcome: _Outcome,
    now: datetime,
) -> None:
    """Keep a decision and move its picture on; one that comes too late is kept all the same."""
    _refuse_another(picture_id, decision)
    with database.transaction(actor, Act.DECIDE, picture_id, name=decision.reviewer) as cursor:
        claim_state = claims.claim_state_of(cursor, picture_id)
        if claim_state.is_ended:  # what was destroyed does not come back with a decision
            raise StaleRevision(
                f"{claim_state.refusal(decision.reviewer, now)}; nothing of your decision was "
                "kept. Go on with the next picture."
            )
        refusal = _refusal(cursor, claim_state, decision, now)
        kept_as = "refused" if refusal else outcome
        number, row = _keep_decision(cursor, claim_state, decision, kept_as, now)
        database.event.details |= _details(database, decision, kept_as)
        keyed = verdicts.digest(database.signer.keys.secret, row)
        database.event.details |= {"verdict": number, "digest": keyed}
        if refusal is None:
            made = _Made(number, decision, outcome == "rejected")
            _apply(cursor, database.signer.keys, claim_state, made, now)
    if refusal is not None:
        raise StaleRevision(refusal)


def _apply(
    cursor: duckdb.DuckDBPyConnection,
    keys: KeyRing,
    claim_state: ClaimState,
    made: _Made,
    now: datetime,
) -> None:
    """Hand the picture to the machine, or to a second person, or hold it back."""
    picture_id, revision = claim_state.picture_id, claim_state.revision
    kept = plans.at_revision(cursor, picture_id, revision)
    settled = None if made.is_rejection else triage.settled(kept.plan, made.decision)
    first = second_review.first_decision(cursor, picture_id)
    if first is not None:
        _apply_both(cursor, claim_state, kept.plan, (first, made), now)
    elif second_review.is_drawn(cursor, keys, picture_id):
        second_review.begin(cursor, picture_id, made.number)
        plan = second_review.asked(kept.plan, revision=revision + 1, is_second=True)
        plans.keep(cursor, picture_id, replace(kept, plan=plan), now)
        _close(cursor, picture_id, "review", plan.revision, None, now)
    elif settled is None:
        reason = f"{REJECTED} by {made.decision.reviewer}."
        _close(cursor, picture_id, "quarantined", revision, reason, now)
    else:
        plans.keep(cursor, picture_id, StoredPlan(settled, made.decision.reviewer), now)
        _close(cursor, picture_id, "settled", settled.revision, None, now)


def _apply_both(
    cursor: duckdb.DuckDBPyConnection,
    claim_state: ClaimState,
    plan: Plan,
    both: tuple[FirstDecision, _Made],
    now: datetime,
) -> None:
    """What either marked goes; what either rejected is held back."""
    first, second = both
    picture_id, reviewer = claim_state.picture_id, second.decision.reviewer
    regions = second_review.union(first, second.decision.regions)
    rejections = {first.reviewer: first.is_rejection, reviewer: second.is_rejection}
    rejected_by = [name for name, rejects in rejections.items() if rejects]
    second_review.complete(
        cursor, first, second.number, is_rejection=bool(rejected_by), regions=regions
    )
    if rejected_by:
        one = ", one of two reviewers" if len(rejected_by) == 1 else ""
        reason = f"{REJECTED} by {listed(rejected_by)}{one}."
        _close(cursor, picture_id, "quarantined", claim_state.revision, reason, now)
        return
    settled = triage.settled(plan, replace(second.decision, regions=regions))
    plans.keep(cursor, picture_id, StoredPlan(settled, first.reviewer, reviewer), now)
    _close(cursor, picture_id, "settled", settled.revision, None, now)


def _details(database: Database, decision: ReviewDecision, outcome: str) -> dict[str, Detail]:
    """What the audit trail keeps of a decision; what was decided stands in `verdicts`."""
    return {
        "reviewer": database.person(decision.reviewer),
        "outcome": outcome,
        "plan": decision.plan,
        "regions": len(decision.regions),
    }


def _refuse_another(picture_id: str, decision: ReviewDecision) -> None:
    if decision.picture != picture_id:
        raise InvalidDecision(
            "This decision was made on another picture; nothing was changed. Look at this one."
        )


def _refusal(
    cursor: duckdb.DuckDBPyConnection,
    claim_state: ClaimState,
    decision: ReviewDecision,
    now: datetime,
) -> str | None:
    cause = claim_state.refusal(decision.reviewer, now)
    if cause is None:
        waiting = plans.at_revision(cursor, claim_state.picture_id, claim_state.revision).plan
        if waiting.digest != decision.plan:
            cause = "This picture's plan was changed while you looked at it"
    if cause is None:
        return None
    count = len(decision.regions)
    regions = "1 region was" if count == 1 else f"{count} regions were"
    return f"{cause}; your {regions} kept on record but not applied. Go on with the next picture."


def _keep_decision(
    cursor: duckdb.DuckDBPyConnection,
    claim_state: ClaimState,
    decision: ReviewDecision,
    outcome: str,
    now: datetime,
) -> tuple[int, tuple[Any, ...]]:
    """Insert a decision; gives its number, and the row as it is kept."""
    is_own = claim_state.claimed_by == decision.reviewer and claim_state.claimed_at is not None
    (row,) = cursor.execute(
        f"""
        INSERT INTO verdicts
            (picture_id, revision, plan, reviewer, decision, regions, opened_at, decided_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        RETURNING {verdicts.COLUMNS}
        """,  # noqa: S608 -- constants
        [
            claim_state.picture_id,
            plans.revision_of(cursor, claim_state.picture_id, decision.plan),
            decision.plan,
            decision.reviewer,
            outcome,
            claims.regions_text(decision.regions),
            stored(claim_state.claimed_at) if is_own and claim_state.claimed_at else None,
            stored(now),
        ],
    ).fetchall()
    return int(row[0]), row


def _close(
    cursor: duckdb.DuckDBPyConnection,
    picture_id: str,
    state: str,
    revision: int,
    reason: str | None,
    now: datetime,
) -> None:
    cursor.execute(
        """
        UPDATE pictures
        SET state = ?,
            revision = ?,
            reason = ?,
            sealed_reason = NULL,
            attempts = 0,
            claimed_by = NULL,
            claimed_at = NULL,
            claimed_until = NULL,
            changed_at = ?
        WHERE id = ?
        """,
        [state, revision, reason, stored(now), picture_id],
    )
    cursor.execute(
        """
        DELETE FROM drafts
        WHERE picture_id = ?
        """,
        [picture_id],
    )


def _reopen(
    cursor: duckdb.DuckDBPyConnection,
    claim_state: ClaimState,
    decided: int,
    now: datetime,
    *,
    is_second: bool,
) -> None:
    """Put the plan that a person decided before them again, under a revision nobody has seen.

    It is as it was then: what the release check detected is to be reviewed again, what was decided
    before stays so.
    """
    kept = plans.at_revision(cursor, claim_state.picture_id, decided)
    revision = claim_state.revision + 1
    plan = second_review.asked(kept.plan, revision=revision, is_second=is_second)
    plans.keep(cursor, claim_state.picture_id, replace(kept, plan=plan), now)
    _close(cursor, claim_state.picture_id, "review", plan.revision, None, now)
