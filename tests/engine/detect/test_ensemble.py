from __future__ import annotations

import numpy as np
import pytest

from engine.category import DETECTABLE, Category
from engine.detect.ensemble import Ensemble
from engine.policy import Policy
from tests.scenes import FakeDetector, image, picture, seen

HERE, NEARLY, THERE = (10, 10, 30, 30), (11, 10, 31, 30), (60, 60, 70, 70)


class Halved:
    """Every thing is half as likely as its surest score."""

    names = ("halved@1",)
    fitted_with = frozenset({"first@0", "second@0"})

    def probabilities(self, image, things):
        return np.array([thing.score / 2 for thing in things])


@pytest.fixture
def original(rng):
    return image(picture(rng, 80, 90))


def test_what_two_detectors_see_in_one_place_is_one_thing(original):
    first = FakeDetector([seen(0.6, HERE), seen(0.4, THERE)], name="first@0")
    second = FakeDetector([seen(0.8, NEARLY)], name="second@0")

    found = Ensemble([first, second], Halved()).detect(original, Policy())

    together, alone = found.detections
    assert together.box.corners == pytest.approx((10.143, 10, 30.893, 30), abs=1e-3)  # of both
    assert (together.score, alone.box.corners, alone.score) == (0.4, THERE, 0.2)
    raw_detections = [(NEARLY, 0.4), (HERE, 0.4), (THERE, 0.2)]
    assert [(one.box.corners, one.score) for one in found.raw_detections] == raw_detections
    assert found.weights == ("first@0", "second@0", "halved@1")


def test_without_a_fuser_the_surest_score_is_the_probability(original):
    found = Ensemble([FakeDetector([seen(0.6, HERE)])]).detect(original, Policy())

    assert [one.score for one in found.detections] == [0.6]


def test_what_nobody_wants_is_not_looked_for_and_not_told(original):
    both = FakeDetector([seen(0.6, HERE), seen(0.9, HERE, Category.TATTOO)])
    tattoos = FakeDetector([], [Category.TATTOO])

    found = Ensemble([both, tattoos]).detect(original, Policy().only([Category.FACE]))

    assert [one.category for one in found.detections] == [Category.FACE]
    assert (both.looks, tattoos.looks) == (1, 0)
    assert found.searched == set(DETECTABLE)


def test_a_policy_may_add_detectors(original):
    own = FakeDetector([seen(0.9, THERE)], [Category.FACE], "own@0")

    def local(policy):
        return [own] if policy.detection.scrfd else []

    ensemble = Ensemble([FakeDetector([seen(0.6, HERE)])], local=local)
    policy = Policy().model_copy(
        update={"detection": Policy().detection.model_copy(update={"scrfd": "own.onnx"})}
    )

    assert len(ensemble.detect(original, Policy()).detections) == 1
    assert len(ensemble.detect(original, policy).detections) == 2


def test_of_nothing_nothing_is_seen(original):
    found = Ensemble([]).detect(original, Policy())

    assert (found.detections, found.raw_detections, found.weights, found.searched) == (
        (),
        (),
        (),
        set(),
    )


def test_a_detector_nobody_calibrated_is_told_but_one_that_the_policy_adds_is_not(original):
    known, unknown = FakeDetector(name="first@0"), FakeDetector(name="retrained@9")
    added = FakeDetector(name="own@0")

    found = Ensemble([known, unknown], Halved(), lambda policy: [added]).detect(original, Policy())

    assert found.uncalibrated == ("retrained@9",)
