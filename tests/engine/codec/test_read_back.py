"""Whether a file is held to the pixels it was made of."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.codec.encode import encode
from engine.codec.read_back import is_faithful
from engine.images import RedactedImage
from tests.scenes import SIDES, picture, smooth

QUALITIES = (1, 50, 92, 100)


def encoded(rgb, file_format, quality=92):
    return encode(RedactedImage(rgb), file_format, jpeg_quality=quality)


def contents(rng, height, width):
    board = (np.indices((height, width)).sum(axis=0) % 2 * 255).astype(np.uint8)
    return {
        "noise": rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        "board": np.repeat(board[..., None], 3, axis=2),
        "photograph-like": picture(rng, height, width),
        "colours": np.where(board[..., None] > 0, np.uint8([255, 0, 0]), np.uint8([0, 0, 255])),
    }


@pytest.mark.parametrize("side", SIDES.values(), ids=SIDES)
def test_what_the_codec_writes_is_faithful_whatever_the_picture(rng, side):
    for name, rgb in contents(rng, *side).items():
        assert is_faithful(encoded(rgb, "png"), rgb), name
        for quality in QUALITIES:
            assert is_faithful(encoded(rgb, "jpeg", quality), rgb), (name, quality)


@pytest.mark.parametrize("file_format", ["png", "jpeg"])
def test_another_pictures_file_and_another_size_are_noticed(rng, file_format):
    rgb, other = picture(rng, 64, 80), picture(rng, 64, 80)

    assert not is_faithful(encoded(np.ascontiguousarray(rgb[::-1]), file_format), rgb)
    assert not is_faithful(encoded(other[:, :72].copy(), file_format), rgb)
    assert not is_faithful(encoded(smooth(rng, 64, 80), file_format), rgb)


@pytest.mark.parametrize("file_format", ["png", "jpeg"])
def test_one_block_that_shows_something_else_is_noticed(rng, file_format):
    rgb = smooth(rng, 600, 80)
    shown = rgb.copy()
    shown[520:528, 16:24] = 255 - shown[520:528, 16:24]
    shown[520:528, 16:24, 0] ^= 0x80

    assert not is_faithful(encoded(shown, file_format), rgb)


def test_one_pixel_of_a_png_is_noticed(rng):
    rgb = picture(rng, 37, 53)
    shown = rgb.copy()
    shown[36, 52, 2] ^= 1

    assert not is_faithful(encoded(shown, "png"), rgb)


def test_a_file_that_cannot_be_read_is_an_error_of_the_disk(rng):
    rgb = picture(rng, 37, 53)
    data = cv2.imencode(".png", rgb)[1].tobytes()

    with pytest.raises(OSError, match=r"cannot|truncated"):
        is_faithful(data[: len(data) // 2], rgb)
