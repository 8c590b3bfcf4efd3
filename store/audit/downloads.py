"""Downloads that hold names or pictures: on record, as releases are by `store.releases.receipts`.

What tells nothing personal is none: certificates and keys, numbers of an evaluation, templates.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database

Part: TypeAlias = Literal["report", "report with crops", "boxes", "left out"]


def names_listed(actor: Actor, database: Database, batch_id: str, count: int) -> None:
    """Put on record that somebody has the names of a batch's pictures now."""
    with database.transaction(actor, Act.EXPORT_NAMES, batch_id):
        database.event.details["pictures"] = count


def of_evaluation(actor: Actor, database: Database, evaluation_id: str, part: Part) -> None:
    """Put on record that somebody has a part of an evaluation now."""
    with database.transaction(actor, Act.EXPORT_EVALUATION, evaluation_id):
        database.event.details["part"] = part
