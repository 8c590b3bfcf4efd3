"""Waiting for the dispatcher's thread, and killing whole processes of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from engine.evaluation.prediction_job import Prediction
from store.database import Database
from store.evaluations import evaluations
from store.worker import tasks
from tests.store.fakes import ACTOR, NOW, findings

RUN = Path(__file__).with_name("crash_run.py")


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def kill_often(home: Path, chance: Random, times: int = 8) -> None:
    """Kill a process with a dispatcher in it after a few pictures, again and again."""
    for _ in range(times):
        process = subprocess.Popen(
            [sys.executable, str(RUN), str(home)], cwd=RUN.parents[2], stdout=subprocess.PIPE
        )
        for _ in range(chance.randint(1, 6)):
            process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.012))
        process.kill()
        process.wait()
        process.stdout.close()


def is_finished(database: Database, evaluation_id: str) -> Callable[[], bool]:
    """A condition to wait for."""
    return lambda: evaluations.evaluation(ACTOR, database, evaluation_id).finished_at is not None


def examine_all(database: Database) -> None:
    """Do what a dispatcher does, but for closing."""
    while (task := tasks.take(ACTOR, database, NOW)) is not None:
        assert tasks.record(ACTOR, database, Prediction(task.picture_id, findings()), NOW)
