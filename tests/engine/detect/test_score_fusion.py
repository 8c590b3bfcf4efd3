from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import Category
from engine.detect.clusters import Cluster
from engine.detect.score_fusion import (
    LEAST,
    MOST,
    SIDE_PX,
    FittedFusion,
    MaxScore,
    coefficients,
    evidence,
)
from engine.detect.weights import Weights
from engine.errors import UnusableWeights
from engine.geometry import Box
from engine.plan import Detection
from tests.scenes import image, picture

FITTED = """
[tattoo]
bias = -4.0
scores = { "one@0" = 1.0, "other@0" = 0.4 }
crops = { tattoo = 0.7, jewelry = -0.2 }

[tattoo.measured]
looks = 0.5
within = -2.0
around = -1.0
share = 0.3
share_squared = -0.1
side = 0.2
side_squared = -0.4
no_people = -0.6
"""
OF_JEWELRY = FITTED.replace("[tattoo", "[jewelry").replace(
    "tattoo = 0.7, jewelry = -0.2", "jewelry = 0.7"
)
BOX = (10, 10, 30, 30)


class CropSays:
    name = "crops@0"
    classes = (Category.TATTOO, Category.JEWELRY, Category.FACE)

    def __init__(self, *logits):
        self._logits = logits

    def logits(self, rgb, boxes):
        assert boxes.shape == (len(boxes), 4)
        return np.array([self._logits] * len(boxes), np.float32)


def fusion(text=FITTED, second=None):
    data = f'second = "{second.name if second else ""}"\n{text}'.encode()
    return FittedFusion(Weights("fusion", "0" * 64, "MIT", frozenset(), data), second)


def thing(*scores, category=Category.TATTOO):
    raw_detections = [Detection(Box(*BOX), category, score, name) for name, score in scores]
    return Cluster(tuple(sorted(raw_detections, key=lambda one: -one.score)), Box(*BOX))


@pytest.fixture
def original(rng):
    return image(picture(rng, 40, 50))


def probability(one, original, **how):
    return fusion(**how).probabilities(original, [one])[0]


def test_the_probability_is_the_logistic_of_what_was_fitted(original):
    seen = thing(("one@0", 0.8), ("other@0", 0.6), ("one@0", 0.3))

    odds = {
        score: np.log(score / (1 - score)) - np.log(LEAST / (1 - LEAST)) for score in (0.8, 0.6)
    }
    share, side = np.log10(400 / 2000), np.log10(20 / SIDE_PX)
    total = -4.0 + odds[0.8] + 0.4 * odds[0.6] + 0.5 * np.log(3) + 0.7 * 1.5 - 0.2 * -2.0
    total += 0.3 * share - 0.1 * share**2 + 0.2 * side - 0.4 * side**2
    second = CropSays(1.5, -2.0, 9.0)
    assert probability(seen, original, second=second) == pytest.approx(1 / (1 + np.exp(-total)))


scores = st.floats(0.0, 1.0)


@given(scores, scores, scores, st.floats(-9, 9), st.floats(-9, 9))
def test_seeing_better_is_never_less_likely(low, high, other, crop, more_crop):
    from numpy.random import default_rng

    original = image(picture(default_rng(0), 40, 50))
    low, high = sorted((low, high))
    crop, more_crop = sorted((crop, more_crop))
    worse, better = (thing(("one@0", score), ("other@0", other)) for score in (low, high))
    again = thing(("one@0", high), ("other@0", other), ("other@0", other))

    by_score, by_crop, by_looks = (
        probability(better, original, second=CropSays(crop, 0, 0)),
        probability(better, original, second=CropSays(more_crop, 0, 0)),
        probability(again, original, second=CropSays(crop, 0, 0)),
    )

    assert probability(worse, original, second=CropSays(crop, 0, 0)) <= by_score
    assert by_score <= by_crop
    assert by_score <= by_looks


def test_each_thing_is_judged_by_its_own_category(original):
    second = CropSays(5.0, -5.0, 0)
    text = FITTED + OF_JEWELRY
    seen = [thing(("one@0", 0.5), category=one) for one in (Category.JEWELRY, Category.TATTOO)]

    jewelry, tattoo = fusion(text, second).probabilities(original, seen)

    assert jewelry < tattoo


def test_faces_are_looked_at_again_too(original):
    text = FITTED.replace("tattoo", "face")
    seen = thing(("one@0", 0.5), category=Category.FACE)

    sure, unsure = (
        probability(seen, original, text=text, second=CropSays(n, n, n)) for n in (9, -9)
    )

    assert sure > 0.9 > 0.1 > unsure


def test_a_detector_nobody_fitted_is_taken_at_its_word(original):
    assert probability(thing(("stranger@1", 0.83)), original) == pytest.approx(0.83)
    assert probability(thing(("one@0", 0.99), ("stranger@1", 0.1)), original) > 0.1


def test_a_category_nobody_fitted_keeps_its_score(original):
    assert probability(thing(("one@0", 0.4), category=Category.FACE), original) == 0.4


