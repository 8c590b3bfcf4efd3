"""The fitted coefficients are those that made the data, and are read back as they were."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tomlkit", reason="training is not installed: make .venv/train")

from engine.category import DETECTABLE
from engine.detect.clusters import Cluster
from engine.detect.score_fusion import MEASURES, Coefficients, Features, FittedFusion, coefficients
from engine.detect.weights import Weights
from engine.errors import UnusableWeights
from engine.geometry import Box
from engine.plan import Detection
from models.train.calibration import fusing
from models.train.calibration.fusing import as_toml, cross_fitted, fit
from models.train.calibration.matching import Proposals
from tests.engine.evaluation.made import FACE, JEWELRY, TATTOO, labelled
from tests.models.train.proposed import SIZE, corners, proposal, proposals_of

pytestmark = pytest.mark.slow


DETECTORS = ("one@0", "two@0")
SIGNED = {"looks": 0.7, "within": -1.5, "around": -0.8, "no_people": -0.4}
SIZED = {"share": 0.5, "share_squared": -0.3, "side": -0.4, "side_squared": 0.6}
CROPS = {FACE: 0.5, TATTOO: 0.3, JEWELRY: -0.2}
MEASURED = {name: (SIGNED | SIZED)[name] for name in MEASURES}
KNOWN = Coefficients(-4.0, {"one@0": 0.9, "two@0": 0.4}, CROPS, MEASURED)


def of(known, category=FACE):
    """A fuser that goes by coefficients for one category."""
    text = as_toml({category: known}, "").encode()
    return FittedFusion(Weights("fusion", "0" * 64, "MIT", frozenset(DETECTABLE), text), None)


def drawn(rng, known, count=6000, category=FACE):
    """Proposals that are true as often as the coefficients say."""
    fusion, made = of(known, category), []
    for _ in range(count):
        ones = rng.random(rng.integers(1, 5)) * 0.97
        twos = rng.random(rng.integers(0, 3)) * 0.97
        box = Box(*corners(0))
        raw_detections = [Detection(box, category, score, "one@0") for score in ones]
        raw_detections += [Detection(box, category, score, "two@0") for score in twos]
        crops = dict(zip(DETECTABLE, rng.normal(0, 2, 3).tolist(), strict=True))
        beside = (rng.random(2) * (rng.random(2) < 0.5)).tolist()
        features = Features(crops, *beside, -3 * rng.random(), rng.normal(0, 1), rng.normal(0, 3))
        cluster = Cluster(tuple(sorted(raw_detections, key=lambda one: -one.score)), box)
        is_true = bool(rng.random() < fusion.probability(cluster, features))
        plain = proposal(corners(0), 0.5, category=category, is_true=is_true)
        made.append(replace(plain, cluster=cluster, features=features))
    return Proposals(labelled(), tuple(made), SIZE)


def numbers(one):
    parts = (one.measured, one.crops, one.scores)
    return np.array([one.bias, *(by for part in parts for by in part.values())])


def test_the_coefficients_that_made_the_data_are_recovered(rng, monkeypatch):
    monkeypatch.setattr(fusing, "RIDGE", 0.0)

    fitted = fit([drawn(rng, KNOWN, 40_000)], DETECTORS)

    assert list(fitted) == [FACE]
    assert list(fitted[FACE].scores) == list(DETECTORS)
    np.testing.assert_allclose(numbers(fitted[FACE]), numbers(KNOWN), atol=0.2)


def test_the_ridge_draws_coefficients_a_little_towards_nothing(rng, monkeypatch):
    every = [drawn(rng, KNOWN)]

    with_ridge = numbers(fit(every, DETECTORS)[FACE])[1:]
    monkeypatch.setattr(fusing, "RIDGE", 0.0)
    without = numbers(fit(every, DETECTORS)[FACE])[1:]

    assert 0.8 < np.linalg.norm(with_ridge) / np.linalg.norm(without) < 1.0


def test_what_says_nothing_gets_no_weight(rng):
    known = replace(KNOWN, crops=dict.fromkeys(DETECTABLE, 0.0), scores={"one@0": 0.9, "two@0": 0})

    fitted = fit([drawn(rng, known)], DETECTORS)[FACE]

    assert list(fitted.crops.values()) == pytest.approx([0.0] * 3, abs=0.05)
    assert fitted.scores["two@0"] == pytest.approx(0.0, abs=0.05)


def test_signs_are_kept_where_the_data_speak_against_them(rng):
    measured = SIGNED | dict.fromkeys(SIZED, 0.0)
    known = Coefficients(2.0, {"one@0": 0.6, "two@0": 0.6}, {FACE: 0.8}, measured)
    upside_down = drawn(rng, known, 1500)
    turned = tuple(replace(one, is_true=not one.is_true) for one in upside_down.proposals)

    fitted = fit([replace(upside_down, proposals=turned)], DETECTORS)[FACE]

    assert {fitted.measured[name] for name in SIGNED} == {0}
    assert fitted.crops[FACE] == 0
    assert set(fitted.scores.values()) == {0}
    assert FACE in coefficients(as_toml({FACE: fitted}, ""))


def test_what_can_be_told_apart_wholly_keeps_finite_coefficients():
    every = [proposals_of(f"{at}", [0.9], [0.1]) for at in range(20)]

    fitted = fit(every, ("one@0",))[FACE]

    assert np.isfinite(numbers(fitted)).all()
    assert fitted.scores["one@0"] > 0


@pytest.mark.parametrize(
    "every",
    [
        pytest.param([], id="no picture"),
        pytest.param([proposals_of("a")], id="no proposal"),
        pytest.param([proposals_of("a", [0.9, 0.8])], id="none false"),
        pytest.param([proposals_of("a", false=[0.9, 0.8])], id="none true"),
        pytest.param(
            [
                Proposals(
                    labelled(),
                    (proposal(corners(0), 0.9), proposal(corners(1), 0.1, is_true=None)),
                    SIZE,
                )
            ],
            id="untold is not false",
        ),
    ],
)
def test_a_category_without_true_or_false_examples_is_left_out(every):
    assert fit(every, ("one@0",)) == {}


def test_only_categories_with_both_are_fitted(rng):
    every = [
        proposals_of("a", [0.9], category=FACE),
        proposals_of("b", [0.9, 0.6], [0.7], category=JEWELRY),
        proposals_of("c", false=[0.9], category=TATTOO),
    ]

    assert list(fit(every, ("one@0",))) == [JEWELRY]


def test_untold_proposals_change_nothing(rng):
    plain = drawn(rng, KNOWN, 400)
    untold = tuple(replace(one, is_true=None) for one in drawn(rng, KNOWN, 400).proposals)

    assert fit([plain, replace(plain, proposals=untold)], DETECTORS) == fit([plain], DETECTORS)


def test_each_category_is_fitted_by_its_own_proposals(rng):
    faces, inks = drawn(rng, KNOWN, 400), drawn(rng, replace(KNOWN, bias=0.0), 400, TATTOO)

    both = fit([faces, inks], DETECTORS)

    assert both[FACE] == fit([faces], DETECTORS)[FACE]
    assert both[TATTOO] == fit([inks], DETECTORS)[TATTOO]


def test_what_is_written_reads_back_to_four_digits(rng):
    fitted = fit([drawn(rng, KNOWN, 400), drawn(rng, KNOWN, 400, TATTOO)], DETECTORS)

    text = as_toml(fitted, "second@0")

    comment, second, *_ = text.splitlines()
    assert comment.startswith("# Written by `make calibrate`")
    assert second == 'second = "second@0"'
    read = coefficients(text)
    assert list(read) == list(fitted) == [FACE, TATTOO]
    for category, one in fitted.items():
        assert list(read[category].scores) == list(DETECTORS)
        assert numbers(read[category]).tolist() == np.round(numbers(one), 4).tolist()


def test_of_nothing_fitted_the_file_is_read_as_nothing_fitted():
    text = as_toml({}, "second@0")

    assert tomllib.loads(text) == {"second": "second@0", "scene": ""}
    assert coefficients(text) == {}


class Named:
    classes = (FACE, TATTOO, JEWELRY)

    def __init__(self, name):
        self.name = name

    def logits(self, rgb, boxes):
        return np.zeros((len(boxes), 3), np.float32)


@pytest.mark.parametrize("fitted_with", ["", "second@0", 'odd "name"\\'])
@pytest.mark.parametrize("here", ["", "second@0", "second@1", 'odd "name"\\'])
def test_what_was_fitted_goes_with_its_own_second_look_alone(fitted_with, here):
    text = as_toml({FACE: KNOWN}, fitted_with).encode()
    weights = Weights("fusion", "0" * 64, "MIT", frozenset(DETECTABLE), text)
    second = Named(here) if here else None

    if here == fitted_with:
        assert FittedFusion(weights, second).fitted_with == set(DETECTORS)
    else:
        with pytest.raises(UnusableWeights, match="make calibrate fits them anew"):
            FittedFusion(weights, second)


def test_each_fold_is_judged_by_what_the_others_taught(rng):
    """In one fold high scores are true, in the other low ones: each is judged by the other's."""
    usual = [proposals_of(f"u{at}", [0.9], [0.1]) for at in range(20)]
    odd = [proposals_of(f"o{at}", [0.9], [0.1]) for at in range(20)]
    odd = [
        replace(one, proposals=tuple(replace(p, is_true=not p.is_true) for p in one.proposals))
        for one in odd
    ]

    def make(some):
        text = as_toml(fit(some, ("one@0",)), "").encode()
        return FittedFusion(Weights("fusion", "0" * 64, "MIT", frozenset(DETECTABLE), text), None)

    likely = cross_fitted([usual, odd], make)

    high, low = likely(odd[0], FACE)
    assert high > 0.9 > 0.1 > low
    high, low = likely(usual[0], FACE)
    assert high <= low + 0.01
