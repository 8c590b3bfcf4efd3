from __future__ import annotations

import shutil

import cv2
import pytest

from engine.category import Category
from engine.detect.ensemble import Ensemble
from engine.errors import InvalidDataset
from engine.evaluation.data.labels import Dataset
from engine.evaluation.run import evaluate, predict_all
from engine.evaluation.scores.recall import report
from engine.geometry import Size
from engine.plan import Plan
from engine.policy import Policy, read_policy
from engine.runs.jobs import NeedsReview
from tests.engine.evaluation.made import FACE, label, labelled
from tests.engine.in_process import InProcess
from tests.scenes import FakeDetector, picture, seen, shipped_picture

pytestmark = pytest.mark.slow

QUICK = read_policy("[detection]\nscales = [320]\nturns = [0]").only([FACE])
ASTRONAUT = (176, 62, 272, 186)


@pytest.fixture
def dataset(tmp_path, rng):
    """A face, two pictures without one, one that is none, and one that is not there."""
    shutil.copy(shipped_picture("skimage.data", "astronaut.png"), tmp_path / "astronaut.png")
    for name in ("noise.png", "more.png"):
        assert cv2.imwrite(str(tmp_path / name), picture(rng, 80, 120))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    labels = {"astronaut.png": [label(ASTRONAUT, pose="frontal")], "broken.jpg": [label(ASTRONAUT)]}
    names = ["noise.png", "missing.png", "broken.jpg", "more.png", "astronaut.png"]
    return Dataset(
        "made",
        tuple(
            replaced(labelled(*labels.get(name, []), complete=[FACE], name=name), tmp_path / name)
            for name in names
        ),
    )


def replaced(one, path):
    return type(one).from_json(one.to_json() | {"path": str(path)})


def test_one_worker_and_two_give_the_same(dataset):
    seen = []

    alone, together = (
        evaluate(dataset, QUICK, workers=workers, progress=lambda: seen.append(1))
        for workers in (1, 2)
    )

    assert together == alone
    said = report(alone.pairs, QUICK, unread=len(alone.unread))
    assert report(together.pairs, QUICK, unread=len(together.unread)) == said
    assert len(seen) == 2 * len(dataset.pictures)
    assert [one.name for one, _ in alone.pairs] == ["astronaut.png", "more.png", "noise.png"]
    assert [one.name for one, _ in alone.unread] == ["broken.jpg", "missing.png"]
    assert all(why.endswith(".") for _, why in alone.unread)
    assert (said.pictures, said.unread) == (3, 2)
    assert said.categories[Category.FACE].coverage.found == 1
    assert said.categories[Category.FACE].labels == 1


def test_a_data_set_without_pictures_is_refused():
    with pytest.raises(InvalidDataset, match="no picture in empty"):
        evaluate(Dataset("empty", ()), Policy(), workers=1)


def test_the_order_in_which_pictures_come_back_does_not_matter(dataset):
    class Backwards(InProcess):
        def run(self, jobs):
            yield from super().run(reversed(list(jobs)))

    detectors = [FakeDetector([seen(0.9, ASTRONAUT)], [FACE])]

    forth = list(predict_all(dataset, QUICK, InProcess(Ensemble(detectors))))
    back = list(predict_all(dataset, QUICK, Backwards(Ensemble(detectors))))

    assert forth == back[::-1]
    assert [one for one, _ in forth] == list(dataset.pictures)


def test_an_executor_that_answers_with_something_else_is_noticed(dataset):
    class Confused(InProcess):
        def run(self, jobs):
            for job in jobs:
                yield NeedsReview(job.id, Plan("x", Size(1, 1), (), (), (), ""))

    with pytest.raises(ValueError, match="expected an examination, got NeedsReview"):
        list(predict_all(dataset, QUICK, Confused(Ensemble([]))))
