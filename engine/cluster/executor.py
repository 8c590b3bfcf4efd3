"""An executor over Ray Data: blocks of jobs through a pool of actors, on one machine or many.

Each actor is one worker of `engine.runs.pool`, wherever it runs: what a job that crashes, hangs or
fails comes to is decided there, by the same lines as on one machine. What Ray adds is machines that
disappear: the block that an actor had is given to another one, with the same names and seeds, so
that it comes out as it would have; of a block that is done twice, one result is seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from engine.cluster.ray_data import connected, over_actors
from engine.errors import LetheError
from engine.logs import trace
from engine.runs.jobs import Outcome, Postponed, Work
from engine.runs.pool import ProcessPool

log = logging.getLogger(__name__)

JOBS_PER_BLOCK = 8
"""So many are done again when a machine goes away; where it always does, each alone at last."""
JOBS_PER_ROUND = 512
"""Jobs an actor has in one dataset: actors start anew with each, and load their models."""
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
            # what is left may have shared a block with one that takes machines down
            yield from self._round(waiting, 1)
            yield from (Postponed(job_id, _LOST) for job_id in waiting)

    def close(self) -> None:
        """Let go of the cluster; one that was started here ends."""
        self._stack.close()

    def _round(self, waiting: dict[str, Work], jobs_per_block: int) -> Iterator[Outcome]:
        """Outcomes of jobs, by id; whatever has one is taken out of `waiting`."""
        if not waiting:
            return
        try:
            if self._ray is None:
                self._ray = self._stack.enter_context(connected(self._address, self._workers))
            for outcome in over_actors(
                self._ray,
                _new_worker,
                list(waiting.values()),
                block=jobs_per_block,
                workers=self._workers,
            ):
                if waiting.pop(outcome.job_id, None) is not None:
                    yield outcome
        except LetheError:  # there is no cluster
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, no picture is to blame
            log.error("%d jobs were left when a round broke off at\n%s", len(waiting), trace(error))  # noqa: TRY400


def _new_worker() -> Callable[[Sequence[Work]], Iterator[Outcome]]:
    return ProcessPool(1).run
