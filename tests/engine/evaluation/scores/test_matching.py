from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.coverage import covered_share
from engine.evaluation.scores.matching import (
    NEVER,
    assigned,
    hidden_from,
    hidden_share,
    inside,
    iou_matrix,
    is_found_by,
    is_too_large,
)
from engine.geometry import Box, PixelRect, Size
from engine.redact.masks import mask_of
from tests.engine.evaluation.made import SIZE, masked

LABEL = Box(100, 100, 200, 200)
WIDE = Size(12, 9)


class TestCoveredShare:
    @pytest.mark.parametrize(
        ("rects", "share"),
        [
            pytest.param([], 0.0, id="no mask"),
            pytest.param([(150, 150, 150, 150)], 0.0, id="empty mask"),
            pytest.param([(0, 100, 100, 200)], 0.0, id="touching"),
            pytest.param([(150, 150, 151, 151)], 0.0001, id="one pixel"),
            pytest.param([(0, 0, 1000, 800)], 1.0, id="whole picture"),
            pytest.param([(100, 100, 200, 200)], 1.0, id="the same"),
            pytest.param([(100, 100, 150, 200), (150, 100, 200, 200)], 1.0, id="two halves"),
            pytest.param([(100, 100, 150, 200)] * 2, 0.5, id="the same half twice"),
            pytest.param([(100, 100, 160, 200), (140, 100, 190, 200)], 0.9, id="overlapping"),
        ],
    )
    def test_is_the_union_under_the_label(self, rects, share):
        assert covered_share(LABEL, [PixelRect(*rect) for rect in rects]) == share

    def test_counts_fractions_of_pixels(self):
        assert covered_share(Box(0.5, 0.0, 2.5, 1.0), [PixelRect(1, 0, 2, 1)]) == 0.5

    def test_nine_tenths_are_nine_tenths_however_the_corners_were_written(self):
        label = Box.from_xywh(0.1, 0.1, 10.0, 33.3)  # in floating point, a hair larger

        assert covered_share(label, [PixelRect(1, 0, 10, 40)]) == 0.9

    def test_a_label_without_area_is_refused(self):
        with pytest.raises(ValueError, match="needs an area"):
            covered_share(Box(3, 3, 3, 9), [PixelRect(0, 0, 10, 10)])

    @given(st.data())
    def test_equals_a_count_of_pixels(self, data):
        def corners(most):
            low = data.draw(st.integers(0, most - 1))
            return low, data.draw(st.integers(low + 1, most))

        def rect():
            (x0, x1), (y0, y1) = corners(WIDE.width), corners(WIDE.height)
            return PixelRect(x0, y0, x1, y1)

        label, rects = rect(), [rect() for _ in range(data.draw(st.integers(0, 5)))]

        share = covered_share(Box(*label), rects)

        mask = mask_of(rects, WIDE)[label.rows, label.columns]
        assert share == pytest.approx(mask.mean(), abs=1e-9)


@pytest.mark.parametrize(
    ("label", "region", "is_too"),
    [
        pytest.param((0, 0, 100, 100), (0, 0, 0, 0), False, id="empty region"),
        pytest.param((0, 0, 100, 100), (0, 0, 1, 1), False, id="one pixel"),
        pytest.param((0, 0, 100, 100), (0, 0, 100, 440.96), False, id="at the cap"),
        pytest.param((0, 0, 100, 100), (0, 0, 100, 440.97), True, id="over the cap"),
        pytest.param((0, 0, 1, 1), (0, 0, 64, 64), False, id="one-pixel label"),
        pytest.param((0, 0, 1, 1), (0, 0, 65, 64), True, id="over it for one pixel"),
        pytest.param((0, 0, 1000, 800), (0, 0, 1000, 800), False, id="whole picture on itself"),
        pytest.param((0, 0, 100, 100), (0, 0, 1000, 800), True, id="whole picture on a face"),
    ],
)
def test_a_region_is_too_large_from_four_labels_and_64_by_64_px(label, region, is_too):
    assert is_too_large(Box(*region), Box(*label)) is is_too


@pytest.mark.parametrize(
    ("box", "mask", "is_found"),
    [
        pytest.param((100, 100, 200, 150), (0, 0, 1, 1), True, id="IoU of a half, no mask"),
        pytest.param((100, 100, 200, 149), (0, 0, 1, 1), False, id="IoU below a half, no mask"),
        pytest.param((0, 0, 9, 9), (100, 100, 200, 190), True, id="mask on nine tenths"),
        pytest.param((0, 0, 9, 9), (100, 100, 200, 189), False, id="mask on fewer"),
        pytest.param((0, 0, 1000, 800), (0, 0, 1000, 800), False, id="whole picture"),
    ],
)
def test_either_rule_finds(box, mask, is_found):
    assert is_found_by(LABEL, masked(box, mask=mask)) is is_found


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        pytest.param((10, 10, 20, 20), (10, 10, 20, 20), id="inside"),
        pytest.param((-50, 10, 20, 20), (0, 10, 20, 20), id="beyond the left"),
        pytest.param((-9, -9, 2000, 2000), (0, 0, 1000, 800), id="beyond everything"),
        pytest.param((1000, 0, 1100, 9), (1000, 0, 1000, 9), id="touching from outside"),
    ],
)
def test_boxes_are_cut_off_at_the_edges_and_masks_stay(box, cut):
    one = masked(box)

    (inner,) = inside([one], SIZE)

    assert inner.box.corners == cut
    assert inner.rect == one.rect


