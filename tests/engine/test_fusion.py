from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.category import Category
from engine.detect.fusion import SAME_IOU, fused, merged
from engine.geometry import Box
from tests.scenes import seen


def rows(*sightings):
    width = len(sightings[0]) if sightings else 5
    return np.array(sightings, dtype=np.float32).reshape(-1, width)


A, A_AGAIN, APART = (0, 0, 10, 10, 0.9), (1, 0, 11, 10, 0.7), (50, 50, 60, 60, 0.8)


@pytest.mark.parametrize(
    ("sightings", "expected"),
    [
        pytest.param([], [], id="empty"),
        pytest.param([A], [A], id="one"),
        pytest.param([A_AGAIN, A], [A], id="the surest stands for the group"),
        pytest.param([A, APART, A_AGAIN], [A, APART], id="two groups, surest first"),
        pytest.param([A, (10, 0, 20, 10, 0.5)], [A, (10, 0, 20, 10, 0.5)], id="touching"),
        pytest.param([A, (4, 4, 5, 5, 0.5)], [A, (4, 4, 5, 5, 0.5)], id="one pixel within"),
        pytest.param([(3, 3, 3, 3, 0.4)] * 2, [(3, 3, 3, 3, 0.4)] * 2, id="empty boxes"),
    ],
)
def test_sightings_of_one_thing_become_one(sightings, expected):
    np.testing.assert_array_equal(merged(rows(*sightings)), rows(*expected))


@pytest.mark.parametrize("columns", [5, 6, 9])
def test_no_sightings_keep_their_columns(columns):
    assert merged(np.zeros((0, columns), np.float32)).shape == (0, columns)


def test_what_follows_the_score_is_carried_along():
    labelled = rows((*A_AGAIN, 90), (*A, 270))

    assert merged(labelled)[0, 5] == 270


def test_equally_sure_sightings_keep_their_order():
    first, second = (0, 0, 10, 10, 0.5), (1, 0, 11, 10, 0.5)

    np.testing.assert_array_equal(merged(rows(first, second)), rows(first))


boxes = arrays.arrays(np.float32, (8, 5), elements=st.floats(0, 100, width=32)).map(
    lambda array: np.column_stack([array[:, :2], array[:, :2] + array[:, 2:4], array[:, 4] / 100])
)


@given(boxes, st.integers(0, 8))
def test_every_sighting_is_kept_or_overlaps_a_surer_one_that_is(many, count):
    sightings = many[:count].astype(np.float32)

    groups = merged(sightings)

    kept = {tuple(row) for row in groups.tolist()}
    assert list(groups[:, 4]) == sorted(groups[:, 4], reverse=True)
    for row in sightings.tolist():
        overlaps = [Box(*row[:4]).iou(Box(*other[:4])) for other in kept if other[4] >= row[4]]
        assert tuple(row) in kept or max(overlaps) >= SAME_IOU - 1e-4


HERE, HERE_AGAIN, THERE = (0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60)


@pytest.mark.parametrize(
    ("sightings", "kept"),
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
def test_each_thing_is_kept_once_and_the_rest_is_told(sightings, kept):
    result = fused(sightings)

    assert result.kept == tuple(sightings[index] for index in kept)
    assert set(result.kept + result.dropped) == set(sightings)
    assert len(result.kept) + len(result.dropped) == len(sightings)


@st.composite
def sightings(draw):
    x, y = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    corners = (x, y, x + draw(st.integers(1, 30)), y + draw(st.integers(1, 30)))
    category = draw(st.sampled_from([Category.FACE, Category.TATTOO]))
    return seen(draw(st.integers(0, 20)) / 20, corners, category)


@given(st.lists(sightings(), max_size=10), st.integers(0, 20))
def test_what_lies_below_a_threshold_changes_nothing_above(many, twentieths):
    threshold = twentieths / 20

    everything = fused(many)
    above = fused([one for one in many if one.score >= threshold])

    assert above.kept == tuple(one for one in everything.kept if one.score >= threshold)
    assert above.dropped == tuple(one for one in everything.dropped if one.score >= threshold)
