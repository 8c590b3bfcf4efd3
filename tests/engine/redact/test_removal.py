from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.images import RedactedImage, RgbImage
from engine.redact.removal import GREY, remove
from tests.leaks import LEAKY_REMOVALS, one_leaked_bit
from tests.scenes import disguised, image, picture, rects_mask

Removal = Callable[[RgbImage, NDArray[np.bool_]], NDArray[np.uint8]]
FILLS = ("pushpull", "telea", "solid")
MASKS = {
    "empty": lambda height, width: rects_mask(height, width),
    "one pixel": lambda height, width: rects_mask(height, width, (5, 7, 6, 8)),
    "corner": lambda height, width: rects_mask(height, width, (0, 0, 9, 4)),
    "edge to edge": lambda height, width: rects_mask(height, width, (0, 12, width, 20)),
    "touching": lambda height, width: rects_mask(height, width, (4, 4, 12, 12), (12, 4, 20, 12)),
    "corners touch": lambda height, width: rects_mask(height, width, (4, 4, 9, 9), (9, 9, 14, 14)),
    "overlapping": lambda height, width: rects_mask(height, width, (4, 4, 20, 20), (9, 9, 30, 30)),
    "all but one pixel": lambda height, width: ~rects_mask(height, width, (3, 2, 4, 3)),
    "whole picture": lambda height, width: rects_mask(height, width, (0, 0, width, height)),
}
masks_by_name = pytest.mark.parametrize("make_mask", MASKS.values(), ids=MASKS)
fills = pytest.mark.parametrize("fill", FILLS)


def depends_on_hidden_pixels(
    removal: Removal, rgb: NDArray[np.uint8], mask: NDArray[np.bool_], rng: np.random.Generator
) -> bool:
    """Whether two pictures that differ only under the mask are told apart by what `removal` makes.

    Besides other noise the complement is tried: it flips every bit, so that one copied bit shows.
    """
    outputs = [removal(image(rgb), mask)]
    for other in (disguised(rgb, mask, rng), np.where(mask[..., None], ~rgb, rgb)):
        outputs.append(removal(image(other), mask))
    return any(not np.array_equal(outputs[0], output) for output in outputs[1:])


@st.composite
def masks(draw: st.DrawFn) -> NDArray[np.bool_]:
    """Any picture size from 1 to 80 a side, with rectangles or with scattered pixels masked."""
    height, width = draw(st.integers(1, 80)), draw(st.integers(1, 80))
    if draw(st.booleans()):
        share = draw(st.sampled_from((0.0, 0.01, 0.2, 0.5, 0.95, 1.0)))
        scatter = np.random.default_rng(draw(st.integers(0, 2**32)))
        return scatter.random((height, width)) < share
    rects = []
    for _ in range(draw(st.integers(0, 4))):
        x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        rects.append((x0, y0, draw(st.integers(x0, width)), draw(st.integers(y0, height))))
    return rects_mask(height, width, *rects)


class TestNonInterference:
    @pytest.mark.slow
    @settings(max_examples=300)
    @given(masks(), st.sampled_from(FILLS), st.integers(0, 2**64 - 1))
    def test_pictures_that_differ_only_under_the_mask_give_the_same_pixels(self, mask, fill, seed):
        rng = np.random.default_rng(seed)
        rgb = picture(rng, *mask.shape)

        def removal(original, hidden):
            return remove(original, hidden, fill=fill, seed=seed).rgb

        assert not depends_on_hidden_pixels(removal, rgb, mask, rng)

    @given(masks(), st.sampled_from(FILLS), st.integers(0, 2**64 - 1))
    def test_pixels_outside_the_mask_stay_and_the_original_is_not_written_to(
        self, mask, fill, seed
    ):
        rgb = picture(np.random.default_rng(seed), *mask.shape)
        original = image(rgb)
        before = original.rgb.copy()

        redacted = remove(original, mask, fill=fill, seed=seed)

        np.testing.assert_array_equal(redacted.rgb[~mask], before[~mask])
        np.testing.assert_array_equal(original.rgb, before)

    @masks_by_name
    @fills
    def test_named_masks_hide_everything_and_spare_the_rest(self, rng, make_mask, fill):
        rgb = picture(rng, 37, 53)
        mask = make_mask(37, 53)

        def removal(original, hidden):
            return remove(original, hidden, fill=fill, seed=7).rgb

        assert not depends_on_hidden_pixels(removal, rgb, mask, rng)
        np.testing.assert_array_equal(removal(image(rgb), mask)[~mask], rgb[~mask])

    @pytest.mark.parametrize("shape", [(1, 60), (60, 1), (2, 60), (60, 2)], ids=str)
    @fills
    def test_the_thinnest_pictures_give_the_same_pixels_in_every_run(self, rng, shape, fill):
        rgb, mask = picture(rng, *shape), rng.random(shape) < 0.5

        runs = [remove(image(rgb), mask, fill=fill, seed=7).rgb for _ in range(20)]

        assert all(np.array_equal(runs[0], run) for run in runs)

    def test_a_picture_larger_than_the_working_size_leaks_nothing_either(self, rng):
        rgb = picture(rng, 700, 900)
        mask = rects_mask(700, 900, (100, 80, 620, 500), (640, 300, 660, 320))

        def removal(original, hidden):
            return remove(original, hidden, seed=7).rgb

        assert not depends_on_hidden_pixels(removal, rgb, mask, rng)


