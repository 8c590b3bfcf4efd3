"""The thread that keeps an executor busy with what the store has to do.

Between pictures it sweeps: what is held past its deadline is destroyed (`store.retention`).

It hands the executor an iterator of jobs that ends when nothing waits, so that the executor drains
and every outcome is recorded, and starts again when there is more. What people brought comes first;
labelled pictures of evaluations fill the time between, one at a time, so that a batch which comes
meanwhile is next. When the last one has its outcome, the evaluation is closed with its report. The
dispatcher survives whatever goes wrong, says so in `health`, and gives back every picture whose
outcome will not come. It logs ids and counts, never names or paths: the text of a foreign error may
hold either, so its type stands in.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb

from engine.errors import InvalidPolicy, LetheError, UnreadableImage, UnusableKeys
from engine.evaluation.prediction_job import PredictionJob
from engine.policy import Policy
from engine.runs.jobs import (
    Executor,
    HeldFor,
    Job,
    Outcome,
    Postponed,
    Quarantined,
    Released,
    Work,
)
from engine.runs.refusal import refusal
from engine.runs.sources import PathSource, PictureSource
from store.accounts.act import Act
from store.accounts.actor import MACHINE
from store.batches import batches, originals
from store.database import Database
from store.evaluations import evaluations, finalise
from store.evaluations.predictions import LabelledTask
from store.originals import item
from store.retention import sweeper
from store.worker import tasks
from store.worker.tasks import Task

POLL_S = 0.5
_LONGEST_PAUSE_S = 30.0
_SWEEP_S = 600.0
"""Between two sweeps of what is over."""
_SWEEP_PICTURES = 50
"""So many at a time, or work would wait."""
_PATIENT_FAILURES = 8
"""So many in a row, some two minutes, may be a passing trouble that no picture is to blame for. A
full disk never is one's fault, however long it lasts."""
_WRONG_RELEASE = "Held back because its release carried an id it was not given; please report it."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the dispatcher does its work."""

    is_running: bool
    under_way: int
    """Pictures handed to the executor, labelled ones too."""
    failures: int
    """In a row; 0 when the last round went well."""
    problem: str | None
    """What went wrong last, a sentence without names; None when nothing is wrong now."""


class Dispatcher:
    """One daemon thread between a database and an executor, which it closes when it stops.

    Args:
        database: where work waits and outcomes go.
        executor: does the work.
        clock: for what is recorded.
        megapixels_of: reads a file's header, for how long its picture may take. Handed in, for
            it brings decoders, which `store` does without; None gives every picture the longest.
    """

    def __init__(
        self,
        database: Database,
        executor: Executor,
        clock: Callable[[], datetime],
        *,
        megapixels_of: Callable[[bytes], float | None] | None = None,
    ) -> None:
        self._database = database
        self._executor = executor
        self._clock = clock
        self._megapixels_of = megapixels_of
        self._lock = threading.Lock()
        # Picture id -> the only release id it may come back with; None where it may not at all.
        self._under_way: dict[str, str | None] = {}
        self._is_abandoned = False
        self._policies: dict[str, Policy] = {}  # by batch or evaluation
        self._stopping = threading.Event()
        self._failures = 0
        self._next_sweep = 0.0
        self._problem: str | None = None
        self._is_outage = False
        self._thread = threading.Thread(target=self._work, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin; once per dispatcher."""
        self._thread.start()

    def stop(self, patience_s: float = 30.0) -> None:
        """Take on nothing new, let what is under way finish, and end the thread.

        Args:
            patience_s: after that the executor is closed, and what it still had goes back to
                waiting without an attempt being counted.
        """
        self._stopping.set()
        self._database.work.set()
        if self._thread.is_alive():
            self._thread.join(patience_s)
        self._is_abandoned = True
        self._executor.close()
        if self._thread.is_alive():
            self._thread.join(patience_s)
        self._give_back(attempt_counts=False)

    def health(self) -> Health:
        """How it goes."""
        with self._lock:
            return Health(
                is_running=self._thread.is_alive() and not self._stopping.is_set(),
                under_way=len(self._under_way),
                failures=self._failures,
                problem=self._problem,
            )

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._database.work.clear()
            failures = self._failures
            try:
                self._round()
            except Exception as error:  # noqa: BLE001 - the thread must outlive any failure
                self._failed(error)
            self._end_round(failed=self._failures > failures)

    def _round(self) -> None:
        finalise.close_done(MACHINE, self._database, self._clock)
        for outcome in self._executor.run(self._jobs(self._failures)):
            try:
                self._record(outcome)
            except Exception as error:  # noqa: BLE001 - the others' outcomes must not be lost
                self._failed(error)

    def _end_round(self, *, failed: bool) -> None:
        try:
            is_blamed = not failed or (self._failures > _PATIENT_FAILURES and not self._is_outage)
            self._give_back(attempt_counts=is_blamed and not self._stopping.is_set())
        except Exception as error:  # noqa: BLE001 - they stay in work until the next round
            self._failed(error)
            failed = True
        if failed:
            self._stopping.wait(min(POLL_S * 2.0 ** min(self._failures, 10), _LONGEST_PAUSE_S))
            return
        with self._lock:
            self._failures, self._problem = 0, None
        self._database.work.wait(POLL_S)

    def _jobs(self, failures: int) -> Iterator[Work]:
        """Work until nothing waits, the dispatcher stops, or something failed in this round."""
        while not self._stopping.is_set() and self._failures == failures:
            self._sweep()
            task = tasks.take(MACHINE, self._database, self._clock())
            if task is None:
                return
            begun = self._begun(task)
            if begun is not None:
                yield begun

    def _sweep(self) -> None:
        """Destroy what is over, now and then; what goes wrong keeps nobody from their work."""
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + _SWEEP_S
        try:
            swept = sweeper.sweep(MACHINE, self._database, self._clock(), limit=_SWEEP_PICTURES)
        except Exception as error:  # noqa: BLE001 - the thread must outlive any failure
            log.error("the sweeper failed (%s)", type(error).__name__)  # noqa: TRY400
            return
        if swept.left:
            self._next_sweep = 0.0
        if swept.ended or swept.failed:
            log.info("destroyed %d, failed at %d", swept.ended, swept.failed)

    def _begun(self, task: Task | LabelledTask) -> Work | None:
        """What the executor is to do; None when the picture was held back at once."""
        self._expect(task.picture_id, None)
        try:
            policy = self._policy(task)
        except InvalidPolicy as error:
            reason = f"Held back because its policy cannot be read any more. {error}"
            self._record(Quarantined(task.picture_id, reason))
            return None
        if isinstance(task, LabelledTask):
            return PredictionJob(task.picture_id, PathSource(task.path), policy)
        try:
            original = originals.content(MACHINE, self._database, task.picture_id, act=Act.WORK)
            source = self._database.originals.source(item(task.batch_id, task.picture_id))
        except (UnreadableImage, UnusableKeys, OSError) as error:
            self._record(_unread(task, error))
            return None
        digest = hashlib.sha256(original).digest()
        draw = self._database.signer.keys.sample_draw(digest)
        megapixels = None if self._megapixels_of is None else self._megapixels_of(original)
        job = _job(task, source, policy, digest=digest, draw=draw, megapixels=megapixels)
        self._expect(job.id, job.release_id)
        return job

    def _expect(self, picture_id: str, release_id: str | None) -> None:
        """Await an outcome, and take a release under that id only."""
        with self._lock:
            self._under_way[picture_id] = release_id

    def _policy(self, task: Task | LabelledTask) -> Policy:
        owner = task.batch_id if isinstance(task, Task) else task.evaluation_id
        policy_of = batches.policy_of if isinstance(task, Task) else evaluations.policy_of
        if owner not in self._policies:
            self._policies[owner] = policy_of(MACHINE, self._database, owner)
        return self._policies[owner]

    def _record(self, outcome: Outcome) -> None:
        picture_id = outcome.job_id
        with self._lock:
            is_under_way = picture_id in self._under_way
            release_id = self._under_way.get(picture_id)
        if not is_under_way or self._is_abandoned:
            log.warning("dropped an outcome of picture %s, which is not under way", picture_id)
            return
        if isinstance(outcome, Released) and outcome.receipt.release != release_id:
            outcome = Quarantined(picture_id, _WRONG_RELEASE, HeldFor.DEFECT)
        if not tasks.record(MACHINE, self._database, outcome, self._clock()):
            log.warning("dropped an outcome of picture %s, which is not in work", picture_id)
        with self._lock:
            self._under_way.pop(picture_id, None)
        if release_id is None and not self._stopping.is_set():
            finalise.close_done(MACHINE, self._database, self._clock)

    def _give_back(self, *, attempt_counts: bool) -> None:
        """Return the pictures whose outcome will not come."""
        with self._lock:
            lost = list(self._under_way)
        if not lost:
            return
        log.warning("gave back %d pictures without an outcome", len(lost))
        tasks.give_back(MACHINE, self._database, lost, self._clock(), attempt_counts=attempt_counts)
        with self._lock:
            self._under_way.clear()

    def _failed(self, error: Exception) -> None:
        cause = error.strerror if isinstance(error, OSError) and error.strerror else ""
        kind = f"{type(error).__name__}, {cause}" if cause else type(error).__name__
        with self._lock:
            self._failures += 1
            self._is_outage = _is_outage(error)
            self._problem = f"Work is interrupted ({kind}) and will be tried again."
            if isinstance(error, LetheError):
                self._problem = f"Work is interrupted and will be tried again. {error}"
            elif _is_unwritten(error):
                self._problem = (
                    "Work is interrupted because the database could not be written (has its disk "
                    "room?) and will be tried again."
                )
        log.error("dispatcher failed %d times in a row, last: %s", self._failures, kind)


