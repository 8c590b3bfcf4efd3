from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.codec.encode import encode
from engine.errors import UnsafeRelease
from engine.images import RedactedImage, RgbImage
from engine.redact.checks import check_covered, check_file, check_pixels, refuse_unchecked
from engine.redact.removal import erase_and_fill, remove
from tests.leaks import LEAKY_REMOVALS, one_leaked_bit
from tests.scenes import image, picture, rects_mask, region

MASKS = {
    "empty": (),
    "one pixel": ((5, 7, 6, 8),),
    "touching": ((4, 4, 12, 12), (12, 4, 20, 12)),
    "corner": ((0, 0, 20, 20),),
    "whole picture": ((0, 0, 56, 48),),
}


def in_place(removal):
    """A removal as the check repeats it."""

    def again(rgb: NDArray[np.uint8], mask: NDArray[np.bool_]) -> None:
        rgb[:] = removal(image(rgb), mask)

    return again


masks_by_name = pytest.mark.parametrize("rects", MASKS.values(), ids=MASKS)


@masks_by_name
@pytest.mark.parametrize("fill", ["pushpull", "telea", "solid"])
def test_a_true_removal_passes(rng, rects, fill):
    original, mask = image(picture(rng, 48, 56)), rects_mask(48, 56, *rects)
    again = partial(erase_and_fill, fill=fill, seed=7)

    passed = check_pixels(original, mask, remove(original, mask, fill=fill, seed=7), again)

    assert passed == {"T1": True, "T3": True}


@pytest.mark.parametrize("leaky", LEAKY_REMOVALS.values(), ids=LEAKY_REMOVALS)
@pytest.mark.parametrize("rect", [(8, 9, 30, 31), (0, 0, 40, 36)], ids=["inner", "corner"])
def test_t1_stops_removals_that_leak(rng, leaky, rect):
    original, mask = image(picture(rng, 48, 56)), rects_mask(48, 56, rect)

    with pytest.raises(UnsafeRelease, match="check T1"):
        check_pixels(original, mask, RedactedImage(leaky(original, mask)), in_place(leaky))


@given(st.integers(0, 47), st.integers(0, 55), st.integers(0, 2**32))
def test_t1_stops_one_bit_of_the_only_masked_pixel(row, column, seed):
    original = image(picture(np.random.default_rng(seed), 48, 56))
    mask = np.zeros((48, 56), bool)
    mask[row, column] = True

    leaked = RedactedImage(one_leaked_bit(original, mask))

    with pytest.raises(UnsafeRelease, match="check T1"):
        check_pixels(original, mask, leaked, in_place(one_leaked_bit))


def test_t1_stops_a_release_that_is_not_what_removal_makes(rng):
    original, mask = image(picture(rng, 48, 56)), rects_mask(48, 56, (8, 9, 30, 31))
    again = partial(erase_and_fill, seed=7)

    with pytest.raises(UnsafeRelease, match="check T1"):
        check_pixels(original, mask, RedactedImage(original.rgb), again)


@pytest.mark.parametrize(
    ("row", "column"), [(0, 0), (8, 8), (47, 55)], ids=["corner", "beside the mask", "far corner"]
)
@pytest.mark.parametrize("channel", [0, 1, 2], ids=["red", "green", "blue"])
def test_t3_stops_one_changed_value_outside_the_mask(rng, row, column, channel):
    original, mask = image(picture(rng, 48, 56)), rects_mask(48, 56, (9, 9, 30, 31))

    def removal(one: RgbImage, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
        rgb = remove(one, mask, seed=7).rgb.copy()
        rgb[row, column, channel] ^= 1
        return rgb

    with pytest.raises(UnsafeRelease, match="check T3"):
        check_pixels(original, mask, RedactedImage(removal(original, mask)), in_place(removal))


@pytest.mark.parametrize("file_format", ["png", "jpeg"])
def test_t4_passes_what_codec_writes_and_stops_a_byte_more(rng, file_format):
    redacted = remove(image(picture(rng, 48, 56)), np.zeros((48, 56), bool), seed=1)
    data = encode(redacted, file_format, jpeg_quality=92)

    assert check_file(data, file_format, redacted) == {"T4": True}
    with pytest.raises(UnsafeRelease):
        check_file(data + b"\0", file_format, redacted)


@pytest.mark.parametrize("file_format", ["png", "jpeg"])
def test_t4_stops_a_file_that_shows_other_pixels(rng, file_format):
    rgb, nothing = picture(rng, 48, 56), np.zeros((48, 56), bool)
    mask = rects_mask(48, 56, (8, 8, 32, 32))
    whole = encode(remove(image(rgb), nothing, seed=1), file_format, jpeg_quality=92)

    with pytest.raises(UnsafeRelease, match=r"does not show the pixels .* \(check T4\)"):
        check_file(whole, file_format, remove(image(rgb), mask, fill="solid", seed=1))


@pytest.mark.parametrize(
    ("rects", "corners"),
    [
        ([(8, 8, 31, 32)], (8, 8, 32, 32)),
        ([(8, 8, 32, 32)], (8, 8, 32.2, 32)),
        ([], (0, 0, 1, 1)),
        ([(1, 0, 56, 48)], (-9, -9, 99, 99)),
    ],
    ids=["a column", "a fraction", "nothing", "whole picture"],
)
def test_a_mask_that_leaves_out_a_part_of_a_region_is_stopped(rects, corners):
    with pytest.raises(UnsafeRelease, match="leaves out a part"):
        check_covered(rects_mask(48, 56, *rects), [region(corners)])


def test_a_mask_that_covers_every_region_passes_and_so_does_one_beside_the_picture():
    check_covered(
        rects_mask(48, 56, (8, 8, 40, 32)), [region((8, 8, 32, 32)), region((60, 8, 70, 9))]
    )
    check_covered(rects_mask(48, 56), [])


@pytest.mark.parametrize("passed", [{"T1": True}, {"T1": True, "T4": False}], ids=["out", "failed"])
def test_a_check_that_was_left_out_or_failed_in_silence_is_named(passed):
    refuse_unchecked({"T1": True, "T4": True}, ("T1", "T4"))

    with pytest.raises(UnsafeRelease, match=r"\(T4\)"):
        refuse_unchecked(passed, ("T1", "T4"))


@pytest.mark.parametrize("fill", ["pushpull", "telea", "solid"])
def test_removal_in_the_neighbourhood_of_the_masks_is_removal_in_the_whole_picture(rng, fill):
    original = image(picture(rng, 900, 1100))
    mask = rects_mask(900, 1100, (400, 301, 470, 380), (601, 420, 623, 440), (470, 380, 480, 390))
    looked_at = []

    def again(rgb: NDArray[np.uint8], hidden: NDArray[np.bool_]) -> None:
        looked_at.append(hidden.size)
        erase_and_fill(rgb, hidden, fill=fill, seed=7)

    passed = check_pixels(original, mask, remove(original, mask, fill=fill, seed=7), again)

    assert passed["T1"]
    assert len(looked_at) == 2
    assert max(looked_at) < mask.size / 3


def test_t1_stops_a_removal_that_goes_by_the_whole_picture(rng):
    original, mask = image(picture(rng, 900, 800)), rects_mask(900, 800, (40, 30, 100, 90))

    def removal(one: RgbImage, hidden: NDArray[np.bool_]) -> NDArray[np.uint8]:
        rgb = one.rgb.copy()
        rgb[hidden] = int(one.rgb.mean())
        return rgb

    with pytest.raises(UnsafeRelease, match="check T1"):
        check_pixels(original, mask, RedactedImage(removal(original, mask)), in_place(removal))