class TestTheChecker:
    """A checker that never fails proves nothing."""

    @pytest.mark.parametrize("leaky", LEAKY_REMOVALS.values(), ids=LEAKY_REMOVALS)
    @pytest.mark.parametrize("rect", [(8, 9, 30, 31), (0, 0, 40, 36)], ids=["inner", "corner"])
    def test_it_catches_removals_that_leak(self, rng, leaky, rect):
        rgb = picture(rng, 48, 56)

        assert depends_on_hidden_pixels(leaky, rgb, rects_mask(48, 56, rect), rng)

    @pytest.mark.slow
    @given(masks(), st.integers(0, 2**32))
    def test_it_catches_one_bit_under_any_mask(self, mask, seed):
        assume(mask.any())
        rng = np.random.default_rng(seed)
        rgb = picture(rng, *mask.shape)

        assert depends_on_hidden_pixels(one_leaked_bit, rgb, mask, rng)


class TestFill:
    @pytest.mark.parametrize("fill", ["pushpull", "telea"])
    @pytest.mark.parametrize("side", [1, 2, 40])
    def test_a_picture_masked_from_edge_to_edge_becomes_constant_grey(self, rng, fill, side):
        redacted = remove(
            image(picture(rng, side, side)), np.ones((side, side), bool), fill=fill, seed=1
        )

        assert (redacted.rgb == GREY).all()

    def test_solid_is_black(self, rng):
        mask = rects_mask(40, 40, (5, 5, 20, 20))

        redacted = remove(image(picture(rng, 40, 40)), mask, fill="solid", seed=1)

        assert (redacted.rgb[mask] == 0).all()

    @pytest.mark.parametrize("fill", ["pushpull", "telea"])
    def test_the_colour_around_is_carried_inward(self, fill):
        flat = np.full((200, 200, 3), (180, 90, 30), np.uint8)
        mask = rects_mask(200, 200, (60, 60, 140, 150))

        redacted = remove(image(flat), mask, fill=fill, seed=1)

        np.testing.assert_allclose(redacted.rgb[mask].mean(axis=0), (180, 90, 30), atol=4)

    @pytest.mark.parametrize("fill", ["pushpull", "telea"])
    def test_the_seed_changes_the_grain_and_nothing_else(self, rng, fill):
        mask = rects_mask(90, 90, (20, 20, 60, 60))
        noisy = image(picture(rng, 90, 90))
        calm = image(np.full((90, 90, 3), 77, np.uint8))

        one, other = (remove(noisy, mask, fill=fill, seed=seed).rgb for seed in (1, 2))
        calm_one, calm_other = (remove(calm, mask, fill=fill, seed=seed).rgb for seed in (1, 2))

        difference = one.astype(int) - other
        assert difference[mask].any()
        assert not difference[~mask].any()
        assert abs(difference[mask].mean()) < 2  # noise has no direction
        assert np.ptp(difference[mask], axis=1).max() <= 2  # luma noise: all channels alike
        np.testing.assert_array_equal(calm_one, calm_other)  # no grain around, none inside

    def test_the_same_seed_gives_the_same_pixels(self, rng):
        original, mask = image(picture(rng, 60, 70)), rects_mask(60, 70, (10, 10, 40, 40))

        one, other = (remove(original, mask, seed=5).rgb for _ in range(2))

        np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize("fill", ["pushpull", "telea"])
    def test_the_order_of_holes_does_not_matter(self, fill):
        ramp = np.linspace(20, 230, 90)[None, :] + np.linspace(-20, 20, 90)[:, None]
        rgb = np.repeat(np.clip(ramp, 0, 255)[..., None], 3, axis=2).astype(np.uint8)
        mask = rects_mask(90, 90, (10, 10, 40, 40), (44, 20, 80, 50), (30, 55, 60, 85))

        forward = remove(image(rgb), mask, fill=fill, seed=3).rgb
        backward = remove(image(rgb[::-1, ::-1]), mask[::-1, ::-1], fill=fill, seed=3).rgb

        np.testing.assert_allclose(forward, backward[::-1, ::-1].astype(int), atol=6)

    def test_a_hole_far_below_does_not_change_a_hole_above(self, rng):
        rgb = picture(rng, 400, 90)
        above = rects_mask(400, 90, (10, 10, 40, 40))
        both = above | rects_mask(400, 90, (10, 350, 40, 380))

        alone, together = (remove(image(rgb), mask, seed=3).rgb for mask in (above, both))

        np.testing.assert_array_equal(alone[above], together[above])


class TestContract:
    @pytest.mark.parametrize("shape", [(0, 0), (1, 1), (20, 30), (30, 21), (30, 20, 1)], ids=str)
    def test_a_mask_of_another_size_is_refused_with_both_sizes(self, rng, shape):
        original = image(picture(rng, 30, 20))

        with pytest.raises(ValueError, match=r"does not fit picture \(30, 20\)"):
            remove(original, np.zeros(shape, bool), seed=1)

    def test_an_unknown_fill_is_refused(self, rng):
        mask = rects_mask(30, 20, (2, 2, 9, 9))

        with pytest.raises(ValueError, match="blur"):
            remove(image(picture(rng, 30, 20)), mask, fill="blur", seed=1)

    def test_the_result_is_a_read_only_redacted_image(self, rng):
        redacted = remove(image(picture(rng, 9, 9)), np.zeros((9, 9), bool), seed=1)

        assert isinstance(redacted, RedactedImage)
        assert not redacted.rgb.flags.writeable
