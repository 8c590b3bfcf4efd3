"""The detector breaks."""

from __future__ import annotations

import math

import pytest

from engine.category import Category
from engine.errors import UnusableWeights
from engine.geometry import Box
from engine.plan import Detection
from tests.reliability.conftest import FINISHED
from tests.reliability.scenes import DOUBTFUL, NAMES, Eyes, Parts, sure

NO_MEMORY = "This machine had too little memory for it."
DEFECT = "Lethe failed on this picture ({}); please report it."
SEEN = "seen in the result"
HELD = dict.fromkeys(NAMES, "quarantined")


class Failing(Eyes):
    """Raises, or says what is handed in, instead of looking."""

    def __init__(self, answer):
        self.answer = answer

    def detect(self, image, policy):
        return self.answer(image)


def raising(error):
    def answer(image):
        raise error

    return Parts(Failing(answer))


@pytest.mark.parametrize(
    ("fault", "eyes", "kind"),
    [
        ("raises an error", raising(RuntimeError("a path: /secret")), "RuntimeError"),
        (
            "says a score that is no number",
            Parts(Failing(lambda _: (sure(math.nan),))),
            "ValueError",
        ),
        (
            "sees a thing at a place that is none",
            Parts(Failing(lambda _: (Detection(Box(math.nan, 0, 1, 1), Category.FACE, 0.9, "x"),))),
            "ValueError",
        ),
        ("answers with nothing at all", Parts(Failing(lambda _: None)), "TypeError"),
    ],
    ids=["raises", "no score", "no place", "no answer"],
)
def test_a_defect_holds_back_each_picture(line, broken, fault, eyes, kind):
    case = broken("detector", fault, line)

    line.work(eyes)

    case.ends(HELD, DEFECT.format(kind))
    case.goes_on(line.held_back)


def test_one_picture_that_it_fails_on_stops_no_other(line, broken):
    case = broken("detector", "raises an error on one picture", line)

    def answer(image):
        if image.rgb[:8, :8].mean() > 200:
            raise RuntimeError
        return (sure(),)

    line.work(Parts(Failing(answer)))

    case.ends(FINISHED | {DOUBTFUL: "quarantined"}, DEFECT.format("RuntimeError"))
    case.goes_on(line.held_back)


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("finds too little memory", MemoryError(), NO_MEMORY),
        (
            "finds too little memory for a tensor",
            RuntimeError("Failed to allocate memory"),
            NO_MEMORY,
        ),
        (
            "has no model file",
            UnusableWeights(
                "The model file face.onnx is missing; install the pinned requirements."
            ),
            "The model file face.onnx is missing; install the pinned requirements.",
        ),
    ],
    ids=["memory", "tensor", "model"],
)
def test_what_the_machine_lacks_makes_pictures_wait(line, broken, fault, error, said):
    case = broken("detector", fault, line)

    line.work(raising(error))

    case.ends(dict.fromkeys(NAMES, "waiting"), said)
    case.goes_on(line.restarted)


def test_one_that_has_gone_blind_is_noticed_by_the_witness(line, broken):
    case = broken("detector", "sees nothing any more, and says so calmly", line)

    line.work(Parts(Failing(lambda _: ())))

    case.ends(dict.fromkeys(NAMES, "review"), SEEN)
    case.asked()
