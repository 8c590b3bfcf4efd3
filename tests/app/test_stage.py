"""The stage shows a picture at any zoom and never moves a box."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.review.viewport import STAGE, Zoom, crop_jpeg, view_of
from engine.geometry import Box, Size

SIZES = [Size(1, 1), Size(8, 8), Size(860, 640), Size(4000, 3000), Size(5000, 50), Size(1, 20_000)]
sizes = st.builds(Size, st.integers(1, 12_000), st.integers(1, 12_000))
centres = st.none() | st.tuples(st.floats(-500, 13_000), st.floats(-500, 13_000))
shares = st.floats(0, 1)


@given(sizes, st.sampled_from(Zoom), centres, shares, shares, shares, shares)
def test_no_zoom_moves_a_box(size, zoom, centre, x, y, width, height):
    view = view_of(size, zoom, centre)
    left, top = x * size.width, y * size.height
    box = Box(left, top, left + width * size.width, top + height * size.height)

    back = view.to_picture(view.to_stage(box))

    assert back.corners == pytest.approx(box.corners, abs=1e-6)


@given(sizes, st.sampled_from(Zoom), centres)
def test_every_view_lies_on_the_stage_and_in_the_picture(size, zoom, centre):
    view = view_of(size, zoom, centre)

    slack = 1 / view.scale  # a stage pixel that the picture's edge cuts
    assert 1 <= view.shown.width <= STAGE.width
    assert 1 <= view.shown.height <= STAGE.height
    assert view.window.x0 >= 0
    assert view.window.y0 >= 0
    assert view.window.x1 <= size.width + slack
    assert view.window.y1 <= size.height + slack


@given(sizes, centres)
def test_fit_shows_the_whole_picture(size, centre):
    window = view_of(size, Zoom.FIT, centre).window
    slack = 1 / view_of(size, Zoom.FIT).scale

    assert window.x0 <= slack
    assert window.y0 <= slack
    assert window.x1 >= size.width - slack
    assert window.y1 >= size.height - slack


@pytest.mark.parametrize("zoom", Zoom)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size.width}x{size.height}")
def test_the_crop_has_the_size_that_is_shown(size, zoom):
    rgb = np.zeros((size.height, size.width, 3), np.uint8)
    view = view_of(size, zoom, (size.width, 0))

    shown = cv2.imdecode(np.frombuffer(crop_jpeg(rgb, view), np.uint8), cv2.IMREAD_COLOR)

    assert shown.shape == (view.shown.height, view.shown.width, 3)


@pytest.mark.parametrize("zoom", Zoom)
@pytest.mark.parametrize("size", [Size(430, 320), Size(2000, 1500)], ids=["small", "large"])
def test_what_lies_under_a_stage_box_is_what_the_crop_shows_there(size, zoom):
    box = Box(size.width * 0.4, size.height * 0.4, size.width * 0.5, size.height * 0.5)
    rect = box.outward()
    rgb = np.zeros((size.height, size.width, 3), np.uint8)
    rgb[rect.rows, rect.columns] = (255, 0, 0)
    view = view_of(size, zoom, (box.x0, box.y0))

    shown = cv2.imdecode(np.frombuffer(crop_jpeg(rgb, view), np.uint8), cv2.IMREAD_COLOR)

    red = shown[:, :, 2] > 127
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    seen = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    stage = view.to_stage(box).clipped(view.shown)
    assert seen == pytest.approx(stage.corners, abs=2)
