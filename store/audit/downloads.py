"""Downloads that hold names or pictures: on record, as releases are by `store.releases.receipts`.

What tells nothing personal is none: certificates and keys, numbers of an evaluation, templates.
Each is an event before its first byte leaves, and one more when its last byte has left.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Literal, TypeAlias

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.errors import LinkRefused

Part: TypeAlias = Literal["report", "report with crops", "boxes", "left out"]


def names_listed(actor: Actor, database: Database, batch_id: str, count: int) -> None:
    """Put on record that somebody has the names of a batch's pictures now."""
    with database.transaction(actor, Act.EXPORT_NAMES, batch_id):
        database.event.details["pictures"] = count


def of_evaluation(actor: Actor, database: Database, evaluation_id: str, part: Part) -> None:
    """Put on record that somebody has a part of an evaluation now."""
    with database.transaction(actor, Act.EXPORT_EVALUATION, evaluation_id):
        database.event.details["part"] = part


def completed(actor: Actor, database: Database, subject: str, count: int) -> None:
    """Put on record that all of a download was sent, also where the session ended meanwhile.

    Args:
        actor: to whom.
        database: the open database.
        subject: id of what it was of.
        count: bytes of it.
    """
    with database.transaction(replace(actor, expires=None), Act.COMPLETE_DOWNLOAD, subject):
        database.event.details["bytes"] = count


def refused(actor: Actor, database: Database, subject: str, refusal: LinkRefused) -> None:
    """Put on record that somebody followed a link that is not for them, or not any more."""
    with suppress(LinkRefused), database.transaction(actor, Act.FOLLOW_LINK, subject):
        raise refusal
