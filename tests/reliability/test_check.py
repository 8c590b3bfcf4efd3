"""A check breaks."""

from __future__ import annotations

import pytest

from engine.redact import checks
from tests.reliability.scenes import DOUBTFUL, NAMES
from tests.reliability.test_detector import DEFECT, NO_MEMORY
from tests.reliability.test_removal import HELD

UNCHECKED = "Not every check was run on the result ({}); nothing was released."


def raising(error):
    def check(*_):
        raise error

    return check


@pytest.mark.parametrize("name", ["check_covered", "check_pixels", "check_file", "check_residual"])
def test_a_defect_in_one_holds_back_each_picture(line, broken, monkeypatch, name):
    case = broken("check", f"raises an error ({name})", line)

    with monkeypatch.context() as patch:
        patch.setattr(checks, name, raising(IndexError()))
        line.work()

    case.ends(HELD, DEFECT.format("IndexError"))
    case.goes_on(line.held_back)


@pytest.mark.parametrize(
    ("fault", "name", "answer", "missing"),
    [
        ("is left out (pixels)", "check_pixels", {}, "T1, T3"),
        ("is left out (file)", "check_file", {}, "T4"),
        ("is left out (witness)", "check_residual", {}, "T7"),
        ("says that it failed, and raises nothing", "check_file", {"T4": False}, "T4"),
    ],
    ids=["pixels", "file", "witness", "failed"],
)
def test_nothing_goes_out_without_each_of_them(
    line, broken, monkeypatch, fault, name, answer, missing
):
    case = broken("check", fault, line)

    with monkeypatch.context() as patch:
        patch.setattr(checks, name, lambda *_: dict(answer))
        line.work()

    case.ends(HELD, UNCHECKED.format(missing))
    case.goes_on(line.held_back)


def test_too_little_memory_makes_pictures_wait(line, broken, monkeypatch):
    case = broken("check", "finds too little memory", line)

    with monkeypatch.context() as patch:
        patch.setattr(checks, "check_pixels", raising(MemoryError()))
        line.work()

    case.ends(dict.fromkeys(NAMES, "waiting") | {DOUBTFUL: "review"}, NO_MEMORY)
    case.goes_on(line.restarted)
