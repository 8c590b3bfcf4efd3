"""What a visitor is shown: ours tells nothing, blur and pixelation tell, a leak would be seen."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import pytest

from engine.attacks import demonstration
from engine.attacks.algorithms.sharpening import unsharp
from engine.attacks.battery.methods import CONTROLS, FILLS, Kind, Method
from engine.attacks.demonstration import (
    MASK_PX,
    OTHERS,
    SEEN_PX,
    Answer,
    Demonstration,
    NothingToHide,
    demonstrate,
    excerpt,
    hide_candidates,
)
from engine.attacks.subjects.composites import AROUND_PX
from engine.attacks.subjects.synthetic import synthetic
from engine.category import DETECTABLE, Category
from engine.geometry import Box, PixelRect
from engine.plan import Origin, Region
from engine.policy import Policy
from engine.redact import removal
from engine.redact.masks import mask_of, rect_of
from tests.engine.attacks.small import leaking
from tests.scenes import image, smooth

SEED = 7
LIGHT_BLUR = Method("blur", Kind.CONTROL, "A light blur.", 0.06)


def sharpened(picture, mask):
    del mask
    return unsharp(picture, radius_px=2, amount=3)


def raw(picture, mask):
    del mask
    return picture


def framed(rng, category=Category.FACE, height=220, width=260):
    """A drawing of a category in soft surroundings, and the region around it."""
    rgb = smooth(rng, height, width)
    kind = category if category in DETECTABLE else Category.TATTOO
    drawn = synthetic(kind, 12, side_px=64, seed=99).patches[5]
    rgb[80:144, 96:160] = drawn
    return image(rgb), Region(Box(100, 84, 156, 140), category, Origin.REVIEWER, None)


def shown(rng, method, attack=sharpened, category=Category.FACE) -> Demonstration:
    piece = excerpt(*framed(rng, category), Policy())
    return demonstrate(hide_candidates(piece, method, seed=SEED), attack)


@pytest.mark.parametrize("category", list(Category))
@pytest.mark.parametrize("name", list(FILLS))
def test_with_our_fills_every_other_thing_gives_the_same(rng, name, category):
    found = shown(rng, FILLS[name], category=category)

    assert found.answer is Answer.SAME
    assert found.changed == 0
    assert set(found.others) == {found.score}
    assert len(found.others) == OTHERS
    assert found.sentence == (
        f"The result is the same, bit for bit, whichever of {OTHERS} other things was there."
    )


@pytest.mark.parametrize("category", list(DETECTABLE))
@pytest.mark.parametrize("method", [LIGHT_BLUR, *CONTROLS.values()], ids=lambda one: one.name)
def test_with_blur_and_the_like_what_was_there_stands_out(rng, method, category):
    found = shown(rng, method, attack=raw, category=category)

    assert found.answer is Answer.IDENTIFIED
    assert found.changed == OTHERS
    assert found.score > max(found.others)
    assert found.chance == 1 / (OTHERS + 1)
    assert "gives away" in found.sentence
    assert f"once in {OTHERS + 1} times" in found.sentence
    assert "Lethe's own fill" not in found.sentence


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_leak_in_our_own_fill_stands_out_and_is_called_what_it_is(rng, monkeypatch, share):
    monkeypatch.setattr(removal, "remove", leaking(share))

    found = shown(rng, FILLS["pushpull"])

    assert found.answer is Answer.IDENTIFIED
    assert "must never happen" in found.sentence


def test_one_leaked_bit_is_seen_even_where_no_attack_reads_it(rng, monkeypatch):
    honest = removal.remove

    def remove(picture, mask, *, fill="pushpull", seed):
        rgb = honest(picture, mask, fill=fill, seed=seed).rgb.copy()
        row, column = np.argwhere(mask)[-1]
        rgb[row, column, 2] = (rgb[row, column, 2] & 0xFE) | (picture.rgb[row, column, 2] & 1)
        return removal.RedactedImage(rgb)

    monkeypatch.setattr(removal, "remove", remove)

    found = shown(rng, FILLS["pushpull"], attack=lambda picture, mask: 0 * picture)

    assert found.answer is Answer.CHANGED
    assert 0 < found.changed < OTHERS
    assert "something came through" in found.sentence
    assert "must never happen" in found.sentence


def test_equal_seeds_give_equal_pictures_and_others_give_others(rng):
    piece = excerpt(*framed(rng), Policy())

    one, same, other = (
        demonstrate(hide_candidates(piece, LIGHT_BLUR, seed=seed), sharpened) for seed in (1, 1, 2)
    )

    assert (one.score, one.others) == (same.score, same.others)
    np.testing.assert_array_equal(one.result, same.result)
    assert one.others != other.others


def test_an_attack_is_given_the_release_and_never_the_original(rng):
    piece = excerpt(*framed(rng), Policy())
    given = []

    def spying(picture, mask):
        given.append((picture.copy(), mask.copy()))
        return picture

    found = demonstrate(hide_candidates(piece, FILLS["pushpull"], seed=SEED), spying)

    ((picture, mask),) = given  # forty-one equal releases are attacked once
    np.testing.assert_array_equal(picture, found.release.astype(np.float32))
    assert mask.sum() == found.outline.area
    assert mask[found.outline.rows, found.outline.columns].all()


def test_other_things_differ_from_one_another_and_from_what_was_there(rng):
    hidden = hide_candidates(excerpt(*framed(rng), Policy()), LIGHT_BLUR, seed=SEED).hidden

    assert len(hidden) == OTHERS + 1
    assert len({one.tobytes() for one in hidden}) == OTHERS + 1
    np.testing.assert_array_equal(hidden[-2], 255 - hidden[0])
    assert sorted(hidden[-1].reshape(-1, 3).tolist()) == sorted(hidden[0].reshape(-1, 3).tolist())


def test_every_picture_shows_the_mask_and_little_else(rng):
    picture, region = framed(rng, height=600, width=700)
    piece = excerpt(picture, region, Policy())

    found = demonstrate(hide_candidates(piece, FILLS["solid"], seed=SEED), raw)

    x0, y0, x1, y1 = found.outline
    assert (x0, y0) == (SEEN_PX, SEEN_PX)
    height, width = y1 - y0 + 2 * SEEN_PX, x1 - x0 + 2 * SEEN_PX
    for one in (found.original, found.release, found.result):
        assert one.shape == (height, width, 3)
    assert found.difference.shape == (height, width)
    assert not found.release[found.outline.rows, found.outline.columns].any()
    np.testing.assert_array_equal(found.release[:SEEN_PX], found.original[:SEEN_PX])


def test_the_difference_is_that_of_result_and_original(rng):
    piece = excerpt(*framed(rng), Policy())

    found = demonstrate(
        hide_candidates(piece, FILLS["pushpull"], seed=SEED),
        lambda picture, mask: 0 * picture + 300,
    )

    expected = np.rint(255 - found.original.astype(np.float64).mean(axis=2))
    assert np.abs(found.difference - expected).max() <= 1


def test_the_mask_is_that_of_a_release_where_nothing_is_reduced(rng):
    picture, _ = framed(rng)
    region = Region(Box(110, 94, 140, 124), Category.FACE, Origin.REVIEWER, None)

    piece = excerpt(picture, region, Policy())

    rect = rect_of(region, picture.codec, Policy())
    assert piece.scale == 1
    assert (piece.rect.x1 - piece.rect.x0, piece.rect.y1 - piece.rect.y0) == (
        rect.x1 - rect.x0,
        rect.y1 - rect.y0,
    )
    whole = removal.remove(picture, mask_of([rect], picture.size), seed=SEED).rgb
    piecewise = removal.remove(piece.image, piece.mask, seed=SEED).rgb
    np.testing.assert_array_equal(
        piecewise[piece.rect.rows, piece.rect.columns], whole[rect.rows, rect.columns]
    )


def test_a_large_area_is_reduced(rng):
    rgb = cv2.resize(smooth(rng, 100, 120), (1200, 1000))
    region = Region(Box(300, 200, 900, 700), Category.TATTOO, Origin.REVIEWER, None)

    piece = excerpt(image(rgb), region, Policy())

    x0, y0, x1, y1 = piece.rect
    assert MASK_PX <= max(x1 - x0, y1 - y0) <= MASK_PX + 2
    assert max(piece.image.size) <= MASK_PX + 2 * AROUND_PX + 4


def test_a_category_decides_how_far_the_mask_reaches(rng):
    picture, _ = framed(rng)
    areas = {}
    for category in (Category.FACE, Category.TATTOO):
        region = Region(Box(48, 48, 208, 176), category, Origin.REVIEWER, None)
        piece = excerpt(picture, region, Policy())
        areas[category] = piece.rect.area / piece.scale**2

    assert areas[Category.FACE] > 1.1 * areas[Category.TATTOO]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(0, 0, 260, 220), (PixelRect(0, 0, 260, 220))),
        (Box(-50, -50, 5, 5), None),
        (Box(255, 215, 256, 216), None),
    ],
    ids=["whole picture", "reaching out", "one pixel"],
)
def test_areas_at_the_border_work_as_well(rng, box, expected):
    picture, _ = framed(rng)
    region = Region(box, Category.FACE, Origin.REVIEWER, None)

    piece = excerpt(picture, region, Policy())
    found = demonstrate(hide_candidates(piece, FILLS["pushpull"], seed=SEED), sharpened)

    assert found.answer is Answer.SAME
    if expected is not None:
        assert found.outline.area == found.original.shape[0] * found.original.shape[1]


def test_an_area_outside_the_picture_is_refused_in_a_sentence(rng):
    picture, _ = framed(rng)
    region = Region(Box(500, 500, 540, 540), Category.FACE, Origin.REVIEWER, None)

    with pytest.raises(NothingToHide, match="outside the picture"):
        excerpt(picture, region, Policy())


@pytest.mark.parametrize(
    ("score", "others", "as_high"),
    [(0.5, (0.1, 0.2), 0), (0.5, (0.5, 0.2), 1), (0.1, (0.5, 0.2), 2)],
)
def test_chance_is_the_rank_among_all(rng, score, others, as_high):
    base = shown(rng, LIGHT_BLUR, attack=raw)
    values = {name: getattr(base, name) for name in base.__slots__}

    found = Demonstration(**values | {"score": score, "others": others})

    assert found.as_high == as_high
    assert found.chance == pytest.approx((1 + as_high) / 3)
    assert found.answer is (Answer.CHANGED if as_high else Answer.IDENTIFIED)


def test_scores_are_of_every_result_against_what_was_there(rng, monkeypatch):
    matrix = np.arange((OTHERS + 1) ** 2, dtype=np.float64).reshape(OTHERS + 1, OTHERS + 1)
    monkeypatch.setattr(demonstration, "similarities", lambda results, originals: matrix)

    found = shown(rng, LIGHT_BLUR)

    assert (found.score, *found.others) == tuple(matrix[:, 0])


def test_made_up_things_are_drawn_once(rng, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        demonstration.synthetic,
        "synthetic",
        lambda *given, real=synthetic, **more: drawn.append(given) or real(*given, **more),
    )
    demonstration._drawings.cache_clear()
    piece = excerpt(*framed(rng), Policy())

    for method in (LIGHT_BLUR, FILLS["pushpull"]):
        partial(hide_candidates, seed=3)(piece, method)

    assert len(drawn) == 1
