"""What the detectors saw is kept as they said it, whenever a run is stopped."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.detect.registry import default_detectors
from engine.errors import UnusableWeights
from engine.geometry import Box
from engine.plan import Detection
from engine.policy import Policy
from models.train.data import proposals
from models.train.data.proposals import propose, raw_detections_in
from tests.engine.evaluation.made import FACE, TATTOO, labelled
from tests.models.train.proposed import AtOnce
from tests.scenes import FakeDetector, picture, shipped_picture

pytestmark = pytest.mark.slow


@pytest.fixture
def detectors(monkeypatch):
    """Two that see the same in every picture."""
    faces = FakeDetector(
        [
            Detection(Box(-3.5, 2.25, 10.75, 20.5), FACE, 0.5, "one@0"),
            Detection(Box(0, 0, 40, 30), FACE, 0.123456, "one@0"),
        ],
        name="one@0",
    )
    inks = FakeDetector([Detection(Box(1, 2, 3, 4), TATTOO, 1.0, "two@0")], name="two@0")
    monkeypatch.setattr(proposals._Worker, "detectors", (faces, inks))
    monkeypatch.setattr(proposals, "mapped", AtOnce.mapped)
    monkeypatch.setattr(AtOnce, "looked", ())
    return faces, inks


@pytest.fixture
def pictures(tmp_path, rng):
    """Five pictures, the third of which is none and the fourth of which is gone."""
    made = []
    for name in ("a", "b", "c", "d", "é\u2028"):
        path = tmp_path / f"{len(made)}.png"
        cv2.imwrite(str(path), picture(rng, 30, 40))
        made.append(replace(labelled(name=name), path=path))
    made[2].path.write_bytes(b"no picture")
    made[3].path.unlink()
    return made


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sightings.jsonl"


def run(pictures, file, workers=1):
    return list(propose(pictures, file, Policy(), workers=workers))


def test_what_is_read_back_is_what_the_detectors_said(detectors, pictures, file):
    run(pictures[:1], file)

    (seen,) = raw_detections_in(file).values()
    said = [one for detector in detectors for one in detector.detections]
    assert [(one.category, one.detector) for one in seen] == [
        (one.category, one.detector) for one in said
    ]
    for kept, one in zip(seen, said, strict=True):
        assert kept.box.corners == pytest.approx(one.box.corners, abs=0.05 + 1e-9)
        assert kept.score == pytest.approx(one.score, abs=5e-5)


def test_pictures_that_cannot_be_read_stop_nothing(detectors, pictures, file):
    done = run(pictures, file)

    assert done == [one.name for one in pictures]
    assert list(raw_detections_in(file)) == ["a", "b", "é\u2028"]


def test_a_picture_in_which_nothing_was_seen_was_looked_at(detectors, pictures, file):
    for one in detectors:
        one.detections = ()

    run(pictures[:1], file)

    assert raw_detections_in(file) == {"a": ()}


def test_a_picture_is_looked_at_once(detectors, pictures, file):
    run(pictures[:1], file)
    before = file.read_text()

    done = run(pictures[:2], file)

    assert done == ["b"]
    assert AtOnce.looked == ("a", "b")
    assert file.read_text().startswith(before)


def test_of_no_picture_nothing_is_kept(detectors, file):
    assert run([], file) == []
    assert raw_detections_in(file) == {}


@pytest.mark.parametrize("left", [1, 20, -2, -1], ids=["a byte", "the name", "all but }", "no \\n"])
def test_a_run_that_was_stopped_within_a_line_goes_on(detectors, pictures, file, left):
    readable = [pictures[0], pictures[1], pictures[4]]
    run(readable, file)
    whole = raw_detections_in(file)
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + lines[1][:left])

    run(readable, file)

    assert raw_detections_in(file) == whole
    assert json.loads(file.read_text().splitlines()[-1])["file"] == "é\u2028"


def test_a_stop_between_pictures_loses_none_that_is_done(detectors, pictures, file):
    stopped = propose(pictures, file, Policy(), workers=1)
    next(stopped)
    kept = raw_detections_in(file)
    stopped.close()

    assert list(kept) == ["a"]


def test_the_shipped_detectors_look_in_processes_of_their_own(tmp_path, file, rng):
    try:
        default_detectors()
    except UnusableWeights as error:
        pytest.skip(f"a shipped model is not there: {error}")
    face = cv2.imread(str(shipped_picture("skimage", "data/astronaut.png")))[40:240, 120:320]
    paths = {"face": tmp_path / "face.png", "grey": tmp_path / "grey.png"}
    cv2.imwrite(str(paths["face"]), face)
    cv2.imwrite(str(paths["grey"]), np.full((64, 64, 3), 128, np.uint8))
    policy = Policy().model_copy(
        update={
            "detection": Policy().detection.model_copy(
                update={"scales": (320,), "turns": (0,), "adornment_scales": (320,)}
            )
        }
    )
    made = [replace(labelled(name=name), path=path) for name, path in paths.items()]

    done = list(propose(made, file, policy, workers=1))

    seen = raw_detections_in(file)
    assert done == list(seen) == ["face", "grey"]
    surest = max(one.score for one in seen["face"] if one.category is FACE)
    assert surest > 0.5
    assert {one.detector.partition("@")[0] for one in seen["face"]} == {"centerface", "adornments"}
