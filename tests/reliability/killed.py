"""Be killed in the middle of something: `python -m tests.reliability.killed HOME upload|start`."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from components.app.access import LOCAL
from components.upload.staging import Staging
from engine.files import atomic
from engine.policy import read_policy
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.vault.vault import Vault
from tests.reliability.scenes import POLICY, pictures
from tests.store.fakes import ACTOR


def ended_at(file: int) -> None:
    """End this process when so many files are written, the last of them half."""
    fill, left = atomic._fill, [file]

    def half(target, content):
        left[0] -= 1
        if left[0]:
            fill(target, content)
            return
        data = content if isinstance(content, bytes) else b"".join(content)
        target.write(data[: len(data) // 2])
        target.flush()
        os._exit(9)

    atomic._fill = half


def upload(home: Path) -> None:
    """Three pictures arrive, the third in part."""
    staging = Staging(home / "staging", LOCAL.name, Vault.open(home, {}))
    ended_at(9)  # each picture is an upload: its key, the picture's and the picture
    for name, content in pictures().items():
        staging.take_file(name, content)


def start(home: Path) -> None:
    """Start is pressed, and the program ends while the second original is taken over."""
    now = datetime.now(UTC)
    database = Database.open(home, now)
    staging = Staging(home / "staging", LOCAL.name, database.vault)
    for name, content in pictures().items():
        staging.take_file(name, content)
    policy = read_policy(POLICY).only(["face"])
    with staging.claimed([one.id for one in staging.files()]) as (token, claimed):
        batch = batches.create(
            ACTOR, database, Request("a batch", policy.to_toml(), run=token), now
        )
        ended_at(3)  # the batch's key, and two pictures'
        intake.add(
            ACTOR,
            database,
            batch.id,
            [Incoming(one.name, staging.content(one)) for one in claimed],
            now,
        )


if __name__ == "__main__":
    {"upload": upload, "start": start}[sys.argv[2]](Path(sys.argv[1]))
