"""An executor without processes."""

from collections.abc import Iterable, Iterator

from engine.detect.ensemble import Ensemble
from engine.detect.release_check import ReleaseCheck
from engine.runs.jobs import Outcome, Work
from engine.runs.pool import run_job


class InProcess:
    """Runs each job where it is called."""

    def __init__(self, ensemble: Ensemble, release_check: ReleaseCheck | None = None) -> None:
        self._ensemble = ensemble
        self._release_check = release_check

    def run(self, jobs: Iterable[Work]) -> Iterator[Outcome]:
        """See `Executor.run`."""
        for job in jobs:
            yield run_job(job, self._ensemble, self._release_check)

    def close(self) -> None:
        """Nothing to stop."""
