"""The crop classifier breaks: the second look that scores go by."""

from __future__ import annotations

import numpy as np
import pytest

from engine.category import Category
from engine.detect.score_fusion import MEASURES, FittedFusion
from engine.detect.weights import Weights
from tests.reliability.scenes import NAMES, Eyes, Parts
from tests.reliability.test_detector import DEFECT, HELD, NO_MEMORY, SEEN

_TOML = f"""
second = "made-up-crops@00000000"
[face]
bias = -5.0
scores = {{ "{Eyes.name}" = 1.0 }}
crops = {{ face = 1.0 }}
[face.measured]
{"".join(f"{name} = 0{chr(10)}" for name in MEASURES)}"""


class Crops:
    """Says the same of every crop, or fails."""

    name = "made-up-crops@00000000"
    classes = (Category.FACE,)

    def __init__(self, answer):
        self.answer = answer

    def logits(self, rgb, boxes):
        return self.answer(boxes)


def saying(value):
    return lambda boxes: np.full((len(boxes), 1), value, np.float32)


def raising(error):
    def answer(boxes):
        raise error

    return answer


def parts(answer):
    weights = Weights("fusion", "0" * 64, "none", frozenset(), _TOML.encode())
    return Parts(fusion=FittedFusion(weights, Crops(answer)))


@pytest.mark.parametrize(
    ("fault", "answer", "kind"),
    [
        ("raises an error", raising(RuntimeError()), "RuntimeError"),
        ("answers with no number", saying(np.nan), "ValueError"),
        ("says no beyond all measure", saying(-1e9), "OverflowError"),
        ("leaves crops out", lambda boxes: np.zeros((0, 1), np.float32), "ValueError"),
    ],
    ids=["raises", "no number", "endless", "too few"],
)
def test_a_defect_holds_back_each_picture(line, broken, fault, answer, kind):
    case = broken("crop classifier", fault, line)

    line.work(parts(answer))

    case.ends(HELD, DEFECT.format(kind))
    case.goes_on(line.held_back)


def test_too_little_memory_makes_pictures_wait(line, broken):
    case = broken("crop classifier", "finds too little memory", line)

    line.work(parts(raising(RuntimeError("std::bad_alloc"))))

    case.ends(dict.fromkeys(NAMES, "waiting"), NO_MEMORY)
    case.goes_on(line.restarted)


def test_one_that_says_no_to_everything_is_noticed_by_the_witness(line, broken):
    case = broken("crop classifier", "says no to everything", line)

    line.work(parts(saying(-20)))

    case.ends(dict.fromkeys(NAMES, "review"), SEEN)
    case.asked()
