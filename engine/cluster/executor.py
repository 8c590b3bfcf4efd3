"""An executor over Ray Data: blocks of jobs through a pool of actors, on one machine or many.

Each actor is one worker of `engine.runs.pool`, wherever it runs: what a job that crashes, hangs or
fails comes to is decided there, by the same lines as on one machine. What Ray adds is machines that
disappear: the block that an actor had is given to another one, with the same names and seeds, so
that it comes out as it would have; of a block that is done twice, one result is seen.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.cluster.ray_data import connected
from engine.errors import LetheError
from engine.logs import keep_names_out, trace
from engine.runs.jobs import Outcome, Postponed, Work
from engine.runs.pool import ProcessPool

Columns: TypeAlias = "dict[str, NDArray[np.object_]]"

log = logging.getLogger(__name__)

JOBS_PER_BLOCK = 8
"""So many are done again when a machine goes away; where it always does, each alone at last."""
JOBS_PER_ROUND = 512
"""Jobs an actor has in one dataset: actors start anew with each, and load their models."""
RETRIES = 5
"""How often a block is begun anew, each time because its actor died."""
_LOST = (
    "The machines that worked on it went away each time, for want of memory most likely; the same "
    "command tries again."
)


class RayExecutor:
    """An executor over actors of Ray Data, one process and one set of models each."""

    def __init__(self, workers: int, address: str | None = None) -> None:
        """Remember what to connect to; nothing is started before there is work.

        Args:
            workers: actors.
            address: of a cluster, as `ray.init` takes it; None for this machine alone.
        """
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self._workers, self._address = workers, address
        self._stack = ExitStack()
        self._ray: Any = None

    def run(self, jobs: Iterable[Work]) -> Iterator[Outcome]:
        """See `Executor.run`; jobs are pulled a round at a time."""
        source = iter(jobs)
        while work := list(islice(source, self._workers * JOBS_PER_ROUND)):
            waiting = {job.id: job for job in work}
            yield from self._round(waiting, JOBS_PER_BLOCK)
            yield from self._round(waiting, 1)  # those that shared a block with what took it down
            yield from (Postponed(job_id, _LOST) for job_id in waiting)

    def close(self) -> None:
        """Let go of the cluster; one that was started here ends."""
        self._stack.close()

    def _round(self, waiting: dict[str, Work], jobs_per_block: int) -> Iterator[Outcome]:
        """Outcomes of jobs, by id; whatever has one is taken out of `waiting`."""
        if not waiting:
            return
        try:
            for outcome in self._outcomes(_blocks(list(waiting.values()), jobs_per_block)):
                if waiting.pop(outcome.job_id, None) is not None:
                    yield outcome
        except LetheError:  # there is no cluster
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, no picture is to blame
            log.error("a round of jobs broke off at\n%s", trace(error))  # noqa: TRY400

    def _outcomes(self, blocks: Sequence[_Block]) -> Iterator[Outcome]:
        """Outcomes of blocks; where machines went away for good, not of every job."""
        if self._ray is None:
            self._ray = self._stack.enter_context(connected(self._address, self._workers))
        # a block that waits at an actor would lose its retries to one that takes the actor down
        actors = self._ray.data.ActorPoolStrategy(
            size=min(self._workers, len(blocks)), max_tasks_in_flight_per_actor=1
        )
        with warnings.catch_warnings():
            # Ray means to rename how restarts are limited; its version is pinned
            warnings.simplefilter("ignore", DeprecationWarning)
            batches = self._ray.data.from_items(
                [{"block": block} for block in blocks], override_num_blocks=len(blocks)
            ).map_batches(
                _Actor,
                batch_size=1,
                batch_format="numpy",
                compute=actors,
                num_cpus=1,
                max_restarts=-1,
                max_task_retries=RETRIES,
            )
        for columns in batches.iter_batches(batch_size=None, batch_format="numpy"):
            yield from (result.outcome for result in columns["result"])


@dataclass(frozen=True, slots=True)
class _Block:
    """Jobs that go to an actor together."""

    jobs: tuple[Work, ...] = field(repr=False)  # Ray logs what it carries, and they have names


@dataclass(frozen=True, slots=True)
class _Result:
    """What a job came to."""

    outcome: Outcome = field(repr=False)


def _blocks(work: Sequence[Work], jobs_per_block: int) -> list[_Block]:
    starts = range(0, len(work), jobs_per_block)
    return [_Block(tuple(work[start : start + jobs_per_block])) for start in starts]


class _Actor:
    """A worker that Ray Data starts on some machine."""

    def __init__(self) -> None:
        keep_names_out()
        self._pool = ProcessPool(1)

    def __call__(self, columns: Columns) -> Columns:
        """The results of the jobs in blocks."""
        jobs = [job for block in columns["block"] for job in block.jobs]
        results = np.empty(len(jobs), dtype=object)
        results[:] = [_Result(outcome) for outcome in self._pool.run(jobs)]
        return {"result": results}
