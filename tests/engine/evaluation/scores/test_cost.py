"""What recall is bought with, counted so that shards add."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.scores.cost import Cost, Histogram, add_up
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import score_all
from engine.plan import Reason, ReasonKind
from engine.policy import read_policy
from engine.triage import route
from tests.engine.evaluation.made import (
    FACE,
    JEWELRY,
    PLAIN,
    TATTOO,
    label,
    masked,
    pairs,
    scored,
)

BOX, FAR, ALL = (100, 100, 200, 200), (500, 500, 600, 600), (0, 0, 1000, 800)
FACES_ONLY = PLAIN.only([FACE])
numbers_of_boxes = st.lists(st.integers(0, 9), max_size=40)


def cost(*found, labels=(), policy=PLAIN, standing=(), **picture):
    return scored(labels, found, policy, standing=standing, **picture).cost


@pytest.mark.parametrize(
    ("boxes", "median", "p90", "worst"),
    [
        pytest.param([], None, None, None, id="no picture"),
        pytest.param([0], 0, 0, 0, id="one without a box"),
        pytest.param([7], 7, 7, 7, id="one"),
        pytest.param([1, 9], 1, 9, 9, id="two"),
        pytest.param([1, 2, 9], 2, 9, 9, id="three"),
        pytest.param(range(1, 11), 5, 9, 10, id="ten"),
        pytest.param(range(1, 12), 6, 10, 11, id="eleven"),
        pytest.param([*[0] * 90, *[5] * 10], 0, 0, 5, id="the last tenth"),
        pytest.param([*[0] * 89, *[5] * 11], 0, 5, 5, id="one more"),
    ],
)
def test_a_histogram_gives_numbers_that_some_picture_has(boxes, median, p90, worst):
    one = Histogram.of(boxes)

    assert (one.at(0.5), one.at(0.9), one.at(1.0)) == (median, p90, worst)


@given(numbers_of_boxes.filter(bool))
def test_the_median_is_the_lower_of_two_in_the_middle(boxes):
    assert Histogram.of(boxes).at(0.5) == statistics.median_low(boxes)


@given(numbers_of_boxes, numbers_of_boxes)
def test_histograms_add(one, other):
    added = Histogram.of(one) + Histogram.of(other)

    assert added == Histogram.of([*one, *other])
    assert list(added.pictures) == sorted(added.pictures)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_a_share_of_no_picture_is_refused(share):
    with pytest.raises(ValueError, match="share must lie in"):
        Histogram.of([1]).at(share)


def test_of_no_pictures_nothing_is_counted():
    assert add_up([]) == Cost()


@given(pairs(), st.data())
def test_shards_in_any_order_add_up_to_the_whole(made, data):
    every = [one.cost for one in score_all(made, PLAIN).scores]
    shard_of = [data.draw(st.integers(0, 2)) for _ in every]
    shards = [
        [one for one, where in zip(every, shard_of, strict=True) if where == shard]
        for shard in data.draw(st.permutations(range(3)))
    ]

    assert sum((add_up(shard) for shard in shards), Cost()) == add_up(every)


@given(pairs())
def test_a_picture_goes_to_a_person_exactly_when_the_policy_sends_it(made):
    for picture, findings in made:
        routed = route(findings.found, findings.standing, PLAIN, findings.size)
        (one,) = score_all([(picture, findings)], PLAIN).scores

        assert one.cost.is_reviewed is bool(routed.reasons)
        assert (one.cost.boxes, one.cost.review_regions) == (
            len(routed.proposed),
            len(routed.review_regions),
        )
        assert 0.0 <= one.cost.removed <= one.cost.removed_at_most <= 1.0


@pytest.mark.parametrize(
    ("found", "removed", "at_most"),
    [
        pytest.param([], 0.0, 0.0, id="nothing"),
        pytest.param([masked((0, 0, 1, 1))], 1 / 800_000, 1 / 800_000, id="one pixel"),
        pytest.param([masked(ALL)], 1.0, 1.0, id="the whole picture"),
        pytest.param([masked(BOX, score=0.3)], 0.0, 0.0125, id="a doubt"),
        pytest.param([masked(BOX), masked(BOX, TATTOO)], 0.0125, 0.0125, id="twice the same"),
        pytest.param(
            [masked(BOX), masked((200, 100, 300, 200))], 0.025, 0.025, id="touching each other"
        ),
        pytest.param([masked(BOX), masked(FAR, score=0.3)], 0.0125, 0.025, id="both"),
        pytest.param([masked(BOX, score=0.1)], 0.0, 0.0, id="below every threshold"),
    ],
)
def test_pixels_are_counted_once_and_doubts_apart(found, removed, at_most):
    one = cost(*found)

    assert (one.removed, one.removed_at_most) == pytest.approx((removed, at_most))


@pytest.mark.parametrize(
    ("picture", "policy", "is_free"),
    [
        pytest.param({}, PLAIN, True, id="no label"),
        pytest.param({"labels": [label(BOX)]}, PLAIN, False, id="a label"),
        pytest.param({"labels": [label(BOX, ignored=True)]}, PLAIN, False, id="an ignored one"),
        pytest.param({"complete": [FACE, TATTOO]}, PLAIN, False, id="jewelry is not labelled"),
        pytest.param(
            {"complete": [FACE, TATTOO], "partial": [JEWELRY]}, PLAIN, False, id="in part only"
        ),
        pytest.param({"complete": [FACE]}, FACES_ONLY, True, id="complete for what is wanted"),
        pytest.param(
            {"labels": [label(BOX, TATTOO)]}, FACES_ONLY, True, id="shows what nobody wants"
        ),
    ],
)
def test_a_picture_is_free_when_people_looked_for_everything_and_saw_nothing(
    picture, policy, is_free
):
    assert cost(policy=policy, **picture).is_free is is_free


@pytest.mark.parametrize(
    ("found", "touched", "asked"),
    [
        pytest.param([], 0, 0, id="left alone"),
        pytest.param([masked(BOX)], 1, 0, id="removed"),
        pytest.param([masked(BOX, score=0.3)], 0, 1, id="a doubt"),
        pytest.param([masked(BOX), masked(FAR, score=0.3)], 1, 1, id="both"),
        pytest.param([masked(BOX, mask=(0, 0, 0, 0))], 0, 0, id="without a pixel"),
    ],
)
def test_free_pictures_are_touched_when_pixels_go_unasked(found, touched, asked):
    added = add_up([cost(*found), cost(*found, labels=[label(BOX)])])

    assert added.free_touched == Proportion(touched, 1)
    assert added.free_reviewed == Proportion(asked, 1)


def test_only_pictures_that_go_to_a_person_are_in_the_histograms():
    passes = cost(masked(BOX), masked(FAR))
    asked = cost(masked(BOX), masked(FAR, score=0.3))

    added = add_up([passes, asked, passes])

    assert added.review_load == Proportion(1, 3)
    assert added.boxes == Histogram({2: 1})
    assert added.review_regions == Histogram({1: 1})


def test_reasons_that_are_no_doubt_send_a_picture_to_a_person_too():
    blind = Reason(ReasonKind.NO_DETECTOR, "face")
    cautious = read_policy("[review]\nnothing_found = true\n")

    standing, nothing = cost(masked(BOX), standing=[blind]), cost(policy=cautious)

    assert (standing.is_reviewed, standing.boxes, standing.review_regions) == (True, 1, 0)
    assert (nothing.is_reviewed, nothing.boxes, nothing.review_regions) == (True, 0, 0)
