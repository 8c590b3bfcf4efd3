"""Remake the figures of cost in 0028, 0029 and 0031: `python docs/decisions/0029-cost.py`.

Thirty made-up pictures of 1600 x 1200 arrive and are opened twice, sealed and in plain, turn about;
acts are done that the audit trail records, and that it does not. Everything is processor time of
this process, beside what detection and planning of one of the pictures take. Half a minute.
"""

import hashlib
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.detect.registry import default_ensemble
from engine.files import atomic
from engine.pipeline import Stopwatch, prepare
from engine.policy import default_policy
from store.accounts.act import Act
from store.accounts.actor import MACHINE, shell
from store.batches import batches, intake, originals
from store.database import Database

PICTURES, ROUNDS, ACTS = 30, 5, 300
ACTOR = shell(os.getuid())


def picture(seed: int) -> bytes:
    """A JPEG of smooth noise, about as large as a photograph of its size."""
    small = np.random.default_rng(seed).integers(0, 256, (150, 200, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", cv2.resize(small, (1600, 1200)), [cv2.IMWRITE_JPEG_QUALITY, 92])[
        1
    ].tobytes()


def spent(act) -> float:
    """Processor seconds of a call."""
    began = time.process_time()
    act()
    return time.process_time() - began


def sealed(database: Database, contents: list[bytes]) -> None:
    """Arrival in the store and two openings of each picture."""
    now = datetime.now(UTC)
    batch = batches.create(ACTOR, database, batches.Request("cost", ""), now)
    incoming = [intake.Incoming(f"{number}.jpg", one) for number, one in enumerate(contents)]
    ids = intake.add(ACTOR, database, batch.id, incoming, now)
    for picture_id in ids * 2:
        originals.content(MACHINE, database, picture_id, act=Act.WORK)


def plain(folder: Path, contents: list[bytes]) -> None:
    """The same bytes written as safely, and read and hashed as often."""
    for number, one in enumerate(contents):
        atomic.write(folder / f"{number}", one)
        for _ in range(3):
            hashlib.sha256((folder / f"{number}").read_bytes()).digest()


def acts(database: Database, act: Act) -> None:
    """Transactions that do nothing but pass the gate."""
    for number in range(ACTS):
        with database.transaction(ACTOR, act, str(number)) as cursor:
            cursor.execute("SELECT 1")


def main() -> None:
    """Measure and print."""
    contents = [picture(seed) for seed in range(PICTURES)]
    ensemble, policy = default_ensemble(), default_policy()

    def look() -> None:
        prepare(contents[0], "0" * 32, ensemble, policy, draw=1.0, watch=Stopwatch())

    look()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = Database.open(folder / "home", datetime.now(UTC))
        rounds = [
            (
                spent(lambda: sealed(database, contents)) / PICTURES,
                spent(lambda: plain(folder, contents)) / PICTURES,
                spent(lambda: acts(database, Act.CREATE_BATCH)) / ACTS,
                spent(lambda: acts(database, Act.READ_BATCHES)) / ACTS,
                spent(look),
            )
            for _ in range(ROUNDS)
        ]
        database.close()
    kept, written, recorded, silent, looked = map(statistics.median, zip(*rounds, strict=True))
    event, seal = recorded - silent, kept - written
    size = sum(map(len, contents)) // PICTURES // 1000
    print(f"a picture of {size} kB, stored and opened twice: {kept * 1e3:.1f} ms, "
          f"in plain {written * 1e3:.1f} ms")  # fmt: skip
    print(f"an event: {event * 1e3:.2f} ms")
    print(f"detection and plan of one picture: {looked * 1e3:.0f} ms")
    print(f"sealing {seal / looked:.1%}, four events {4 * event / looked:.1%}, "
          f"both {(seal + 4 * event) / looked:.1%} of that")  # fmt: skip


if __name__ == "__main__":
    main()
