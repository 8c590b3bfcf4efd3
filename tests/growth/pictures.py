"""Growth with the number of pictures in the store: import, what pages ask for, sweep, start."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.policy import Policy
from store import clock
from store.audit import records, state
from store.audit.records import Filter
from store.batches import batches, pictures, progress
from store.batches.pictures import PictureState
from store.database import Database
from store.exchange.import_run import ingest
from store.monitoring import figures
from store.releases import approvals, receipts, revocations
from store.retention import report, sweeper
from store.review import agreement, audit_sample, decisions, queue, reviews, statistics
from store.worker import retry
from tests.growth.fit import Growth
from tests.growth.synthetic import append_events, release_half, write_run
from tests.store.fakes import ACTOR

SIZES = (100, 1_000, 10_000, 100_000)
_ROWS = 50
_EVENTS = 2
"""For each picture."""
_STATES = tuple(PictureState)
Call = Callable[[], object]


def measure(scratch: Path, sizes: Sequence[int] = SIZES) -> tuple[Growth, ...]:
    """Import so many pictures into a store of their own each, and ask it what pages ask."""
    taken: dict[str, list[tuple[float, float]]] = {}
    for size in sizes:
        for name, seconds in _of_size(scratch / str(size), size).items():
            taken.setdefault(name, []).append((size, seconds))
    return tuple(Growth(name, "pictures", tuple(points)) for name, points in taken.items())


def store_of(home: Path, size: int) -> float:
    """Make a store of so many pictures, half of them released; gives CPU seconds of the import."""
    home.mkdir(parents=True)
    (home / "policy.toml").write_text(Policy().to_toml())
    database = Database.open(home, _now())
    run = write_run(home.with_name(f"{home.name}-run"), size, database.signer)
    began = time.process_time()
    ingested = ingest(ACTOR, database, run.out, run.inputs, _now())
    seconds = time.process_time() - began
    if (ingested.added, ingested.problems) != (size, ()):
        raise ValueError(f"expected {size} pictures, got {ingested}")
    release_half(database, _now())
    database.close()
    append_events(home, _EVENTS * size, _now())
    return seconds


def _of_size(home: Path, size: int) -> dict[str, float]:
    taken = {"Import": store_of(home, size)}
    began = time.process_time()
    database = Database.open(home, _now())
    taken["Start"] = time.process_time() - began
    try:
        for name, calls in _asked(database).items():
            taken[name] = sum(min(_seconds(call) for _ in range(3)) for call in calls)
        taken["Check of the trail"] = _seconds(lambda: state.verify_now(ACTOR, database))
    finally:
        database.close()
    return taken


def _asked(database: Database) -> dict[str, tuple[Call, ...]]:
    """What each page asks the store for when it is opened."""
    now, batch = _now(), batches.newest(ACTOR, database)[0].id
    shown = pictures.of_batch(ACTOR, database, batch, _STATES, limit=_ROWS)
    ids = [row.id for row in shown]
    return {
        "Home": (
            lambda: progress.totals(ACTOR, database),
            lambda: progress.overview(ACTOR, database, now, limit=10),
            lambda: progress.batches_with(ACTOR, database, PictureState.QUARANTINED),
            lambda: retry.postponed(ACTOR, database),
            lambda: clock.ahead(ACTOR, database, now),
            lambda: progress.oldest_in_work(ACTOR, database),
            lambda: figures.figures(ACTOR, database, now),
            lambda: statistics.by_reviewer(ACTOR, database, now),
            lambda: agreement.by_pair(ACTOR, database, now),
        ),
        "Review": (
            lambda: reviews.claim(ACTOR, database, "ada", now),
            lambda: reviews.peek(ACTOR, database, "ada", now, after=""),
            lambda: queue.facets(ACTOR, database, reviewer="ada"),
            lambda: queue.entries(ACTOR, database, now, limit=24, reviewer="ada"),
            lambda: queue.pace(ACTOR, database, "ada", now),
            lambda: decisions.last(ACTOR, database, "ada", now),
        ),
        "Release": (
            lambda: batches.newest(ACTOR, database),
            lambda: progress.progress(ACTOR, database, batch, now),
            lambda: retry.held_back(ACTOR, database, batch),
            lambda: receipts.standing(ACTOR, database, batch),
            lambda: approvals.waiting(ACTOR, database, batch),
            lambda: revocations.signed_list(ACTOR, database, now),
            lambda: pictures.count_of_batch(ACTOR, database, batch, _STATES),
            lambda: pictures.of_batch(ACTOR, database, batch, _STATES, limit=_ROWS),
            lambda: receipts.of_pictures(ACTOR, database, ids),
            lambda: queue.kinds_of(ACTOR, database, ids),
        ),
        "Recall": (lambda: audit_sample.comparisons(ACTOR, database),),
        "Audit": (
            lambda: state.state(ACTOR, database),
            lambda: records.page(ACTOR, database, Filter()),
            lambda: records.timeline(ACTOR, database, ids[0]),
            lambda: report.report(ACTOR, database, now),
            lambda: report.calendar(ACTOR, database, now),
        ),
        "Sweep": (lambda: sweeper.sweep(ACTOR, database, now),),
    }


def _seconds(call: Call) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _now() -> datetime:
    return datetime.now(UTC)
