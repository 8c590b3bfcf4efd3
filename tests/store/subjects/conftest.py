from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from engine.runs.jobs import Released
from store.batches import pictures
from store.database import Database
from store.releases import receipts
from store.releases.receipts import StoredReceipt
from store.worker import tasks
from tests.homes import prepare
from tests.store.fakes import ACTOR, NOW, a_batch, receipt


@dataclass
class Worked:
    """Two pictures that were released, called `0.jpg` and `1.jpg`; the clock can be set."""

    database: Database
    batch_id: str
    now: list[datetime]

    @property
    def picture_id(self) -> str:
        return self.pictures[0]

    @property
    def pictures(self) -> list[str]:
        return [one.id for one in pictures.of_batch(ACTOR, self.database, self.batch_id)]

    @property
    def release(self) -> StoredReceipt:
        """Of the first picture, the one that stands."""
        found = receipts.newest(ACTOR, self.database, self.batch_id)
        return next(one for one in found if one.picture_id == self.picture_id)

    def work(self) -> None:
        """Release all that can be."""
        release_all(self.database, self.now[-1])


def release_all(database: Database, now: datetime) -> None:
    """Release all that waits for the machine."""
    while (task := tasks.take(ACTOR, database, now)) is not None:
        assert isinstance(task, tasks.Task)
        made = receipt(secrets.token_hex(16), task.picture_id, task.sign_off)
        released = Released(task.picture_id, made, f"release {made.release}".encode())
        tasks.record(ACTOR, database, released, now)


@pytest.fixture
def worked(home) -> Iterator[Worked]:
    now = [NOW]
    prepare(home)
    database = Database.open(home, NOW, clock=lambda: now[-1])
    made = Worked(database, a_batch(database, [b"one", b"two"]), now)
    made.work()
    yield made
    database.close()
