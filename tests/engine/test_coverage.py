"""How much of a picture goes, as an area under rectangles that may overlap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.coverage import outermost, percent, share_removed
from engine.geometry import PixelRect, Size
from engine.redact.masks import mask_of

SIZE = Size(12, 9)
EDGES = st.tuples(*[st.integers(-3, 14)] * 4)


@pytest.mark.parametrize(
    ("rects", "share"),
    [
        pytest.param([], 0.0, id="none"),
        pytest.param([(0, 0, 0, 0)], 0.0, id="empty"),
        pytest.param([(0, 0, 1, 1)], 1 / 108, id="one pixel"),
        pytest.param([(0, 0, 6, 9), (6, 0, 9, 9)], 0.75, id="touching"),
        pytest.param([(0, 0, 6, 9), (3, 0, 9, 9)], 0.75, id="overlapping"),
        pytest.param([(-5, -5, 20, 20)], 1.0, id="whole picture and more"),
        pytest.param([(12, 0, 20, 9)], 0.0, id="beside the picture"),
    ],
)
def test_the_share_is_that_of_the_union_inside_the_picture(rects, share):
    assert share_removed([PixelRect(*one) for one in rects], SIZE) == pytest.approx(share, abs=1e-8)


@given(st.lists(EDGES, max_size=5))
def test_the_share_is_a_count_of_pixels(edges):
    rects = [PixelRect(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in edges]

    share = share_removed(rects, SIZE)

    assert share == pytest.approx(mask_of(rects, SIZE).mean(), abs=1e-8)


@pytest.mark.parametrize(("share", "text"), [(0.0, "0"), (0.004, "0"), (0.62, "62"), (1.0, "100")])
def test_people_read_whole_percent(share, text):
    assert percent(share) == f"{text}\u00a0%"


@pytest.mark.parametrize(
    ("rects", "left"),
    [
        pytest.param([], [], id="none"),
        pytest.param([(3, 3, 3, 9)], [], id="empty"),
        pytest.param([(0, 0, 1, 1)], [(0, 0, 1, 1)], id="one pixel"),
        pytest.param([(0, 0, 4, 4), (0, 0, 4, 4)], [(0, 0, 4, 4)], id="twice the same"),
        pytest.param([(1, 1, 3, 3), (0, 0, 4, 4)], [(0, 0, 4, 4)], id="one within another"),
        pytest.param([(0, 0, 4, 2), (0, 0, 4, 4)], [(0, 0, 4, 4)], id="on the same edge"),
        pytest.param([(0, 0, 4, 4), (4, 0, 8, 4)], [(0, 0, 4, 4), (4, 0, 8, 4)], id="touching"),
        pytest.param([(0, 0, 4, 4), (2, 2, 6, 6)], [(0, 0, 4, 4), (2, 2, 6, 6)], id="overlapping"),
    ],
)
def test_only_rectangles_within_no_other_are_left(rects, left):
    assert outermost(PixelRect(*one) for one in rects) == tuple(PixelRect(*one) for one in left)


@given(st.lists(EDGES, max_size=6))
def test_what_is_left_covers_the_same(edges):
    rects = [PixelRect(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in edges]

    left = outermost(rects)

    assert (mask_of(left, SIZE) == mask_of(rects, SIZE)).all()
    assert len(left) <= len(rects)
