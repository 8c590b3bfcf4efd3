"""A pool of one real worker with made-up eyes, and what can happen to it over one picture.

Workers import this, so it imports little.
"""

from __future__ import annotations

import hashlib
import os
import signal
from dataclasses import replace
from pathlib import Path

import loky
import numpy as np

from engine.detect.ensemble import Ensemble
from engine.runs import pool
from engine.runs.jobs import Models
from tests.reliability.scenes import ONE, Eyes, Onlooker, pictures


def begin_quickly(parent):
    """A worker with made-up eyes, which need no loading."""
    pool._load = lambda: None
    pool._Worker.models = Models(Ensemble([Eyes()]), Onlooker())
    pool._start_worker(parent)


def new_pool(workers):
    return loky.ProcessPoolExecutor(
        max_workers=workers, initializer=begin_quickly, initargs=(os.getpid(),)
    )


class Poisoned(pool.ProcessPool):
    """One real worker; one picture's path does something to the process it arrives in."""

    def __init__(self, arrive):
        super().__init__(1)
        self._arrive = arrive

    def run(self, jobs):
        return super().run(map(self._poisoned, jobs))

    def _poisoned(self, job):
        is_one = hashlib.sha256(pictures()[ONE]).digest() == job.digest
        if not is_one:
            return job
        fatal = Fatal(self._arrive, job.source.path)
        return replace(job, source=replace(job.source, path=fatal))


class Fatal:
    """Arrives in a worker, and ends or stops it."""

    def __init__(self, end, path):
        self.end, self.path = end, path

    def __reduce__(self):
        return self.end, (str(self.path),)


def killed(path):
    os.kill(os.getpid(), signal.SIGKILL)


def crashed(path):
    os._exit(3)


def stopped(path):
    os.kill(os.getpid(), signal.SIGSTOP)
    return Path(path)


def crashed_once(path):
    marker = Path(f"{path}.crashed")
    if not marker.exists():
        marker.touch()
        os._exit(3)
    marker.unlink()
    return Path(path)


class Large(type(Path())):
    """A file too large for this machine."""

    def open(self, *args, **options):
        return np.zeros(1 << 60, np.uint8)
