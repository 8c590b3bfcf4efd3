"""The witness breaks: what looks at each finished picture."""

from __future__ import annotations

import math

import pytest

from engine.errors import UnusableWeights
from engine.geometry import Box
from engine.plan import Detection
from tests.reliability.conftest import FINISHED
from tests.reliability.scenes import DOUBTFUL, NAMES, Onlooker, Parts, sure
from tests.reliability.test_detector import DEFECT, NO_MEMORY, SEEN
from tests.reliability.test_removal import HELD


class Failing(Onlooker):
    def __init__(self, answer):
        self.answer = answer

    def detect(self, redacted, policy):
        return self.answer()


def raising(error):
    def answer():
        raise error

    return answer


@pytest.mark.parametrize(
    ("fault", "answer", "kind"),
    [
        ("raises an error", raising(RuntimeError()), "RuntimeError"),
        ("says a score that is no number", lambda: (sure(math.nan),), "ValueError"),
        ("sees a thing at a place that is none", lambda: (_nowhere(),), "ValueError"),
        ("answers with nothing at all", lambda: None, "TypeError"),
    ],
    ids=["raises", "no score", "no place", "no answer"],
)
def test_a_defect_holds_back_each_picture(line, broken, fault, answer, kind):
    case = broken("witness", fault, line)

    line.work(Parts(release_check=Failing(answer)))

    case.ends(HELD, DEFECT.format(kind))
    case.goes_on(line.held_back)


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("finds too little memory", MemoryError(), NO_MEMORY),
        (
            "has no model file",
            UnusableWeights("The model file is missing."),
            "The model file is missing.",
        ),
    ],
    ids=["memory", "model"],
)
def test_what_the_machine_lacks_makes_pictures_wait(line, broken, fault, error, said):
    case = broken("witness", fault, line)

    line.work(Parts(release_check=Failing(raising(error))))

    case.ends(dict.fromkeys(NAMES, "waiting") | {DOUBTFUL: "review"}, said)
    case.goes_on(line.restarted)


def test_what_a_person_decided_waits_with_its_picture_and_is_not_lost(line, broken):
    case = broken("witness", "finds too little memory, after a person has decided", line)
    line.work()
    line.decide()

    line.work(Parts(release_check=Failing(raising(MemoryError()))))

    case.ends({**FINISHED, DOUBTFUL: line.decided_fate}, NO_MEMORY)
    line.restart()
    case.all_released(line.restarted)


def test_one_that_objects_to_everything_asks_a_person_and_releases_nothing(line, broken):
    case = broken("witness", "objects to everything", line)
    elsewhere = Detection(Box(70, 4, 90, 30), sure().category, 0.9, Onlooker.name)

    line.work(Parts(release_check=Failing(lambda: (elsewhere,))))

    case.ends(dict.fromkeys(NAMES, "review"), SEEN)
    case.asked()


def _nowhere():
    return Detection(Box(math.nan, 0, 1, 1), sure().category, 0.9, Onlooker.name)
