"""What ships is whole, and looks at pictures."""

from __future__ import annotations

import re
import tomllib

import pytest

from engine.category import DETECTABLE, Category
from engine.detect import registry
from engine.detect.names import names
from engine.detect.registry import NEEDED, default_ensemble, verify
from engine.detect.score_fusion import coefficients
from engine.detect.weights import load_weights
from engine.errors import UnusableWeights
from engine.geometry import Box
from engine.policy import Policy, read_policy
from tests.scenes import image, shipped_rgb

FACE_OF_ASTRONAUT = Box(168, 63, 280, 207)
"""Roughly; drawn by hand."""


@pytest.fixture(scope="module")
def weights():
    """Every file that ships, by name; skips where one is not there yet."""
    try:
        return {name: load_weights(name) for name in NEEDED}
    except UnusableWeights as error:
        pytest.skip(f"a shipped model is not there: {error}")


def test_what_ships_is_what_the_manifest_says(weights):
    verify(Policy())

    assert {name for one in weights.values() for name in one.categories} == set(DETECTABLE)
    assert not [name for name, one in weights.items() if one.use == "noncommercial"]


def test_a_policy_that_names_a_missing_file_is_refused_with_a_sentence(weights, tmp_path):
    missing = tmp_path / "scrfd.onnx"
    policy = read_policy(f'[detection]\nscrfd = "{missing}"')

    with pytest.raises(UnusableWeights) as refused:
        verify(policy)

    assert str(missing) in str(refused.value)
    assert "detection.scrfd; leave that empty to do without." in str(refused.value)


@pytest.mark.parametrize("broken", NEEDED)
def test_a_missing_file_of_ours_is_refused_whatever_the_policy_says(monkeypatch, broken):
    asked = []

    def load(name, **how):
        asked.append(name)
        if name == broken:
            raise UnusableWeights(f"{name} is gone.")

    monkeypatch.setattr(registry, "load_weights", load)

    with pytest.raises(UnusableWeights, match=f"{broken} is gone"):
        verify(Policy())

    assert asked == list(NEEDED[: NEEDED.index(broken) + 1])


def _centerface(weights):
    return f"{weights['centerface'].label}+{weights['ranges'].label}"


def test_the_coefficients_are_of_the_detectors_that_ship(weights):
    fitted = coefficients(weights["fusion"].data.decode())

    assert set(fitted) == set(DETECTABLE)
    for one in fitted.values():
        assert set(one.scores) == {_centerface(weights), weights["adornments"].label}


def test_the_coefficients_are_of_the_second_look_that_ships(weights):
    fitted = tomllib.loads(weights["fusion"].data.decode())

    assert fitted.get("second") == weights["crops"].label


@pytest.mark.slow
def test_everything_that_ships_has_its_say_about_a_photograph(weights):
    astronaut = image(shipped_rgb("skimage", "data/astronaut.png"))

    seen = default_ensemble().detect(astronaut, Policy())

    assert seen.weights == (
        _centerface(weights),
        *(weights[name].label for name in ("adornments", "fusion", "crops", "scene")),
    )
    label = "[a-z]+@[0-9a-f]{8}"
    assert all(re.fullmatch(rf"{label}(\+{label})?", name) for name in seen.weights)
    assert seen.searched == set(DETECTABLE)
    faces = [one for one in seen.detections if one.category is Category.FACE]
    surest = max(faces, key=lambda one: one.score)
    assert surest.score >= 0.5
    assert surest.box.iou(FACE_OF_ASTRONAUT) > 0.5
    assert {one.detector for one in seen.raw_detections} <= set(seen.weights)


def test_the_names_told_without_loading_are_those_of_the_ensemble():
    scene = image(shipped_rgb("skimage.data", "astronaut.png")[::4, ::4])

    assert names(Policy()) == default_ensemble().detect(scene, Policy()).weights
