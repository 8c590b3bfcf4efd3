from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.detect.nms import (
    BLOCK,
    SAME_OBJECT_IOU,
    containment,
    non_max_suppression,
    overlap_groups,
    overlaps,
)
from engine.geometry import Box


def rows(*raw_detections):
    width = len(raw_detections[0]) if raw_detections else 5
    return np.array(raw_detections, dtype=np.float32).reshape(-1, width)


A, A_AGAIN, APART = (0, 0, 10, 10, 0.9), (1, 0, 11, 10, 0.7), (50, 50, 60, 60, 0.8)


@pytest.mark.parametrize(
    ("raw_detections", "expected"),
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
def test_sightings_of_one_thing_become_one(raw_detections, expected):
    np.testing.assert_array_equal(non_max_suppression(rows(*raw_detections)), rows(*expected))


@pytest.mark.parametrize("columns", [5, 6, 9])
def test_no_sightings_keep_their_columns(columns):
    assert non_max_suppression(np.zeros((0, columns), np.float32)).shape == (0, columns)


def test_what_follows_the_score_is_carried_along():
    labelled = rows((*A_AGAIN, 90), (*A, 270))

    assert non_max_suppression(labelled)[0, 5] == 270


def test_equally_sure_sightings_keep_their_order():
    first, second = (0, 0, 10, 10, 0.5), (1, 0, 11, 10, 0.5)

    np.testing.assert_array_equal(non_max_suppression(rows(first, second)), rows(first))


boxes = arrays.arrays(np.float32, (8, 5), elements=st.floats(0, 100, width=32)).map(
    lambda array: np.column_stack([array[:, :2], array[:, :2] + array[:, 2:4], array[:, 4] / 100])
)


@given(boxes, st.integers(0, 8))
def test_every_sighting_is_kept_or_overlaps_a_surer_one_that_is(many, count):
    raw_detections = many[:count].astype(np.float32)

    result = non_max_suppression(raw_detections)

    kept = {tuple(row) for row in result.tolist()}
    assert list(result[:, 4]) == sorted(result[:, 4], reverse=True)
    for row in raw_detections.tolist():
        overlaps = [Box(*row[:4]).iou(Box(*other[:4])) for other in kept if other[4] >= row[4]]
        assert tuple(row) in kept or max(overlaps) >= SAME_OBJECT_IOU - 1e-4


PART = (2, 2, 9, 9, 0.5)
"""Within `A`, and about half its size."""


@pytest.mark.parametrize(
    ("inside", "sizes"),
    [
        pytest.param(np.inf, [1, 1, 1], id="overlap alone"),
        pytest.param(0.8, [2, 1], id="a part joins, a speck does not"),
    ],
)
def test_a_box_within_another_joins_it_unless_it_is_of_another_size(inside, sizes):
    speck = (4, 4, 6, 6, 0.4)

    found = overlap_groups(rows(A, PART, speck), iou=0.6, inside=inside)

    assert [len(members) for members in found] == sizes


def test_a_surer_part_takes_the_whole_in():
    whole = (0, 0, 10, 10, 0.3)

    (members,) = overlap_groups(rows(whole, PART), iou=0.6, inside=0.8)

    assert members.tolist() == [1, 0]


@given(boxes)
def test_every_box_is_in_one_group(many):
    found = overlap_groups(many.astype(np.float32), inside=0.8)

    assert sorted(np.concatenate(found).tolist()) == list(range(len(many)))


def test_shares_in_surer_boxes_go_both_ways():
    whole, half, less_sure = (0, 0, 10, 10, 0.9), (5, 0, 10, 10, 0.6), (0, 0, 20, 10, 0.3)

    found = containment(rows(less_sure, half, whole))

    np.testing.assert_allclose(found, [(0.5, 1.0), (1.0, 0.5), (0.0, 0.0)], atol=1e-6)


@given(boxes)
def test_the_surest_box_is_part_of_nothing(many):
    found = containment(many)

    assert found.shape == (8, 2)
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert (found[many[:, 4] == many[:, 4].max()] == 0).all()


@given(st.integers(0, 2**32), st.integers(0, 3 * BLOCK))
def test_many_boxes_are_grouped_as_one_after_the_other_would_be(seed, count):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 60, (count, 2))
    sides = rng.uniform(0, 25, (count, 2))
    many = np.column_stack([corners, corners + sides, rng.integers(0, 9, count) / 9])

    remaining, expected = list(np.argsort(-many[:, 4], kind="stable")), []
    while remaining:
        first, *others = remaining
        overlap, contained = overlaps(many[first], many[others])
        joined = [one for one, o, c in zip(others, overlap, contained, strict=True)
                  if o >= SAME_OBJECT_IOU or c >= 0.8]  # fmt: skip
        expected.append([first, *joined])
        remaining = [one for one in others if one not in joined]

    assert [group.tolist() for group in overlap_groups(many, inside=0.8)] == expected
