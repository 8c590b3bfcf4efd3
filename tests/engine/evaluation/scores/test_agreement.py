"""Two reviewers' boxes, matched and counted."""

from dataclasses import replace

import pytest

from engine.category import Category
from engine.evaluation.scores.agreement import NO_BOXES, BoxAgreement, matched_regions
from engine.geometry import Box
from engine.plan import Origin, Region


def region(*corners, category=Category.FACE, origin=Origin.REVIEWER, score=None):
    return Region(Box(*corners), category, origin, score)


A = region(0, 0, 10, 10)
HALF = region(0, 0, 10, 5)
"""An IoU of exactly a half with A."""
LESS = region(0, 0, 10, 4.9)
BESIDE = region(10, 0, 20, 10)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param([], [], (0, 0, 0), id="empty"),
        pytest.param([A], [], (0, 1, 0), id="one alone"),
        pytest.param([A], [A], (1, 0, 0), id="the same"),
        pytest.param([A], [HALF], (1, 0, 0), id="half"),
        pytest.param([A], [LESS], (0, 1, 1), id="less than half"),
        pytest.param([A], [BESIDE], (0, 1, 1), id="touching"),
        pytest.param([A], [replace(A, category=Category.TATTOO)], (0, 1, 1), id="category"),
        pytest.param([A, A], [A], (1, 1, 0), id="nobody twice"),
        # A fits HALF as well, but then the second HALF-sized box would be alone
        pytest.param([A, HALF], [region(0, 0, 10, 6), A], (2, 0, 0), id="most pairs"),
        pytest.param([region(3, 3, 4, 4)], [region(3, 3, 4, 4)], (1, 0, 0), id="one pixel"),
    ],
)
def test_boxes_of_one_category_that_overlap_by_half_are_one(first, second, expected):
    agreement = matched_regions(first, second).agreement

    assert (agreement.matched, agreement.only_first, agreement.only_second) == expected
    assert agreement.is_complete is (not any(expected[1:]))


def test_agreement_is_positive_agreement_over_all_pictures():
    both = matched_regions([A, BESIDE], [HALF]).agreement + matched_regions([A], [A]).agreement

    assert both.dice == pytest.approx(2 * 2 / (2 * 2 + 1 + 0))
    assert both.mean_iou == pytest.approx((0.5 + 1.0) / 2)


def test_nothing_marked_is_no_agreement_and_no_disagreement():
    assert (NO_BOXES.dice, NO_BOXES.mean_iou, NO_BOXES.is_complete) == (None, None, True)
    assert BoxAgreement(0, 1, 1).dice == 0.0


def test_the_union_covers_what_either_marked_and_a_pair_is_one():
    moved = region(1, 1, 11, 11)
    alone = region(50, 50, 60, 60, category=Category.TATTOO)

    union = matched_regions([A], [moved, alone]).union

    assert union == (region(0, 0, 11, 11), alone)


@pytest.mark.parametrize("is_first", [True, False])
def test_what_the_model_proposed_stays_the_models_where_one_kept_it(is_first):
    proposed = region(0, 0, 10, 10, origin=Origin.MODEL, score=0.7)
    drawn = region(0, 0, 10, 9)

    (one,) = matched_regions(*([[proposed], [drawn]] if is_first else [[drawn], [proposed]])).union

    assert one == proposed
