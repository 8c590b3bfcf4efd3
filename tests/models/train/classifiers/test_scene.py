"""A scene classifier is fitted, told how good it is, and entered, from pictures in two kinds."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training is not installed: make .venv/train")

from engine.detect.scene_classifier import SceneClassifier
from engine.detect.weights import load_weights
from models.train.classifiers import efficientnet_lite, scene
from models.train.classifiers.scene import SceneNet, fit, lesson, log_odds, shows_people, train
from models.train.data.choosing import sources_of
from models.train.errors import TrainingRefused
from tests.engine.evaluation.made import FACE, label, labelled

WITHOUT = frozenset({"things"})


@pytest.fixture
def pictures(tmp_path):
    """Warm flat pictures of one source, which "show people", and cold ones of another."""
    made = []
    for at in range(12):
        source = ("people", "things")[at % 2]
        path = tmp_path / f"{at}.png"
        bgr = (60 + at, 90, 200) if source == "people" else (200, 120, 30 + at)
        cv2.imwrite(str(path), np.full((50, 40 + at, 3), bgr, np.uint8))
        attributes = (("source", source), ("licence", "CC0"))
        made.append(replace(labelled(name=f"{at}"), path=path, attributes=attributes))
    return made


@pytest.fixture
def small(monkeypatch):
    """A trunk of random weights over small pictures, so that nothing needs to be installed."""
    monkeypatch.setattr(scene, "SIDE", 64)
    monkeypatch.setattr(efficientnet_lite, "started", efficientnet_lite.Trunk)
    return SceneNet(efficientnet_lite.Trunk()).eval()


def test_a_picture_with_a_label_shows_people_whatever_its_source(pictures):
    people, clusters = pictures[:2]

    assert shows_people(people, WITHOUT)
    assert not shows_people(clusters, WITHOUT)
    assert shows_people(replace(clusters, labels=(label((1, 1, 9, 9), FACE),)), WITHOUT)


def test_each_picture_teaches_in_four_turns_and_broken_ones_not_at_all(pictures, small, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    broken = replace(pictures[0], path=tmp_path / "broken.png")

    taught = lesson([*pictures, broken], WITHOUT, small)

    assert taught.features.shape == (4 * len(pictures), efficientnet_lite.FEATURES)
    assert taught.shows_people.sum() == 4 * len(pictures) / 2
    assert sources_of(taught.pictures) == [
        {"name": name, "licence": "CC0", "pictures": 6} for name in ("people", "things")
    ]


def test_the_fitted_head_tells_the_two_kinds_apart(pictures, small):
    taught = lesson(pictures, WITHOUT, small)

    fit(small, taught)

    said = log_odds(small, taught)
    assert said[taught.shows_people].min() > 0 > said[~taught.shows_people].max()


@pytest.mark.parametrize("without", [frozenset(), frozenset({"people", "things"})])
def test_one_kind_alone_is_refused_with_the_sources_there_are(pictures, small, without):
    with pytest.raises(TrainingRefused, match=r"Here are people, things\."):
        lesson(pictures, without, small)


@pytest.mark.usefixtures("small")
def test_what_is_entered_loads_and_says_the_same(pictures, tmp_path):
    models = tmp_path / "models"
    models.mkdir()
    (models / "manifest.toml").write_text("")
    counted = []

    right = train(pictures, pictures[:4], WITHOUT, models, "any", lambda: counted.append(1))

    assert (right.with_people, right.without) == ((8, 8), (8, 8))
    assert len(counted) == len(pictures) + 4
    entry = tomllib.loads((models / "manifest.toml").read_text())["scene"]
    assert (entry["role"], entry["use"]) == ("scene classifier", "any")
    assert [one["pictures"] for one in entry["sources"]] == [6, 6]
    card = (models / "cards" / "scene.md").read_text()
    assert "| things | CC0 | 6 | no |" in card
    assert "8 of\n  8 with people" in card
    classifier = SceneClassifier(load_weights("scene", models))
    answers = [
        classifier.people(cv2.imread(str(one.path))[:, :, ::-1].copy()) for one in pictures[:2]
    ]
    assert answers[0] > 0 > answers[1]
