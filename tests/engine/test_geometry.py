from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry import (
    Box,
    PixelRect,
    Size,
    box_to_upright,
    to_stored,
    to_upright,
    upright_size,
)

ORIENTATIONS = range(1, 9)
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: np.rot90(stored, 1),
}
"""What Exif 2.32 says about tag 0x0112, in numpy's words."""

SIZE = Size(5, 7)
RECTS = {
    "empty": PixelRect(2, 3, 2, 3),
    "one pixel": PixelRect(2, 3, 3, 4),
    "touches the corner": PixelRect(0, 0, 2, 1),
    "inner": PixelRect(1, 2, 4, 6),
    "whole picture": PixelRect(0, 0, 5, 7),
}
sides = st.integers(1, 60)


@st.composite
def rects_in_pictures(draw: st.DrawFn) -> tuple[PixelRect, Size]:
    size = Size(draw(sides), draw(sides))
    x0, y0 = draw(st.integers(0, size.width)), draw(st.integers(0, size.height))
    rect = PixelRect(x0, y0, draw(st.integers(x0, size.width)), draw(st.integers(y0, size.height)))
    return rect, size


class TestTurning:
    @pytest.mark.parametrize("orientation", ORIENTATIONS)
    @pytest.mark.parametrize("rect", RECTS.values(), ids=RECTS)
    def test_a_rectangle_turns_like_the_pixels_it_covers(self, orientation, rect):
        stored = np.zeros((SIZE.height, SIZE.width), bool)
        stored[rect.rows, rect.columns] = True

        turned = to_upright(rect, orientation, SIZE)

        expected = UPRIGHT[orientation](stored)
        painted = np.zeros_like(expected)
        painted[turned.rows, turned.columns] = True
        np.testing.assert_array_equal(painted, expected)

    @pytest.mark.parametrize("orientation", ORIENTATIONS)
    def test_the_size_turns_like_the_picture(self, orientation):
        height, width = UPRIGHT[orientation](np.zeros((SIZE.height, SIZE.width))).shape

        assert upright_size(SIZE, orientation) == (width, height)

    @given(rects_in_pictures(), st.sampled_from(ORIENTATIONS))
    def test_to_stored_undoes_to_upright(self, placed, orientation):
        rect, size = placed

        upright = to_upright(rect, orientation, size)

        assert to_stored(upright, orientation, size) == rect

    @given(rects_in_pictures(), st.sampled_from(ORIENTATIONS))
    def test_to_upright_undoes_to_stored(self, placed, orientation):
        rect, size = placed
        stored_size = upright_size(size, orientation)

        stored = to_stored(rect, orientation, stored_size)

        assert to_upright(stored, orientation, stored_size) == rect
        assert stored.area == rect.area

    @pytest.mark.parametrize("orientation", [0, 9, -1])
    def test_an_orientation_that_does_not_exist_is_refused(self, orientation):
        with pytest.raises(ValueError, match=f"1..8, got {orientation}"):
            to_upright(PixelRect(0, 0, 1, 1), orientation, SIZE)

    @pytest.mark.parametrize("orientation", ORIENTATIONS)
    @given(placed=rects_in_pictures())
    def test_boxes_turn_as_rectangles_do(self, placed, orientation):
        rect, size = placed

        turned = box_to_upright(Box(*rect), orientation, size)

        assert turned.corners == to_upright(rect, orientation, size)

    @pytest.mark.parametrize("orientation", ORIENTATIONS)
    def test_fractions_and_what_lies_beyond_the_picture_turn_along(self, orientation):
        box = Box(-1.5, 2.25, 9.75, 3.5)

        turned = box_to_upright(box, orientation, SIZE)

        sides = (turned.width, turned.height)
        assert sides == ((box.height, box.width) if orientation >= 5 else (box.width, box.height))


class TestBox:
    @pytest.mark.parametrize(
        ("one", "other", "shared", "iou"),
        [
            pytest.param((0, 0, 0, 0), (0, 0, 0, 0), 0.0, 0.0, id="empty"),
            pytest.param((0, 0, 4, 4), (4, 0, 8, 4), 0.0, 0.0, id="touching"),
            pytest.param((0, 0, 4, 4), (0, 0, 4, 4), 16.0, 1.0, id="the same"),
            pytest.param((0, 0, 4, 4), (3, 3, 4, 4), 1.0, 1 / 16, id="one pixel"),
            pytest.param((0, 0, 4, 4), (2, 0, 6, 4), 8.0, 8 / 24, id="half"),
            pytest.param((0, 0, 4, 4), (9, 9, 12, 12), 0.0, 0.0, id="apart"),
        ],
    )
    def test_overlap_is_symmetric(self, one, other, shared, iou):
        a, b = Box(*one), Box(*other)

        assert a.intersection(b) == b.intersection(a) == shared
        assert a.iou(b) == b.iou(a) == pytest.approx(iou)

    @pytest.mark.parametrize(
        ("corners", "inside"),
        [
            pytest.param((1, 2, 3, 4), (1, 2, 3, 4), id="within"),
            pytest.param((-9, -9, 99, 99), (0, 0, 5, 7), id="whole picture"),
            pytest.param((-9, 2, 1, 4), (0, 2, 1, 4), id="over the left"),
            pytest.param((5, 0, 9, 7), (5, 0, 5, 7), id="touching the right"),
            pytest.param((9, 9, 12, 12), (5, 7, 5, 7), id="outside"),
            pytest.param((-4, -4, -1, -1), (0, 0, 0, 0), id="outside at the top left"),
        ],
    )
    def test_clipping_keeps_the_part_in_the_picture(self, corners, inside):
        assert Box(*corners).clipped(SIZE).corners == inside
        assert tuple(PixelRect(*corners).clipped(SIZE)) == inside

    def test_outward_covers_every_pixel_it_touches(self):
        assert Box(1.2, 2.9, 3.0, 4.01).outward() == (1, 2, 3, 5)

    def test_the_hull_holds_both(self):
        assert Box(0, 5, 2, 6).hull(Box(1, 1, 9, 2)) == Box(0, 1, 9, 6)

    def test_extent_and_corners_say_the_same(self):
        box = Box.from_xywh(1.5, 2, 3, 4)

        assert box == Box(1.5, 2, 4.5, 6)
        assert (box.width, box.height, box.area) == (3, 4, 12)

    @pytest.mark.parametrize(
        "corners",
        [(2, 0, 1, 1), (0, 2, 1, 1), (math.nan, 0, 1, 1), (0, 0, math.inf, 1)],
        ids=["x out of order", "y out of order", "not a number", "infinite"],
    )
    def test_corners_that_make_no_box_are_refused(self, corners):
        with pytest.raises(ValueError, match="corners"):
            Box(*corners)

    @pytest.mark.parametrize("rect", [(3, 3, 2, 9), (3, 3, 3, 9)], ids=["inside out", "empty"])
    def test_a_rectangle_without_pixels_has_no_area(self, rect):
        assert PixelRect(*rect).area == 0
