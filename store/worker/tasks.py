"""What the dispatcher takes from the store and gives back: one picture out, one outcome in.

Pictures of batches come before labelled pictures of evaluations. An outcome is recorded in one
transaction with the picture's state. A release's file is in place before that; when the record
fails, the file goes. A labelled picture is never released and never reviewed, and a picture of a
batch is never merely predicted: an outcome of the wrong kind holds either back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from engine.errors import UnusableKeys
from engine.files import atomic
from engine.images import FormatChoice
from engine.plan import Plan, ReasonKind
from engine.receipt import UNATTENDED, SignOff
from engine.runs.jobs import HeldFor, NeedsReview, Outcome, Postponed, Quarantined, Released
from store.absence import absent
from store.accounts.act import Act
from store.accounts.actor import MACHINE, Actor
from store.database import Database
from store.evaluations import predictions
from store.evaluations.predictions import LabelledTask
from store.releases import certificates, receipts
from store.retention.ended import ended
from store.retention.holding import HELD_FOR, NEEDED_FOR_REVIEW, Cause
from store.review import decisions, plans
from store.review.plans import StoredPlan
from store.times import day, stored
from store.vault.context import Item, Purpose
from store.worker.recovery import postpone, put_back

_KEYLESS = "Held back, and its key is gone, so why it was cannot be kept."
_ONLY_PREDICTED = "Held back because it was examined instead of worked on; please report it."


@dataclass(frozen=True, slots=True)
class Task:
    """A picture of a batch that is now being worked on."""

    picture_id: str
    batch_id: str
    original: Path
    format: FormatChoice
    settled: Plan | None = None
    """What a person decided; None when the machine has to look first."""
    sign_off: SignOff = UNATTENDED


def take(actor: Actor, database: Database, now: datetime) -> Task | LabelledTask | None:
    """The next picture, now in work; None if none.

    Settled ones come first, then the oldest batch's, then the labelled ones of the oldest
    evaluation, so that nobody's batch waits for a measurement.
    """
    with database.transaction(actor, Act.WORK) as cursor:
        row = cursor.execute(
            """
            SELECT p.id, p.batch_id, b.format, p.state, p.revision
            FROM pictures AS p
            JOIN batches AS b ON b.id = p.batch_id
            WHERE p.postponed IS NULL
              AND (p.state = 'settled' OR (p.state = 'waiting' AND b.started_at IS NOT NULL))
            ORDER BY p.state = 'settled' DESC, b.number, p.number
            LIMIT 1
            """
        ).fetchone()
        if row is None:
            return predictions.take(database.vault, cursor, now)
        picture_id, batch_id, image_format, state, revision = row
        cursor.execute(
            """
            UPDATE pictures
            SET state = 'working',
                came_from = state,
                attempts = attempts + 1,
                changed_at = ?
            WHERE id = ?
            """,
            [stored(now), picture_id],
        )
        original = database.files.original(picture_id)
        if state == "waiting":
            return Task(picture_id, batch_id, original, image_format)
        decided = plans.at_revision(cursor, picture_id, revision)
    return Task(
        picture_id,
        batch_id,
        original,
        image_format,
        decided.plan,
        SignOff(decided.made_by, decided.second_made_by),
    )


def record(actor: Actor, database: Database, outcome: Outcome, now: datetime) -> bool:
    """Keep an outcome and move the picture on.

    Returns:
        False when the picture is no longer in work, and so nothing was kept.

    Raises:
        OSError: the disk does not take the release; the picture is still in work.
    """
    if isinstance(outcome, Postponed):
        with database.transaction(actor, Act.RECORD_OUTCOME, outcome.job_id) as cursor:
            is_kept = postpone(cursor, outcome.job_id, outcome.reason, now)
            _tell(database, "postponed", is_kept=is_kept)
            return is_kept
    with database.transaction(actor, Act.WORK) as cursor:
        if predictions.is_in_work(cursor, outcome.job_id):
            predictions.record(database.vault, cursor, outcome, now)
            return True
    match outcome:
        case Released():
            return _record_release(actor, database, outcome, now)
        case NeedsReview():
            return _record_review(actor, database, outcome, now)
        case Quarantined(job_id, reason, kind):
            return _record_refusal(actor, database, job_id, reason, now, kind)
        case _:
            return _record_refusal(actor, database, outcome.job_id, _ONLY_PREDICTED, now)


def give_back(
    actor: Actor, database: Database, picture_ids: list[str], now: datetime, *, attempt_counts: bool
) -> None:
    """Return pictures whose outcome will not come; after three attempts they are held back."""
    with database.transaction(actor, Act.GIVE_BACK) as cursor:
        put_back(cursor, picture_ids, now, attempt_counts=attempt_counts)
        database.event.details["pictures"] = len(picture_ids)


def to_review(
    cursor: duckdb.DuckDBPyConnection, picture_id: str, plan: Plan, now: datetime
) -> None:
    """Keep the machine's plan and put the picture into the review queue.

    A picture once drawn for the sample stays in it, whatever brings it back.
    """
    all_to_review(cursor, {picture_id: plan}, now)


def all_to_review(
    cursor: duckdb.DuckDBPyConnection, machine_plans: Mapping[str, Plan], now: datetime
) -> None:
    """`to_review` for many, by picture id, in two statements."""
    kept = {picture_id: StoredPlan(plan) for picture_id, plan in machine_plans.items()}
    plans.keep_all(cursor, kept, now)
    cursor.execute(
        """
        UPDATE pictures
        SET state = 'review',
            risk = new.risk,
            audit_sample = pictures.audit_sample OR new.audit_sample,
            revision = new.revision,
            attempts = 0,
            came_from = NULL,
            held_from = NULL,
            prepared_at = $now,
            changed_at = $now
        FROM (
            SELECT unnest($ids::VARCHAR[]) AS id, unnest($risks::DOUBLE[]) AS risk,
                unnest($samples::BOOLEAN[]) AS audit_sample,
                unnest($revisions::INTEGER[]) AS revision
        ) AS new
        WHERE pictures.id = new.id
        """,
        {
            "ids": list(machine_plans),
            "risks": [plan.risk for plan in machine_plans.values()],
            "samples": [is_audit_sample(plan) for plan in machine_plans.values()],
            "revisions": [plan.revision for plan in machine_plans.values()],
            "now": stored(now),
        },
    )


def is_audit_sample(plan: Plan) -> bool:
    """True when nothing but the sample check made a person look."""
    kinds = {reason.kind for reason in plan.reasons}
    return kinds == {ReasonKind.AUDIT_SAMPLE} and not plan.review_regions


def _record_release(actor: Actor, database: Database, released: Released, now: datetime) -> bool:
    receipt = released.receipt
    path = database.files.release(receipt.release, receipt.format)
    certificate = database.signer.certificate(receipt, released.data, day(now))
    atomic.write(path, released.data)
    try:
        with database.transaction(actor, Act.RECORD_OUTCOME, released.job_id) as cursor:
            is_current = _move(cursor, released.job_id, "released", now)
            if is_current:
                receipts.keep(cursor, released, now)
                certificates.keep(cursor, receipt.release, certificate)
            _tell(database, "released", is_kept=is_current)
            database.event.details["release"] = receipt.release
    except BaseException:
        if absent(MACHINE, database, "receipts", [receipt.release]):
            path.unlink(missing_ok=True)
        raise
    if not is_current:
        path.unlink(missing_ok=True)
    return is_current


def _record_review(actor: Actor, database: Database, outcome: NeedsReview, now: datetime) -> bool:
    with database.transaction(actor, Act.RECORD_OUTCOME, outcome.job_id) as cursor:
        came_from = _came_from(cursor, outcome.job_id)
        if came_from is not None and not NEEDED_FOR_REVIEW.isdisjoint(
            ended(cursor, outcome.job_id)
        ):
            reason = Cause.DEADLINE.reason
            _tell(database, "quarantined", is_kept=True)
            return _move(cursor, outcome.job_id, "quarantined", now, reason=reason, kind=HELD_FOR)
        if came_from == "settled" and not _is_contested(outcome.plan):
            reason = "Held back because it asked for review again after a person had decided."
            _tell(database, "quarantined", is_kept=True)
            return _move(
                cursor, outcome.job_id, "quarantined", now, reason=reason, kind=HeldFor.OTHER
            )
        if came_from == "settled":
            contested = decisions.contest(cursor, outcome.job_id, now)
            database.event.details["contested"] = " ".join(map(str, contested))
        if came_from is not None:
            to_review(cursor, outcome.job_id, outcome.plan, now)
        _tell(database, "review", is_kept=came_from is not None)
    return came_from is not None


def _is_contested(plan: Plan) -> bool:
    """True when the release check, which alone may ask again, is why a person must look."""
    return {reason.kind for reason in plan.reasons} == {ReasonKind.RESIDUAL}


def _record_refusal(
    actor: Actor,
    database: Database,
    picture_id: str,
    reason: str,
    now: datetime,
    kind: HeldFor = HeldFor.OTHER,
) -> bool:
    sealed = _sealed_reason(actor, database, picture_id, reason)
    with database.transaction(actor, Act.RECORD_OUTCOME, picture_id) as cursor:
        plain = _KEYLESS if sealed is None else None
        is_kept = _move(
            cursor, picture_id, "quarantined", now, reason=plain, sealed=sealed, kind=kind
        )
        _tell(database, "quarantined", is_kept=is_kept)
        return is_kept


def _sealed_reason(actor: Actor, database: Database, picture_id: str, reason: str) -> bytes | None:
    """A reason that may quote the file, sealed with it; None where that has no key any more."""
    with database.transaction(actor, Act.WORK) as cursor:
        row = cursor.execute(
            """
            SELECT batch_id
            FROM pictures
            WHERE id = ?
            """,
            [picture_id],
        ).fetchone()
    if row is None:
        return None
    try:
        return database.vault.seal_text(Item(row[0], picture_id, Purpose.REASON), reason)
    except UnusableKeys:
        return None


def _tell(database: Database, outcome: str, *, is_kept: bool) -> None:
    """Have the audit trail say what became of the picture, unless the outcome came too late."""
    database.event.details["outcome"] = outcome
    database.event.is_idle = not is_kept


def _came_from(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> str | None:
    row = cursor.execute(
        """
        SELECT came_from
        FROM pictures
        WHERE id = ?
          AND state = 'working'
        """,
        [picture_id],
    ).fetchone()
    return None if row is None else str(row[0])


def _move(
    cursor: duckdb.DuckDBPyConnection,
    picture_id: str,
    state: str,
    now: datetime,
    *,
    reason: str | None = None,
    sealed: bytes | None = None,
    kind: str | None = None,
) -> bool:
    """Give a picture in work its next state; a reason is ours, or sealed.

    What is held back since something of it ended is for no other try.
    """
    row = cursor.execute(
        """
        UPDATE pictures
        SET state = ?,
            reason = ?,
            sealed_reason = ?,
            held_for = ?,
            held_from = CASE WHEN ? THEN came_from END,
            came_from = NULL,
            prepared_at = ?,
            changed_at = ?
        WHERE id = ?
          AND state = 'working'
        RETURNING id
        """,
        [
            state,
            reason,
            sealed,
            kind,
            state == "quarantined" and kind != HELD_FOR,
            stored(now),
            stored(now),
            picture_id,
        ],
    ).fetchone()
    return row is not None
