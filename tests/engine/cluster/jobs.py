"""Jobs that take their actor along, in a module that actors can import."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path

import psutil

from engine.runs.jobs import Job, Models, Outcome


def end_actor() -> None:
    """End the process above the worker this runs in, as a machine that disappears would."""
    os.kill(os.getppid(), signal.SIGKILL)
    psutil.Process().kill()


@dataclasses.dataclass(frozen=True, slots=True)
class DeadlyOnce(Job):
    """Ends its actor the first time it is run."""

    marker: Path = Path("/nonexistent")

    def run(self, models: Models) -> Outcome:
        if not self.marker.exists():
            self.marker.touch()
            end_actor()
        return Job.run(self, models)


@dataclasses.dataclass(frozen=True, slots=True)
class Deadly(Job):
    """Ends its actor whenever it is run."""

    def run(self, models: Models) -> Outcome:
        end_actor()
        return Job.run(self, models)
