"""The worker pool: jobs in, an outcome for each out, in worker processes.

The pool is loky's. Unlike a `spawn` pool of the standard library it does not run the caller's main
script again in every worker (inside Streamlit that script is `Home.py`), and it says so when a
worker dies. Pictures that were under way then are tried again one at a time; the one that takes its
process down a second time is quarantined, and the batch goes on. So is one that does not come to
an end: nobody can tell which of several it is, so the workers are ended and each is tried alone.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import resource_tracker

import loky
from loky.process_executor import ShutdownExecutorError

from engine.detect.registry import default_ensemble, default_release_check
from engine.errors import LetheError
from engine.logs import keep_names_out, trace
from engine.processes import new_pool
from engine.runs.jobs import HeldFor, Models, Outcome, Postponed, Quarantined, Work
from engine.runs.refusal import failed, refusal

log = logging.getLogger(__name__)

AHEAD = 2
"""Jobs handed to the pool per worker: one in work, one waiting, so that no worker runs dry."""
PATIENCE_S, PATIENCE_PER_MEGAPIXEL_S = 300.0, 10.0
"""How long a picture may take. Some thirty times what one takes on an idle core, for a worker may
share it with others and has to load its models first."""
PARENT_CHECK_S = 1.0
_KILLED = "The system ended the program while it worked on it, for want of memory most likely."
NICENESS = 5
"""Workers give way to the page somebody is looking at."""


def run_job(job: Work, models: Models) -> Outcome:
    """Run a job. Fails closed: whatever goes wrong quarantines its picture."""
    try:
        return job.run(models)
    except Exception as error:  # noqa: BLE001 -- whatever it is holds this picture back, no other
        return refusal(job.id, job.source.path, error)


def default_workers() -> int:
    """One worker per core this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ProcessPool:
    """An executor over worker processes, each with its own detectors on one thread."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        # loky renews a worker that large pictures made large, which is no news for a user
        warnings.filterwarnings("ignore", message="A worker was restarted")
        self._workers = workers
        self._pool = _new_pool(workers)
        self._is_busy = False
        self._has_worked = False
        self._is_closed = False

    def start(self) -> None:
        """Let workers load their models from now on, not from the first job on."""
        with _blocked_sigint():
            self._pool.submit(_nothing)

    def run(self, jobs: Iterable[Work]) -> Iterator[Outcome]:
        """See `Executor.run`."""
        source = iter(jobs)
        under_way: dict[Future[Outcome], _UnderWay] = {}  # a future holds its release, whole
        while True:
            for job in islice(source, AHEAD * self._workers - len(under_way)):
                self._has_worked = True
                # it may have to wait for those handed over before
                deadline = time.monotonic() + AHEAD * patience_s(job)
                under_way[self._submit(job)] = _UnderWay(job, deadline)
            self._is_busy = bool(under_way)
            if not under_way:
                return
            left_s = min(one.deadline for one in under_way.values()) - time.monotonic()
            done, _ = wait(under_way, max(left_s, 0.0), return_when=FIRST_COMPLETED)
            if self._is_closed:
                return
            if not done:  # one of them does not come to an end
                self._renew()
                done = set(under_way)
            yield from (
                _outcome(future, under_way[future].job)
                for future in done
                if not _is_crashed(future)
            )
            if any(_is_crashed(future) for future in done):
                wait(under_way)  # a broken pool ends all its futures
                suspects = [one.job for future, one in under_way.items() if _is_crashed(future)]
                yield from (
                    _outcome(future, one.job)
                    for future, one in under_way.items()
                    if future not in done and not _is_crashed(future)
                )
                under_way.clear()
                yield from self._retry_alone(suspects)
            for future in done & under_way.keys():
                del under_way[future]

    def close(self) -> None:
        """Stop the workers; jobs under way, and models that are being loaded, are given up."""
        self._is_closed = True
        self._pool.shutdown(wait=True, kill_workers=self._is_busy or not self._has_worked)

    def _submit(self, job: Work) -> Future[Outcome]:
        with _blocked_sigint():
            try:
                future: Future[Outcome] = self._pool.submit(_work, job)
            except BrokenProcessPool:  # a worker died, at work or while idle
                self._renew()
                future = self._pool.submit(_work, job)
        return future

    def _retry_alone(self, suspects: Iterable[Work]) -> Iterator[Outcome]:
        for job in suspects:
            future = self._submit(job)
            done, _ = wait([future], patience_s(job))
            if not done:
                self._renew()
                yield Quarantined(
                    job.id,
                    f"Work on this picture had not ended after {patience_s(job) / 60:.0f} minutes, "
                    "tried alone, so it was stopped and the picture held back. Export it again as "
                    "JPEG or PNG.",
                    HeldFor.DEFECT,
                )
            elif _is_crashed(future):
                yield _crash_outcome(job, future)
            else:
                yield _outcome(future, job)

    def _renew(self) -> None:
        self._pool.shutdown(wait=True, kill_workers=True)
        self._pool = _new_pool(self._workers)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A job that workers have, and the moment, of the monotonic clock, by which it must end."""

    job: Work
    deadline: float


