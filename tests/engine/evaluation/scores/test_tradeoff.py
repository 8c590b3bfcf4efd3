from __future__ import annotations

import pytest
from hypothesis import given

from engine.evaluation.scores.counts import count
from engine.evaluation.scores.prediction_record import FLOOR
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import score_all
from engine.evaluation.scores.tradeoff import STEPS, curve
from engine.geometry import Size
from tests.engine.evaluation.made import (
    FACE,
    PLAIN,
    TATTOO,
    findings,
    label,
    labelled,
    masked,
    pairs,
    with_doubt,
)

BOX = (100, 100, 200, 200)


@pytest.mark.slow
@given(pairs(max_size=4))
def test_every_point_is_what_scoring_under_that_policy_says(made):
    for category in (FACE, TATTOO):
        for point in curve(made, PLAIN, category)[::3]:  # on, above and below the scores' grid
            policy = with_doubt(PLAIN, category, point.review_at)
            counted = count(score_all(made, policy).scores).categories[category]
            assert point.detection == counted.coverage
            assert point.review_with == counted.review_with
            assert point.review_without == counted.review_without


@given(pairs())
def test_a_higher_threshold_finds_no_more_and_asks_no_more(made):
    points = curve(made, PLAIN, FACE)

    found = [point.detection.found for point in points]
    asked = [point.review_load.found for point in points]
    assert found == sorted(found, reverse=True)
    assert asked == sorted(asked, reverse=True)


def test_steps_end_where_the_policy_accepts():
    assert [one.review_at for one in curve([], PLAIN, FACE)] == [one for one in STEPS if one <= 0.5]
    assert STEPS[0] == FLOOR
    assert list(STEPS) == sorted(set(STEPS))
    assert STEPS[-1] == 0.975


def test_of_no_pictures_there_is_nothing_to_show():
    assert {one.detection for one in curve([], PLAIN, FACE)} == {Proportion()}
    assert {one.review_load for one in curve([], PLAIN, FACE)} == {Proportion()}


@pytest.mark.parametrize(("review_at", "found"), [(0.3, 1), (0.325, 0)], ids=["at it", "above it"])
def test_the_score_itself_is_reached(review_at, found):
    made = [(labelled(label(BOX)), findings(masked(BOX, score=0.3)))]

    (point,) = [one for one in curve(made, PLAIN, FACE) if one.review_at == review_at]

    assert point.detection == point.review_with == Proportion(found, 1)


def test_pictures_that_their_labels_do_not_fit_are_left_out():
    invalid = (labelled(label(BOX), size=Size(3, 4)), findings(masked(BOX)))

    assert curve([invalid], PLAIN, FACE)[0].detection == Proportion()
