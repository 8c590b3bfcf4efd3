from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.detect.resizing import HALVED_PX, Mipmap, resized
from tests.scenes import picture


@pytest.mark.parametrize("size", [(7, 5), (640, 480), (200, 300)])
def test_it_has_the_size_that_was_asked_for(rng, size):
    result = resized(picture(rng, 900, 1201), size)

    assert result.shape == (size[1], size[0], 3)
    assert result.dtype == np.uint8


def test_large_pictures_come_out_as_their_area_means(rng):
    large = cv2.GaussianBlur(picture(rng, 1203, 1601), (0, 0), 3)

    result = resized(large, (160, 120)).astype(int)

    exact = cv2.resize(large, (160, 120), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(result - exact).max() <= 2
    assert abs((result - exact).mean()) < 0.5


@pytest.mark.parametrize(
    ("height", "width", "size", "how"),
    [
        (500, 500, (50, 50), cv2.INTER_AREA),
        (1600, 1200, (700, 801), cv2.INTER_AREA),
        (30, 40, (80, 60), cv2.INTER_LINEAR),
    ],
    ids=["few pixels", "less than twice", "larger"],
)
def test_others_are_resized_at_once(rng, height, width, size, how):
    rgb = picture(rng, height, width)

    np.testing.assert_array_equal(resized(rgb, size), cv2.resize(rgb, size, interpolation=how))


def test_a_long_thin_picture_is_never_halved_away():
    thin = np.full((2, HALVED_PX, 3), 90, np.uint8)

    assert (resized(thin, (64, 1)) == 90).all()


@pytest.mark.parametrize(
    ("side", "target"), [(256, 130), (257, 127), (1281, 640), (1000, 520), (1024, 640)]
)
def test_no_pixel_is_passed_over(side, target):
    checked = np.zeros((side, side, 3), np.uint8)
    checked[::2, ::2] = checked[1::2, 1::2] = 255

    result = resized(checked, (target, target))

    assert np.abs(result.astype(int) - 127).max() <= 64


class TestMipmap:
    def test_each_level_holds_the_means_of_the_one_before(self, rng):
        mipmap = Mipmap(rgb := picture(rng, 96, 160))

        for number in range(4):
            size = (160 >> number, 96 >> number)
            exact = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(int)
            assert np.abs(mipmap.level(number) - exact).max() <= 1

    def test_a_level_is_made_once(self, rng):
        mipmap = Mipmap(picture(rng, 40, 60))

        assert mipmap.level(2) is mipmap.level(2)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 90), (41, 3)])
    def test_no_side_is_halved_away(self, rng, shape):
        mipmap = Mipmap(picture(rng, *shape))

        assert mipmap.level(9).shape == (1, 1, 3)
