"""Growth with the number of reviewers who claim pictures at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.plan import ReviewDecision
from store.database import Database
from store.exchange.import_run import ingest
from store.review import decisions, reviews
from tests.growth.fit import Growth
from tests.growth.synthetic import write_run
from tests.store.fakes import ACTOR

REVIEWERS = (1, 2, 5, 10, 20, 50)
PICTURES = 1_000
TURNS = 4
"""Pictures that each reviewer takes and rejects."""


def measure(scratch: Path, reviewers: Sequence[int] = REVIEWERS) -> tuple[Growth, ...]:
    """Have so many threads claim and decide pictures, each as fast as it can."""
    points = []
    for count in reviewers:
        seconds, got = claimed(scratch / f"reviewers-{count}", count)
        if len(got) != len(set(got)) or len(got) != count * TURNS:
            raise ValueError(f"{count} reviewers got {len(set(got))} of {len(got)} pictures")
        points.append((count, seconds))
    return (Growth("Claims and decisions", "reviewers", tuple(points)),)


def claimed(
    home: Path, reviewers: int, *, pictures: int = PICTURES, turns: int = TURNS
) -> tuple[float, list[str]]:
    """CPU seconds, and the picture ids that were claimed, by whomever."""
    database = Database.open(home, datetime.now(UTC))
    got: list[str] = []
    try:
        run = write_run(home.with_name(f"{home.name}-run"), pictures, database.signer)
        ingest(ACTOR, database, run.out, run.inputs, datetime.now(UTC))
        start = threading.Barrier(reviewers)

        def work(name: str) -> None:
            start.wait()
            for _ in range(turns):
                case = reviews.claim(ACTOR, database, name, datetime.now(UTC))
                if case is not None:
                    got.append(case.picture_id)
                    decision = ReviewDecision.on(case.plan, (), name)
                    now = datetime.now(UTC)
                    decisions.reject(ACTOR, database, case.picture_id, decision, now)

        began = time.process_time()
        threads = [
            threading.Thread(target=work, args=(f"reviewer {one}",)) for one in range(reviewers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.process_time() - began, got
    finally:
        database.close()
