from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from engine.processes import ONE_THREAD, new_pool


class _State:
    started_with: tuple[int, ...] = ()


def _start(*numbers):
    _State.started_with = numbers


def _look():
    """What a process was started with, its libraries' settings, and the threads it has."""
    before = _threads()
    square = np.ones((600, 600))
    square @ square  # OpenBLAS starts its threads when it is loaded or first used
    settings = {name: os.environ.get(name) for name in ONE_THREAD}
    return _State.started_with, settings, cv2.getNumThreads(), _threads() - before


def _threads():
    return len(list(Path("/proc/self/task").iterdir()))


def test_its_processes_compute_on_one_thread():
    with new_pool(1, _start, 3, 4) as pool:
        started_with, settings, opencv, added = pool.submit(_look).result()

    assert started_with == (3, 4)
    assert set(settings.values()) == {"1"}
    assert (opencv, added) == (1, 0)


def test_a_start_may_be_left_out():
    with new_pool(1) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()
