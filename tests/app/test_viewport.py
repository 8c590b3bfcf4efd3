"""Pictures for the screen keep their proportions, and a part shows exactly its pixels."""

import cv2
import numpy as np
import pytest

from components.review.viewport import DETAIL, STAGE_PX, part_jpeg, whole_jpeg
from engine.geometry import Box, PixelRect, Size

SIZES = [Size(1, 1), Size(8, 8), Size(860, 640), Size(4000, 3000), Size(5000, 50), Size(1, 20_000)]


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size.width}x{size.height}")
def test_a_whole_picture_is_never_larger_than_the_stage_or_than_itself(size):
    shown = decoded(whole_jpeg(np.zeros((size.height, size.width, 3), np.uint8)))

    scale = min(STAGE_PX / max(size), 1)
    assert shown.shape[1] == max(round(size.width * scale), 1)
    assert shown.shape[0] == max(round(size.height * scale), 1)


def test_a_part_shows_its_own_pixels_at_full_size():
    rgb = np.zeros((3000, 4000, 3), np.uint8)
    rgb[1000:1100, 2000:2200] = (255, 0, 0)

    data, rect = part_jpeg(rgb, Box(1950, 950.5, 2300, 1200))

    assert rect == PixelRect(1950, 950, 2300, 1200)
    part = decoded(data)
    assert part.shape == (250, 350, 3)
    rows, columns = np.nonzero(part[:, :, 2] > 127)
    assert (columns.min(), columns.max() + 1) == pytest.approx((50, 250), abs=1)
    assert (rows.min(), rows.max() + 1) == pytest.approx((50, 150), abs=1)


def test_a_large_part_is_reduced():
    _, width, _ = decoded(
        part_jpeg(np.zeros((3000, 4000, 3), np.uint8), Box(0, 0, 4000, 3000))[0]
    ).shape

    assert width == DETAIL.width


@pytest.mark.parametrize("window", [Box(-9, -9, 0, 0), Box(50, 3, 60, 3)], ids=["outside", "flat"])
def test_a_part_that_shows_nothing_is_refused(window):
    with pytest.raises(ValueError, match="shows nothing"):
        part_jpeg(np.zeros((50, 100, 3), np.uint8), window)
