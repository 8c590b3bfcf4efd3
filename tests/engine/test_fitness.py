"""The first look at an incoming file never fails, whatever the file."""

from __future__ import annotations

import numpy as np
import pytest

from engine.fitness import fitness_of
from tests.awkward import AWKWARD


@pytest.mark.parametrize("name", AWKWARD)
def test_every_awkward_file_gets_an_answer(name):
    case = AWKWARD[name]

    fitness = fitness_of(case.data)

    assert bool(fitness.problem) or fitness.width > 0


def test_broken_files_never_raise():
    rng = np.random.default_rng(11)
    for case in AWKWARD.values():
        data = case.data
        if not 0 < len(data) < 100_000:
            continue
        for _ in range(6):
            broken = bytearray(data[: rng.integers(1, len(data) + 1)])
            for at in rng.integers(0, len(broken), 4):
                broken[at] = rng.integers(0, 256)

            fitness_of(bytes(broken))


def test_an_empty_file_is_said_to_be_empty():
    assert "empty" in fitness_of(b"").problem