class TestAssigned:
    @pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
    def test_of_nothing_nothing_is_paired(self, shape):
        assert assigned(np.zeros(shape)) == {}

    def test_what_does_not_fit_is_not_paired(self):
        assert assigned(np.zeros((2, 3))) == {}

    def test_more_pairs_beat_a_better_one(self):
        affinity = np.array([[0.9, 0.5], [0.6, 0.0]])  # greedily, 0.9 and nothing

        assert assigned(affinity) == {0: 1, 1: 0}

    def test_more_pairs_beat_a_far_better_one(self):
        affinity = np.array([[1.0, 1e-6], [1e-6, 0.0]])

        assert assigned(affinity) == {0: 1, 1: 0}

    @given(
        arrays.arrays(
            np.float64,
            st.tuples(st.integers(1, 4), st.integers(1, 4)),
            elements=st.sampled_from([0.0, 0.0, 1e-6, 0.5, 0.55, 0.7, 0.9, 1.0]),
        )
    )
    def test_is_the_best_of_all_ways_and_never_worse_than_greedy(self, affinity):
        pairs = assigned(affinity)

        value = (len(pairs), sum(affinity[pair] for pair in pairs.items()))
        assert len(set(pairs.values())) == len(pairs)
        assert all(affinity[pair] > 0 for pair in pairs.items())
        assert value == pytest.approx(best(affinity))
        assert len(pairs) >= greedy(affinity)


def best(affinity):
    """Most pairs, then the largest sum, by trying every way."""
    rows, columns = affinity.shape
    ways = [
        list(zip(chosen, order, strict=True))
        for count in range(min(rows, columns) + 1)
        for chosen in combinations(range(rows), count)
        for order in permutations(range(columns), count)
    ]
    allowed = [way for way in ways if all(affinity[pair] > 0 for pair in way)]
    return max((len(way), sum(affinity[pair] for pair in way)) for way in allowed)


def greedy(affinity):
    """How many pairs come of always taking the best that is left."""
    left = affinity.copy()
    count = 0
    while left.max() > 0:
        row, column = np.unravel_index(left.argmax(), left.shape)
        left[row, :] = left[:, column] = 0
        count += 1
    return count


@pytest.mark.parametrize(("labels", "regions"), [(0, 0), (2, 0), (0, 2), (2, 3)])
def test_the_matrix_has_a_row_for_each_label(labels, regions):
    assert iou_matrix([LABEL] * labels, [LABEL] * regions).shape == (labels, regions)


class TestHiddenFrom:
    HALVES = (
        masked((100, 100, 150, 200), score=0.8),
        masked((150, 100, 200, 200), score=0.3),
    )

    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            pytest.param((), NEVER, id="nothing found"),
            pytest.param((masked((0, 0, 1000, 800)),), NEVER, id="whole picture"),
            pytest.param((masked((0, 100, 100, 200)),), NEVER, id="touching"),
            pytest.param((masked((150, 150, 151, 151)),), NEVER, id="one pixel"),
            pytest.param((masked((99, 99, 200, 200), score=0.7),), 0.7, id="one"),
            pytest.param(HALVES, 0.3, id="two halves"),
            pytest.param(HALVES[:1], NEVER, id="half"),
            pytest.param((masked((0, 0, 999, 799)), *HALVES), 0.3, id="too large, then halves"),
        ],
    )
    def test_is_the_score_of_the_last_that_is_needed(self, found, expected):
        assert hidden_from(LABEL, found) == expected

    @given(
        st.lists(
            st.tuples(
                st.integers(8, 18), st.integers(8, 18), st.integers(1, 12), st.integers(1, 20)
            ),
            max_size=6,
        )
    )
    def test_hides_at_that_threshold_and_not_above_it(self, parts):
        found = sorted(
            (
                masked((x * 10, y * 10, (x + side) * 10, (y + side) * 10), score=score / 20)
                for x, y, side, score in parts
            ),
            key=lambda one: -one.score,
        )

        threshold = hidden_from(LABEL, found)

        for step in (np.arange(0.0, 1.0, 0.05) + 0.025).tolist():
            reaching = [one for one in found if one.score >= step]
            assert (hidden_share(LABEL, reaching) >= 0.9) is (threshold >= step)