def started_pool(workers: int) -> ProcessPool:
    """A pool whose workers load their models while its caller makes the first job ready."""
    pool = ProcessPool(workers)
    pool.start()
    return pool


def patience_s(job: Work) -> float:
    """How long a job may take, in seconds."""
    return PATIENCE_S + PATIENCE_PER_MEGAPIXEL_S * job.most_megapixels


def _is_crashed(future: Future[Outcome]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool | ShutdownExecutorError)


def _crash_outcome(job: Work, future: Future[Outcome]) -> Quarantined:
    if "SIGKILL" in str(future.exception()):  # nothing in a picture does that; the system does
        return Postponed(job.id, _KILLED)
    reason = "This picture stopped the program twice; held back."
    return Quarantined(job.id, reason, HeldFor.DEFECT)


def _outcome(future: Future[Outcome], job: Work) -> Outcome:
    """The outcome of a job whose worker lived; one that could not be pickled is held back."""
    error = future.exception()
    if error is None:
        return future.result()
    log.error("job %s did not cross processes at\n%s", job.id, trace(error))
    return failed(job.id, error)


@contextmanager
def _blocked_sigint() -> Iterator[None]:
    """Start processes that Ctrl-C, which is the parent's to handle, does not reach.

    They inherit this thread's mask. Without it a worker that is still importing dies with a
    traceback on standard output, where only the summary belongs.
    """
    resource_tracker.ensure_running()  # CPython 3.11 lifts the mask when it starts this by itself
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _new_pool(workers: int) -> loky.ProcessPoolExecutor:
    return new_pool(workers, _start_worker, os.getpid())


def _nothing() -> None:
    """A job for a pool that is to start its workers."""


class _Worker:
    """State of a worker process between jobs; without models in every other process."""

    models: Models | None = None
    problem = "The models were not loaded."
    """Why there are none; a worker that ended instead would have each picture blamed."""


def _start_worker(parent: int) -> None:
    keep_names_out()
    threading.Thread(target=_exit_with, args=(parent,), daemon=True).start()
    warnings.filterwarnings("ignore", module="PIL")  # what matters of a file is in its outcome
    os.nice(NICENESS)
    _load()


def _load() -> None:
    try:
        _Worker.models = Models(default_ensemble(), default_release_check())
    except LetheError as error:
        _Worker.problem = str(error)
    except Exception as error:  # noqa: BLE001 -- told with each picture, which is not to blame
        _Worker.problem = f"The models could not be loaded ({type(error).__name__})."


def _exit_with(parent: int) -> None:
    """End this worker when its parent is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


def _work(job: Work) -> Outcome:
    if _Worker.models is None:
        _load()  # mended meanwhile, perhaps
    if _Worker.models is None:
        return Postponed(job.id, _Worker.problem)
    return run_job(job, _Worker.models)
