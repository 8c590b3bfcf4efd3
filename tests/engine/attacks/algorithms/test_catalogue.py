"""The attacks a visitor turns: every setting works, and nothing else is taken."""

from __future__ import annotations

import numpy as np
import pytest

from engine.attacks.algorithms.catalogue import ADJUSTABLE, CLASSICAL
from engine.attacks.algorithms.sharpening import unsharp
from tests.scenes import smooth

ENDS = [
    (attack.name, {slider.name: slider.values[end] for slider in attack.sliders})
    for attack in ADJUSTABLE.values()
    for end in ((0, -1) if attack.sliders else (0,))
]


def patch(rng):
    mask = np.zeros((56, 64), np.bool_)
    mask[16:40, 16:48] = True
    return smooth(rng, 56, 64).astype(np.float32), mask


def test_sharpening_is_offered_first():
    assert next(iter(ADJUSTABLE)) == "unsharp"


@pytest.mark.parametrize(("name", "settings"), ENDS)
def test_both_ends_of_every_slider_give_a_picture(rng, name, settings):
    picture, mask = patch(rng)
    before = picture.copy()

    result = ADJUSTABLE[name].run(picture, mask, settings)

    assert result.shape == picture.shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("attack", ADJUSTABLE.values(), ids=lambda one: one.name)
def test_sliders_rise_and_start_on_a_value_of_theirs(attack):
    for slider in attack.sliders:
        assert list(slider.values) == sorted(set(slider.values))
        assert slider.start in slider.values
    assert attack.words.endswith(".")


def test_a_slider_reaches_the_function(rng):
    picture, mask = patch(rng)

    result = ADJUSTABLE["unsharp"].run(picture, mask, {"radius_px": 8.0, "amount": 12.0})

    np.testing.assert_array_equal(result, unsharp(picture, radius_px=8, amount=12))


@pytest.mark.parametrize(
    "settings",
    [{}, {"radius_px": 4.0}, {"radius_px": 4.1, "amount": 4.0},
     {"radius_px": 4.0, "amount": 4.0, "more": 1.0}],
    ids=["none", "one missing", "off the scale", "one too many"],
)  # fmt: skip
def test_settings_that_no_slider_gives_are_refused(rng, settings):
    with pytest.raises(ValueError, match="unsharp"):
        ADJUSTABLE["unsharp"].run(*patch(rng), settings)


@pytest.mark.parametrize("attack", ADJUSTABLE.values(), ids=lambda attack: attack.name)
def test_a_visitor_can_set_all_that_the_battery_runs(rng, attack):
    picture, mask = patch(rng)

    for setting in attack.settings:
        np.testing.assert_array_equal(
            CLASSICAL[setting.name].run(picture, mask),
            attack.run(picture, mask, setting.values),
        )


def test_every_attack_is_run_by_the_battery_under_a_name_of_its_own():
    names = [setting.name for attack in ADJUSTABLE.values() for setting in attack.settings]

    assert all(attack.settings for attack in ADJUSTABLE.values())
    assert sorted(names) == sorted(CLASSICAL)
    assert next(iter(CLASSICAL)) == "raw"


def test_a_report_says_at_which_setting_an_attack_was_run():
    assert CLASSICAL["wiener-10"].words.endswith(" Blur to undo 10 px, noise 0.0001.")
    assert CLASSICAL["raw"].words == "The release as it is."
