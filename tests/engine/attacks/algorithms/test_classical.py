from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.attacks.algorithms.catalogue import CLASSICAL
from engine.attacks.algorithms.deconvolution import blind, richardson_lucy, wiener
from engine.attacks.algorithms.jpeg_ghost import jpeg_ghost
from engine.attacks.algorithms.refill import without_fill
from engine.attacks.algorithms.sharpening import high_pass, unsharp
from engine.attacks.battery.methods import CONTROLS, FILLS, METHODS, hide, leak_injected
from engine.attacks.battery.settings import possible_attacks
from engine.attacks.report.sentences import ATTACKS, method_words
from engine.attacks.subjects.synthetic import scenes, synthetic
from engine.category import Category
from engine.redact import removal
from tests.scenes import image, rects_mask

RECT = (16, 16, 80, 80)
MASK = rects_mask(96, 96, RECT)


@pytest.fixture(scope="module")
def face():
    """float32 (96, 96, 3): a face in a scene."""
    rgb = scenes(1, 96, np.random.default_rng(2))[0].copy()
    rgb[16:80, 16:80] = synthetic(Category.FACE, 12, side_px=64).patches[0]
    return rgb.astype(np.float32)


def distance(one, other):
    return float(np.abs(one[16:80, 16:80] - other[16:80, 16:80]).mean())


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("shape", [(96, 96), (37, 53), (96, 48)], ids=str)
def test_an_attack_gives_a_picture_of_the_same_size_and_leaves_its_input(name, shape):
    picture = np.random.default_rng(1).uniform(0, 255, (*shape, 3)).astype(np.float32)
    mask = rects_mask(*shape, (8, 8, 30, 28))
    before = picture.copy()

    guess = CLASSICAL[name].run(picture, mask)

    assert guess.shape == picture.shape
    assert guess.dtype == np.float32
    assert np.isfinite(guess).all()
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("name", CLASSICAL)
def test_black_and_white_pictures_break_no_attack(name, value):
    flat = np.full((64, 64, 3), value, np.float32)

    assert np.isfinite(CLASSICAL[name].run(flat, rects_mask(64, 64, (16, 16, 48, 48)))).all()


def test_deconvolution_brings_a_blurred_face_nearer(face):
    blurred = cv2.GaussianBlur(face, (0, 0), 3)

    for sharper in (
        unsharp(blurred, radius_px=3, amount=1),
        wiener(blurred, sigma_px=3, noise=1e-3),
        richardson_lucy(blurred, sigma_px=3, iterations=20),
        blind(blurred, rounds=10),
    ):
        assert distance(sharper, face) < distance(blurred, face)


def test_high_pass_of_a_flat_picture_is_grey():
    flat = np.full((20, 20, 3), 77, np.float32)

    np.testing.assert_allclose(high_pass(flat, radius_px=3, gain=10), 128, atol=0.01)


def test_a_jpeg_ghost_is_calm_where_a_picture_was_quantised_alike(face):
    _, data = cv2.imencode(".jpg", face, (cv2.IMWRITE_JPEG_QUALITY, 60))
    coarse = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2YCrCb)[..., :1]
    same, other = (
        np.abs(jpeg_ghost(np.repeat(coarse, 3, axis=2).astype(np.float32), quality=q) - 128).mean()
        for q in (60, 40)
    )

    assert same < other


def test_taking_lethes_fill_away_leaves_grain_alone(face):
    original = image(face.astype(np.uint8))
    released = removal.remove(original, MASK, seed=99).rgb.astype(np.float32)

    left = without_fill(released, MASK, gain=1.0) - 128

    assert np.abs(left[MASK]).mean() < 6
    assert (left[~MASK] == 0).all()


@pytest.mark.parametrize(
    "method", [*METHODS.values(), leak_injected(0.1)], ids=lambda one: one.name
)
def test_a_method_changes_the_mask_alone_and_hides_all_of_it(face, method):
    original = image(face.astype(np.uint8))

    hidden = hide(method, original, MASK, seed=3)

    np.testing.assert_array_equal(hidden[~MASK], original.rgb[~MASK])
    assert (hidden[MASK] != original.rgb[MASK]).any(axis=1).mean() > 0.5


def test_our_fills_are_the_products_own(face):
    original = image(face.astype(np.uint8))

    for name, method in FILLS.items():
        own = removal.remove(original, MASK, fill=name, seed=3).rgb
        np.testing.assert_array_equal(hide(method, original, MASK, seed=3), own)


def test_a_mixture_holds_the_share_it_names(face):
    original = image(face.astype(np.uint8))
    filled = removal.remove(original, MASK, seed=3).rgb[MASK].astype(float)

    kept = hide(leak_injected(0.3), original, MASK, seed=3)[MASK] - filled

    np.testing.assert_allclose(kept, 0.3 * (original.rgb[MASK] - filled), atol=0.51)


def test_controls_cannot_be_asked_of_removal(face):
    for name in CONTROLS:
        with pytest.raises(ValueError, match=name):
            removal.remove(image(face.astype(np.uint8)), MASK, fill=name, seed=1)


def test_everything_that_can_be_run_has_a_sentence():
    assert set(possible_attacks()) <= set(ATTACKS)
    names = [*METHODS, "mix-0.1"]
    assert all(text.endswith(".") for text in (*ATTACKS.values(), *map(method_words, names)))
