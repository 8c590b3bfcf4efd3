"""An executor without processes."""

from collections.abc import Iterable, Iterator

from engine.detect.ensemble import Ensemble
from engine.detect.release_check import ReleaseCheck
from engine.runs.jobs import Models, Outcome, Work
from engine.runs.pool import run_job
from tests.scenes import SilentReleaseCheck


def only_finding(ensemble: Ensemble) -> Models:
    """Models of which the release check never objects."""
    return Models(ensemble, SilentReleaseCheck())


class InProcess:
    """Runs each job where it is called."""

    def __init__(self, ensemble: Ensemble, release_check: ReleaseCheck | None = None) -> None:
        self._models = Models(ensemble, release_check or SilentReleaseCheck())

    def run(self, jobs: Iterable[Work]) -> Iterator[Outcome]:
        """See `Executor.run`."""
        for job in jobs:
            yield run_job(job, self._models)

    def close(self) -> None:
        """Nothing to stop."""
