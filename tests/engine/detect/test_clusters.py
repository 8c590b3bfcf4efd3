from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import Category
from engine.detect.clusters import clusters_of
from tests.scenes import seen

HERE, HERE_AGAIN, THERE = (0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60)


@pytest.mark.parametrize(
    ("raw_detections", "kept"),
    [
        pytest.param([], [], id="empty"),
        pytest.param([seen(0.9, HERE)], [0], id="one"),
        pytest.param([seen(0.7, HERE), seen(0.9, HERE_AGAIN)], [1], id="the surest is kept"),
        pytest.param([seen(0.9, HERE), seen(0.7, THERE)], [0, 1], id="apart"),
        pytest.param([seen(0.9, HERE), seen(0.7, (10, 0, 20, 10))], [0, 1], id="touching"),
        pytest.param([seen(0.9, HERE), seen(0.7, (4, 4, 5, 5))], [0, 1], id="one pixel within"),
        pytest.param(
            [seen(0.7, HERE), seen(0.9, HERE, Category.TATTOO)], [0, 1], id="two categories"
        ),
    ],
)
def test_sightings_of_one_thing_are_taken_together(raw_detections, kept):
    found = clusters_of(raw_detections)

    assert [thing.raw_detections[0] for thing in found] == [raw_detections[index] for index in kept]
    assert sorted(one.score for thing in found for one in thing.raw_detections) == sorted(
        one.score for one in raw_detections
    )


@st.composite
def raw_detections(draw):
    x, y = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    corners = (x, y, x + draw(st.integers(1, 30)), y + draw(st.integers(1, 30)))
    category = draw(st.sampled_from([Category.FACE, Category.TATTOO]))
    return seen(draw(st.integers(0, 20)) / 20, corners, category)


@given(st.lists(raw_detections(), max_size=10), st.integers(0, 20))
def test_what_lies_below_a_score_changes_nothing_above(many, twentieths):
    least = twentieths / 20

    everything = clusters_of(many)
    above = clusters_of([one for one in many if one.score >= least])

    assert [thing.raw_detections[0] for thing in above] == [
        thing.raw_detections[0] for thing in everything if thing.score >= least
    ]


@given(st.lists(raw_detections(), max_size=10))
def test_a_thing_is_of_one_category_and_as_sure_as_its_surest_sighting(many):
    for thing in clusters_of(many):
        assert {one.category for one in thing.raw_detections} == {thing.category}
        assert thing.score == max(one.score for one in thing.raw_detections)


@pytest.mark.parametrize(
    ("other", "right"),
    [
        pytest.param(seen(0.45, (1, 0, 16, 10)), 12.0, id="half as sure: has half a say"),
        pytest.param(seen(0.9, (1, 0, 16, 10)), 13.0, id="as sure: as much of a say"),
        pytest.param(seen(0.44, (1, 0, 16, 10)), 10.0, id="much less sure: none"),
        pytest.param(seen(0.8, (4, 0, 14, 10)), 10.0, id="elsewhere: another thing"),
    ],
)
def test_a_thing_is_where_its_surest_sightings_see_it_on_average(other, right):
    here = seen(0.9, (0, 0, 10, 10))
    tattoos = [replace(one, category=Category.TATTOO) for one in (other, here)]

    first = max(clusters_of(tattoos), key=lambda thing: here.box.iou(thing.box))

    assert first.box.x1 == pytest.approx(right)


@pytest.mark.parametrize(
    ("category", "right"), [(Category.FACE, 13.5), (Category.JEWELRY, 13), (Category.TATTOO, 12)]
)
def test_a_box_reaches_from_the_mean_towards_the_outermost_as_its_category_has_it(category, right):
    (thing,) = clusters_of(
        [seen(0.9, (0, 0, 10, 10), category), seen(0.9, (0, 0, 14, 10), category)]
    )

    assert thing.box.corners == pytest.approx((0, 0, right, 10))


@given(st.lists(raw_detections(), min_size=1, max_size=10))
def test_a_thing_lies_within_what_was_seen_of_it(many):
    for thing in clusters_of(many):
        every = np.array([one.box.corners for one in thing.raw_detections])
        box = np.array(thing.box.corners)
        assert (box[:2] >= every[:, :2].min(axis=0) - 1e-6).all()
        assert (box[2:] <= every[:, 2:].max(axis=0) + 1e-6).all()


def test_a_piece_of_jewelry_within_another_is_part_of_it_but_a_tattoo_is_not():
    within = (2, 2, 8, 8)

    for category, count in ((Category.JEWELRY, 1), (Category.TATTOO, 2), (Category.FACE, 2)):
        assert len(clusters_of([seen(0.9, HERE, category), seen(0.5, within, category)])) == count


def test_a_larger_piece_that_is_nearly_as_sure_is_not_swallowed_by_a_smaller_one():
    pendant, necklace = (0, 0, 50, 50), (0, 0, 95, 95)

    (thing,) = clusters_of(
        [seen(0.62, pendant, Category.JEWELRY), seen(0.60, necklace, Category.JEWELRY)]
    )

    assert 1.25 * thing.box.x1 > necklace[2], "its mask, a quarter wider, hides the necklace"
