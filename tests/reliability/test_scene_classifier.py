"""The scene classifier breaks: what tells whether a picture shows people."""

from __future__ import annotations

import numpy as np
import pytest

from engine.detect.score_fusion import MEASURES, FittedFusion
from engine.detect.weights import Weights
from tests.reliability.scenes import NAMES, Eyes, Parts
from tests.reliability.test_detector import DEFECT, HELD, NO_MEMORY, SEEN

_TOML = f"""
second = ""
scene = "made-up-scene@00000000"
[face]
bias = -5.0
scores = {{ "{Eyes.name}" = 1.0 }}
crops = {{}}
[face.measured]
{"".join(f"{name} = {-2 if name == 'no_people' else 0}{chr(10)}" for name in MEASURES)}"""


class Scene:
    """Says the same of every picture, or fails."""

    name = "made-up-scene@00000000"

    def __init__(self, answer):
        self.answer = answer

    def people(self, rgb):
        return self.answer()


def raising(error):
    def answer():
        raise error

    return answer


def parts(answer):
    weights = Weights("fusion", "0" * 64, "none", frozenset(), _TOML.encode())
    return Parts(fusion=FittedFusion(weights, None, Scene(answer)))


@pytest.mark.parametrize(
    ("fault", "answer", "kind"),
    [
        ("raises an error", raising(RuntimeError()), "RuntimeError"),
        ("answers with no number", lambda: np.nan, "ValueError"),
    ],
    ids=["raises", "no number"],
)
def test_a_defect_holds_back_each_picture(line, broken, fault, answer, kind):
    case = broken("scene classifier", fault, line)

    line.work(parts(answer))

    case.ends(HELD, DEFECT.format(kind))
    case.goes_on(line.held_back)


def test_too_little_memory_makes_pictures_wait(line, broken):
    case = broken("scene classifier", "finds too little memory", line)

    line.work(parts(raising(RuntimeError("std::bad_alloc"))))

    case.ends(dict.fromkeys(NAMES, "waiting"), NO_MEMORY)
    case.goes_on(line.restarted)


def test_one_that_sees_nobody_anywhere_is_noticed_by_the_witness(line, broken):
    case = broken("scene classifier", "sees nobody anywhere", line)

    line.work(parts(lambda: -1e9))

    case.ends(dict.fromkeys(NAMES, "review"), SEEN)
    case.asked()