@pytest.mark.parametrize("score", [0.0, LEAST, 1.0])
def test_evidence_has_a_floor_and_a_ceiling(score):
    most = np.log(MOST / (1 - MOST)) - np.log(LEAST / (1 - LEAST))

    assert 0.0 <= evidence(thing(("one@0", score)), "one@0") <= most
    assert evidence(thing(("one@0", score)), "absent@0") == 0.0


def test_without_things_nobody_is_asked(original):
    assert fusion(second=CropSays(0, 0, 0)).probabilities(original, []).shape == (0,)
    assert MaxScore().probabilities(original, []).shape == (0,)


def test_everything_that_had_a_say_is_named():
    assert fusion().names == ("fusion@00000000",)
    assert fusion(second=CropSays(0, 0, 0)).names == ("fusion@00000000", "crops@0")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(("bias = -4.0", "bias = nan"), "no number", id="nan"),
        pytest.param(("bias = -4.0", 'bias = "high"'), "cannot be used", id="text"),
        pytest.param(("bias = -4.0", ""), "bias", id="missing"),
        pytest.param(("looks = 0.5", "looks = -0.5"), "wrong sign", id="negative looks"),
        pytest.param(('"one@0" = 1.0', '"one@0" = -1.0'), "wrong sign", id="negative score"),
        pytest.param(("tattoo = 0.7", "tattoo = -0.7"), "wrong sign", id="negative crop"),
        pytest.param(("within = -2.0", "within = 2.0"), "wrong sign", id="positive within"),
        pytest.param(("no_people = -0.6", "no_people = 0.6"), "wrong sign", id="nobody for it"),
        pytest.param(("side = 0.2", ""), "side", id="a measure missing"),
        pytest.param(("tattoo", "nose"), "nose", id="unknown category"),
        pytest.param(("[tattoo]", "[tattoo"), "cannot be used", id="no TOML"),
    ],
)
def test_coefficients_that_make_no_sense_are_refused(change, says):
    with pytest.raises(UnusableWeights, match=says):
        coefficients(FITTED.replace(*change))


def test_another_second_look_than_it_was_fitted_with_is_refused():
    data = f'second = "crops@9"\n{FITTED}'.encode()

    with pytest.raises(UnusableWeights, match=r"fitted with crops@9, but crops@0"):
        FittedFusion(Weights("fusion", "0" * 64, "MIT", frozenset(), data), CropSays(0, 0, 0))


class SceneSays:
    name = "scene@0"

    def __init__(self, log_odds):
        self._log_odds = log_odds

    def people(self, rgb):
        assert rgb.ndim == 3
        return self._log_odds


@pytest.mark.parametrize(
    ("log_odds", "loses"),
    [(9.0, 0.0), (0.0, 0.0), (-2.0, 2.0), (-6.0, 6.0), (-60.0, 6.0)],
    ids=["people", "who knows", "rather nobody", "nobody", "nobody at all"],
)
def test_a_picture_without_people_speaks_against_things_and_one_with_them_for_none(
    original, log_odds, loses
):
    seen = thing(("one@0", 0.9))
    data = f'second = ""\nscene = "scene@0"\n{FITTED}'.encode()
    weights = Weights("fusion", "0" * 64, "MIT", frozenset(), data)

    [said] = FittedFusion(weights, None, SceneSays(log_odds)).probabilities(original, [seen])

    odds = np.log(said / (1 - said))
    plain = probability(seen, original)
    assert odds == pytest.approx(np.log(plain / (1 - plain)) - 0.6 * loses)


def test_another_scene_classifier_than_it_was_fitted_with_is_refused():
    data = f'second = ""\nscene = "scene@9"\n{FITTED}'.encode()

    with pytest.raises(UnusableWeights, match="fitted with scene@9, but scene@0 is here"):
        FittedFusion(Weights("fusion", "0" * 64, "MIT", frozenset(), data), None, SceneSays(0.0))


def test_no_probability_reaches_one(original):
    assert probability(thing(("stranger@1", 1.0)), original) < 1.0
    assert probability(thing(("one@0", 1.0)), original, second=CropSays(1e6, 0, 0)) < 1.0


def test_what_reaches_beyond_the_picture_is_as_large_as_its_part_inside(original):
    inside, beyond = Box(0, 10, 20, 30), Box(-80, 10, 20, 30)
    seen = [Detection(box, Category.TATTOO, 0.5, "one@0") for box in (inside, beyond)]

    one, other = (
        probability(
            Cluster((raw_detection,), raw_detection.box), original, second=CropSays(0, 0, 0)
        )
        for raw_detection in seen
    )

    assert one == pytest.approx(other)


def test_a_box_without_an_area_has_a_probability_all_the_same(original):
    nothing = Cluster((Detection(Box(5, 5, 5, 9), Category.TATTOO, 0.5, "one@0"),), Box(5, 5, 5, 9))

    assert 0 < probability(nothing, original, second=CropSays(0, 0, 0)) < 1
