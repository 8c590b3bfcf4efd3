from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.detect.resizing import resized
from tests.scenes import picture


@pytest.mark.parametrize("size", [(7, 5), (640, 480), (200, 300), (2000, 1500)])
def test_it_has_the_size_that_was_asked_for(rng, size):
    result = resized(picture(rng, 900, 1201), size)

    assert result.shape == (size[1], size[0], 3)
    assert result.dtype == np.uint8


@pytest.mark.parametrize("size", [(160, 120), (700, 526), (999, 751), (1400, 1052)])
def test_what_is_smooth_comes_out_as_its_area_means(rng, size):
    smooth = cv2.GaussianBlur(picture(rng, 1203, 1601), (0, 0), 12)

    result = resized(smooth, size).astype(int)

    exact = cv2.resize(smooth, size, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(result - exact).max() <= 3
    assert abs((result - exact).mean()) < 0.5


@pytest.mark.parametrize("size", [(40, 40), (100, 100), (127, 127), (250, 40), (40, 250)])
def test_no_pixel_is_passed_over(size):
    checked = np.zeros((256, 256, 3), np.uint8)
    checked[::2, ::2] = checked[1::2, 1::2] = 255  # interpolated from far, it would turn to stripes

    result = resized(checked, size)

    assert np.abs(result.astype(int) - 127).max() <= 8


@pytest.mark.parametrize("shape", [(2, 300_000), (63, 300), (300, 3)])
def test_what_is_thin_is_never_halved_away(shape):
    thin = np.zeros((*shape, 3), np.uint8)
    thin[-1], thin[:, -1] = 180, 180

    result = resized(thin, (max(shape[1] // 3, 1), max(shape[0] // 3, 1)))

    assert result[-1, -1].min() >= 60
