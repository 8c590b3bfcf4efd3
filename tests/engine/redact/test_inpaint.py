from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.redact import inpaint
from engine.redact.inpaint import fill_hole
from tests.scenes import picture, rects_mask

fills = pytest.mark.parametrize("fill", ["pushpull", "telea"])


def filled(rgb, hole, fill, *, unknown=None, seed=1):
    """The picture with its hole filled; what is unknown may hold anything."""
    unknown = hole if unknown is None else unknown
    window = inpaint.window_of(hole)
    result = rgb.copy()
    result[window] = fill_hole(rgb, unknown, hole, fill, np.random.default_rng(seed))
    return result


@fills
@pytest.mark.parametrize(
    "rect",
    [(4, 4, 4, 4), (20, 30, 21, 31), (0, 0, 9, 9), (0, 20, 60, 30), (0, 0, 60, 79)],
    ids=["empty", "one pixel", "touching the corner", "edge to edge", "all but a row"],
)
def test_a_flat_patch_stays_flat(rect, fill):
    flat = np.full((80, 60, 3), (10, 200, 90), np.uint8)
    hole = rects_mask(80, 60, rect)

    result = filled(flat, hole, fill)

    off = np.abs(result[hole].astype(int) - (10, 200, 90))
    assert off.max(initial=0) <= (16 if fill == "telea" else 1)  # Telea's rounds up as it goes


@fills
def test_a_patch_in_which_nothing_is_known_gives_no_colours(fill):
    unknown = np.ones((30, 30), bool)

    result = filled(np.full((30, 30, 3), 200, np.uint8), unknown, fill)

    assert len(np.unique(result)) == 1


@fills
@given(
    st.integers(1, 70), st.integers(1, 70), st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32)
)
def test_any_patch_gives_colours_of_its_own_shape(fill, height, width, unknown_share, share, seed):
    rng = np.random.default_rng(seed)
    unknown = rng.random((height, width)) < unknown_share
    hole = unknown & (rng.random((height, width)) < share)
    rgb = picture(rng, height, width)

    result = filled(rgb, hole, fill, unknown=unknown, seed=seed)

    assert result.shape == rgb.shape
    assert result.dtype == np.uint8


@fills
def test_the_patch_is_not_written_to(rng, fill):
    hole = rects_mask(50, 50, (10, 10, 30, 30))
    patch = np.where(hole[..., None], np.uint8(0), picture(rng, 50, 50))
    before = patch.copy()

    fill_hole(patch, hole, hole, fill, rng)

    np.testing.assert_array_equal(patch, before)


@fills
@pytest.mark.parametrize("side", [150, 600], ids=["full size", "reduced"])
def test_black_under_other_holes_does_not_darken_this_one(fill, side):
    bright = np.full((side, side, 3), 220, np.uint8)
    near, far = side // 3, side // 2
    hole = rects_mask(side, side, (near, near, far, far))
    unknown = hole | rects_mask(side, side, (far, near, far + side // 4, far))

    result = filled(bright, hole, fill, unknown=unknown)

    np.testing.assert_allclose(result[hole].astype(int), 220, atol=8)


def test_a_gradient_is_carried_through():
    ramp = np.repeat(np.linspace(50, 200, 120).astype(np.uint8)[None, :, None], 120, axis=0)
    rgb = np.repeat(ramp, 3, axis=2)
    hole = rects_mask(120, 120, (40, 40, 80, 80))

    result = filled(rgb, hole, "pushpull")

    left, right = result[40:80, 42].mean(), result[40:80, 77].mean()
    assert left + 20 < right
    assert 50 <= left <= right <= 200


@pytest.mark.parametrize("deviation", [0, 3, 8])
def test_grain_is_as_strong_as_around(deviation):
    rng = np.random.default_rng(3)
    luma = 128 + rng.normal(0, deviation, (160, 160, 1))
    rgb = np.repeat(np.clip(np.rint(luma), 0, 255).astype(np.uint8), 3, axis=2)
    hole = rects_mask(160, 160, (40, 40, 120, 120))

    result = filled(rgb, hole, "pushpull").astype(float)

    inner = result[60:100, 60:100, 0]
    assert abs(inner.std() - deviation) <= max(0.35 * deviation, 0.5)


def test_grain_never_becomes_snow(rng):
    rgb = rng.integers(0, 256, (160, 160, 3), dtype=np.uint8)
    hole = rects_mask(160, 160, (40, 40, 120, 120))

    result = filled(rgb, hole, "pushpull").astype(float)

    assert result[60:100, 60:100].std() < 16


@given(st.integers(0, 2**32))
def test_grain_measured_around_a_hole_is_that_of_the_whole_patch(seed):
    rng = np.random.default_rng(seed)
    patch = rng.integers(0, 256, (120, 130, 3), dtype=np.uint8)
    hole = np.zeros((120, 130), bool)
    y, x = (int(value) for value in rng.integers(0, 100, 2))
    hole[y : y + int(rng.integers(1, 40)), x : x + int(rng.integers(1, 40))] = True
    unknown = hole | (rng.random(hole.shape) < 0.01)
    patch[unknown] = 0

    near = cv2.dilate(hole.view(np.uint8), np.ones((25, 25), np.uint8)).view(bool)
    touched = cv2.dilate(unknown.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel))[near & ~touched]
    expected = np.float32(min(float(np.median(response)) / (6 * 0.6745), inpaint.MOST_GRAIN))

    assert inpaint._grain(patch, unknown, hole) == expected


@fills
@pytest.mark.parametrize("side", [90, 700], ids=["full size", "reduced"])
def test_how_many_rows_are_worked_on_at_once_changes_nothing(rng, monkeypatch, fill, side):
    rgb = picture(rng, side, side + 13)
    hole = rects_mask(side, side + 13, (9, 11, side // 2, side - 20), (side // 3, 30, side, 50))

    at_once = filled(rgb, hole, fill)
    monkeypatch.setattr(inpaint, "STRIP_PX", 1)

    np.testing.assert_array_equal(filled(rgb, hole, fill), at_once)


@fills
def test_what_is_unknown_is_not_read(rng, fill):
    hole = rects_mask(300, 260, (40, 50, 120, 170))
    unknown = hole | rects_mask(300, 260, (130, 60, 200, 180))
    one, other = (picture(rng, 300, 260) for _ in range(2))
    other[~unknown] = one[~unknown]

    results = [filled(rgb, hole, fill, unknown=unknown)[hole] for rgb in (one, other)]

    np.testing.assert_array_equal(*results)
