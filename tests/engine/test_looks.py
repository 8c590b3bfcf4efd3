from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.detect.looks import STRIDE_PX, look_at
from engine.geometry import Size
from tests.scenes import SIDES, picture

TURNS = (0, 90, 180, 270)
turns = pytest.mark.parametrize("turn", TURNS)


def painted(rgb):
    """The box around everything brighter than half, half-open."""
    ys, xs = np.nonzero(rgb[..., 0] > 127)
    return np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], np.float32)


@st.composite
def boxes_in_pictures(draw):
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x1, y1 = draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
    return Size(width, height), (x0, y0, x1, y1)


@given(boxes_in_pictures(), st.sampled_from(TURNS))
def test_a_box_painted_in_a_picture_comes_back_from_every_turn(placed, turn):
    size, (x0, y0, x1, y1) = placed
    rgb = np.zeros((size.height, size.width, 3), np.uint8)
    rgb[y0:y1, x0:x1] = 255
    look = look_at(rgb, longer=max(size), turn=turn)  # full size, so nothing is rounded

    back = look.to_picture(painted(look.rgb))

    np.testing.assert_allclose(back, [(x0, y0, x1, y1)], atol=1e-3)


@given(st.sampled_from(TURNS), st.integers(100, 900), st.integers(100, 900))
def test_it_comes_back_from_another_scale_to_within_a_pixel_of_the_look(turn, width, height):
    rgb = np.zeros((height, width, 3), np.uint8)
    x0, y0, x1, y1 = width // 5, height // 3, width // 2, height - 20
    rgb[y0:y1, x0:x1] = 255
    look = look_at(rgb, longer=320, turn=turn)

    back = look.to_picture(painted(look.rgb))

    np.testing.assert_allclose(back, [(x0, y0, x1, y1)], atol=1.01 / look.scale + 0.01)


@turns
@pytest.mark.parametrize("shape", SIDES.values(), ids=SIDES)
def test_sides_are_padded_to_the_stride_at_the_right_and_bottom(rng, shape, turn):
    rgb = picture(rng, *shape) | 1

    look = look_at(rgb, longer=64, turn=turn)

    turned = np.rot90(rgb, turn // 90)
    scale = 64 / max(shape)
    inner = look.rgb[: max(round(turned.shape[0] * scale), 1)]
    inner = inner[:, : max(round(turned.shape[1] * scale), 1)]
    assert look.rgb.shape[0] % STRIDE_PX == look.rgb.shape[1] % STRIDE_PX == 0
    assert (inner > 0).all()
    assert look.rgb.sum(dtype=np.int64) == inner.sum(dtype=np.int64)


@turns
def test_no_boxes_stay_no_boxes(rng, turn):
    look = look_at(picture(rng, 20, 30), longer=64, turn=turn)

    assert look.to_picture(np.zeros((0, 4), np.float32)).shape == (0, 4)


@turns
def test_a_look_at_full_size_holds_the_very_pixels(rng, turn):
    rgb = picture(rng, 64, 96)

    look = look_at(rgb, longer=96, turn=turn)

    np.testing.assert_array_equal(look.rgb, np.rot90(rgb, turn // 90))
    assert look.scale == 1.0
