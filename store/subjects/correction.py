"""Have a released picture decided anew, since somebody objected to what came of it.

Its release is withdrawn in the same transaction and stays so, whatever a person decides then: what
is released afterwards is another release. The verdict behind it counts as contested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

import duckdb

from engine import triage
from engine.category import Category
from engine.errors import StaleRevision, UnreadableImage
from engine.geometry import PixelRect, Size
from engine.plan import Plan, Region
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.batches import pictures
from store.database import Database
from store.releases import receipts
from store.retention.ended import ended
from store.retention.holding import NEEDED_FOR_REVIEW
from store.review import claims, decisions
from store.subjects import requests
from store.subjects.requests import Kind
from store.worker import tasks


class Ground(StrEnum):
    """What is objected to, for whoever reviews; the values are shown as they are.

    No text of one's own, which would name people sooner or later.
    """

    MISSED = "something was missed"
    TOO_MUCH = "too much was removed"
    OTHER = "for another ground"


@dataclass(frozen=True, slots=True)
class Correction:
    """A picture that waits for review again."""

    release_id: str
    """Withdrawn; copies that were handed out are still where they are."""
    request_id: str


def corrected(
    actor: Actor, database: Database, picture_id: str, ground: Ground, now: datetime
) -> Correction:
    """Withdraw a picture's release and put the picture before a person again.

    Raises:
        StaleRevision: the picture has no release that stands; nothing was changed.
        UnreadableImage: its original is gone, so nobody can decide it anew; nothing was changed.
        UnknownRecord: there is no such picture.
    """
    database.admit(actor, Act.CORRECT_SUBJECT, picture_id)
    known = pictures.picture(actor, database, picture_id)
    is_there = database.files.original(known.id).is_file()
    with database.transaction(actor, Act.CORRECT_SUBJECT, picture_id) as cursor:
        claim_state = claims.claim_state_of(cursor, picture_id)
        receipt = _receipt(cursor, picture_id)
        if receipt is None:
            raise StaleRevision(_not_released(claim_state.state))
        if not is_there or ended(cursor, picture_id).keys() & NEEDED_FOR_REVIEW:
            raise UnreadableImage(
                "Its original, or what was decided about it, is destroyed, so nobody can decide "
                "it anew; nothing was changed. Delete the picture with its release instead."
            )
        plan = _carried_out(picture_id, receipt, claim_state.revision)
        contested = decisions.contest(cursor, picture_id, now)
        withdrawn = receipts.withdraw(cursor, database.files, picture_id, now)
        tasks.to_review(cursor, picture_id, triage.objected(plan, ground.value), now)
        request_id = requests.carried_out(cursor, actor, Kind.CORRECTION, picture_id, now)
        if withdrawn is None:
            raise ValueError(f"expected a release of picture {picture_id} that stands")
        database.event.details |= {
            "request": request_id,
            "ground": ground.value,
            "withdrawn": withdrawn.stem,
            "contested": " ".join(map(str, contested)),
        }
    database.forgetting.forget(picture_id)
    withdrawn.unlink(missing_ok=True)
    return Correction(withdrawn.stem, request_id)


def _receipt(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> Mapping[str, Any] | None:
    """Of the release that stands; None where none does."""
    row = cursor.execute(
        """
        SELECT receipt
        FROM receipts
        WHERE live_picture_id = ?
        """,
        [picture_id],
    ).fetchone()
    return None if row is None else cast(Mapping[str, Any], json.loads(row[0]))


def _carried_out(picture_id: str, receipt: Mapping[str, Any], revision: int) -> Plan:
    """What was done to make a release; of what the machine released by itself no plan is kept."""
    return Plan(
        image_id=picture_id,
        size=Size(*receipt["size"]),
        regions=tuple(
            Region.from_json(line).with_rect(PixelRect(*line["masked"]))
            for line in receipt["regions"]
        ),
        review_regions=(),
        reasons=(),
        policy=receipt["policy"],
        not_looked_for=tuple(map(Category, receipt["not_looked_for"])),
        weights=tuple(receipt["weights"]),
        revision=revision,
    )


def _not_released(state: str) -> str:
    if state == "review":
        return "This picture waits for review already; nothing of it is released."
    if state in ("waiting", "settled", "working"):
        return (
            "This picture is not done yet and nothing of it is released; nothing was changed. Try "
            "again when it is."
        )
    return "Nothing of this picture is released, so there is nothing to correct."
