from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from engine.receipt import SignOff
from engine.runs.jobs import NeedsReview
from store.batches import pictures
from store.batches.pictures import Picture
from store.database import Database
from store.review import decisions
from store.worker import tasks
from tests.store.fakes import ACTOR, DRAWN, NOW, a_batch, plan, released, verdict_on


@dataclass
class Settled:
    """What `released` needs of a job."""

    id: str
    release_id: str = "e" * 32
    sign_off: SignOff = SignOff("ada")  # noqa: RUF009 -- frozen


def make(database: Database, state: str, content: bytes = b"an original") -> Picture:
    """A picture in a state, with all that it takes to come there."""
    batch_id = a_batch(database, [content])
    if state != "waiting":
        picture_id = tasks.take(ACTOR, database, NOW).picture_id
        if state != "working":
            outcome = NeedsReview(picture_id, plan(picture_id))
            tasks.record(ACTOR, database, outcome, NOW)
        if state in ("settled", "released"):
            decision = verdict_on(database, picture_id, (DRAWN,), "ada", 0)
            decisions.settle(ACTOR, database, picture_id, decision, NOW)
        if state == "quarantined":
            decision = verdict_on(database, picture_id, (DRAWN,), "ada", 0)
            decisions.reject(ACTOR, database, picture_id, decision, NOW)
        if state == "released":
            tasks.take(ACTOR, database, NOW)
            tasks.record(ACTOR, database, released(Settled(picture_id)), NOW)
    (picture,) = pictures.of_batch(ACTOR, database, batch_id)
    assert picture.state == state
    return picture


@pytest.fixture
def in_state(database: Database) -> Callable[[str], Picture]:
    """Makes a picture in a state."""
    return lambda state: make(database, state)
