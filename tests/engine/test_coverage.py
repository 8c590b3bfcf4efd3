"""How much of a picture goes, as an area under rectangles that may overlap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.coverage import percent, share_removed
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