def _is_outage(error: Exception) -> bool:
    """Whether no picture is to blame: the disk, the memory, the database, the keys."""
    of_machine = OSError | MemoryError | duckdb.IOException | LetheError
    return isinstance(error, of_machine) or _is_unwritten(error)


def _is_unwritten(error: Exception) -> bool:
    """Whether DuckDB, whose commits fail with a kind of their own, found no room."""
    return isinstance(error, duckdb.Error) and "Could not write" in str(error)


def _unread(task: Task, error: Exception) -> Quarantined:
    """Why there is no original: a drive or a key that is away makes the picture wait."""
    if not isinstance(error, UnreadableImage):
        return refusal(task.picture_id, task.original, error)
    if isinstance(error.__cause__, OSError):
        outcome = refusal(task.picture_id, task.original, error.__cause__)
        if isinstance(outcome, Postponed):
            return outcome
    return Quarantined(task.picture_id, str(error), HeldFor.UNREADABLE)


def _job(
    task: Task,
    source: PictureSource,
    policy: Policy,
    *,
    digest: bytes,
    draw: float,
    megapixels: float | None,
) -> Job:
    return Job(
        id=task.picture_id,
        source=source,
        policy=policy,
        format=task.format,
        release_id=secrets.token_hex(16),
        seed=secrets.randbits(63),
        draw=draw,
        settled=task.settled,
        sign_off=task.sign_off,
        digest=digest,
        megapixels=megapixels,
    )
