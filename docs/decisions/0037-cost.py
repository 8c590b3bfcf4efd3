"""Remake the figures of 0034 and 0037: `python docs/decisions/0037-cost.py`.

A made-up store of 100,000 pictures and 400,000 events, of which fifty pictures came in with a name
and a reason; medians of eleven calls, processor time of this process. Ten seconds.
"""

import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from store.accounts.act import Act
from store.accounts.actor import MACHINE, shell
from store.batches import batches, intake, pictures
from store.database import Database
from store.monitoring.figures import figures
from store.retention.report import report

PICTURES, EVENTS, PAGE, ROUNDS = 100_000, 400_000, 50, 11
ACTOR = shell(os.getuid())


def spent(act) -> float:
    """Processor seconds of a call, the median of some."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        act()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


def filled(database: Database, now: datetime) -> str:
    """Many rows, and a batch whose names are sealed; gives its id."""
    batch = batches.create(ACTOR, database, batches.Request("cost", ""), now)
    incoming = [intake.Incoming(f"ward 3/IMG {number}.jpg", b"x") for number in range(PAGE)]
    intake.add(ACTOR, database, batch.id, incoming, now)
    batches.start(ACTOR, database, batch.id, now)
    many = batches.create(ACTOR, database, batches.Request("many", ""), now)
    intake.add(ACTOR, database, many.id, [intake.Incoming("one.jpg", b"x")], now)
    batches.start(ACTOR, database, many.id, now)
    with database.transaction(MACHINE, Act.WORK) as cursor:
        cursor.execute(
            """
            INSERT INTO pictures (id, batch_id, source, state, prepared_at, added_at, changed_at)
            SELECT 'p' || i, ?, 'IMG ' || i || '.jpg',
                ['review', 'released', 'quarantined'][i % 3 + 1], added_at, added_at, added_at
            FROM range(?) AS r(i), (SELECT min(added_at) AS added_at FROM pictures)
            """,
            [many.id, PICTURES - PAGE],
        )
        cursor.execute(
            """
            INSERT INTO events
            SELECT 1000000 + i, happened_at, 'a', 'claim', 'p' || i,
                CASE WHEN i % 100 = 0 THEN '{"refused":"NotAllowed"}' ELSE '{}' END, '', ''
            FROM range(?) AS r(i), (SELECT min(happened_at) AS happened_at FROM events)
            """,
            [EVENTS],
        )
    return batch.id


def main() -> None:
    """Measure and print."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        database = Database.open(Path(name) / "home", now)
        batch_id = filled(database, now)

        def page(shown: bool) -> None:
            rows = pictures.of_batch(ACTOR, database, batch_id, limit=PAGE)
            if shown:
                _ = [(row.source, row.reason) for row in rows]

        opened, unopened = spent(lambda: page(True)), spent(lambda: page(False))
        print(f"a page of {PAGE} pictures: {opened * 1e3:.1f} ms, its names unopened "
              f"{unopened * 1e3:.1f} ms")  # fmt: skip
        print(f"figures: {spent(lambda: figures(ACTOR, database, now)) * 1e3:.0f} ms")
        print(f"retention report: {spent(lambda: report(ACTOR, database, now)) * 1e3:.0f} ms")
        database.close()


if __name__ == "__main__":
    main()
