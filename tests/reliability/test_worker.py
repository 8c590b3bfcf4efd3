"""A worker process breaks: killed, stopped, out of memory, or taken down by a picture."""

from __future__ import annotations

import pytest

from engine.runs import pool
from tests.reliability.conftest import FINISHED
from tests.reliability.poison import (
    Large,
    Poisoned,
    crashed,
    crashed_once,
    killed,
    new_pool,
    stopped,
)
from tests.reliability.scenes import ONE
from tests.reliability.test_detector import NO_MEMORY

ENDLESS = (
    "Work on this picture had not ended after 0 minutes, tried alone, so it was stopped and the "
    "picture held back. Export it again as JPEG or PNG."
)
KILLED = "The system ended the program while it worked on it, for want of memory most likely."


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(pool, "_new_pool", new_pool)


def test_a_picture_whose_worker_the_system_kills_twice_waits(line, broken):
    case = broken("worker", "is killed by the system, each time, over one picture", line)

    line.work(Poisoned(killed))

    case.ends(FINISHED | {ONE: "waiting"}, KILLED)
    case.goes_on(line.restarted)


def test_a_picture_that_takes_its_worker_down_twice_is_held_back(line, broken):
    case = broken("worker", "crashes twice over one picture", line)

    line.work(Poisoned(crashed))

    case.ends(FINISHED | {ONE: "quarantined"}, "This picture stopped the program twice; held back.")
    case.goes_on(line.held_back)


def test_a_crash_that_does_not_come_again_costs_nothing(app, broken):
    case = broken("worker", "crashes once", app)

    app.work(Poisoned(crashed_once))

    case.ends(FINISHED)
    case.finished("another try, at once")


def test_a_worker_without_memory_makes_its_picture_wait(app, broken):
    case = broken("worker", "runs out of memory over one picture", app)

    app.work(Poisoned(Large))

    case.ends(FINISHED | {ONE: "waiting"}, NO_MEMORY)
    case.goes_on(app.restarted)


def test_a_picture_that_makes_its_worker_stand_still_is_held_back(app, broken, monkeypatch):
    monkeypatch.setattr(pool, "PATIENCE_S", 3.0)
    monkeypatch.setattr(pool, "PATIENCE_PER_MEGAPIXEL_S", 0.0)
    case = broken("worker", "is stopped (SIGSTOP) over one picture, each time", app)

    app.work(Poisoned(stopped))

    case.ends(FINISHED | {ONE: "quarantined"}, ENDLESS)
    case.goes_on(app.held_back)
