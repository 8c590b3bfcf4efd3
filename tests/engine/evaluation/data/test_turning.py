"""A turned picture is looked at turned, and its labels lie where they then are."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.detect.ensemble import Ensemble
from engine.evaluation.data.labels import Dataset
from engine.evaluation.data.turning import ORIENTATIONS, UPRIGHT, turned_dataset, turned_image
from engine.evaluation.run import predict_all
from engine.evaluation.scores.scoring import score
from engine.geometry import Box, Size
from engine.images import RgbImage, SourceCodec
from engine.plan import Detection
from engine.policy import Policy
from tests.engine.evaluation.made import FACE, label, labelled
from tests.engine.in_process import InProcess
from tests.scenes import FakeDetector

PATCH = (30, 10, 70, 40)
SIZE = Size(120, 90)


def pixels():
    """White where the label is, black elsewhere, so that a turn cannot be mistaken."""
    rgb = np.zeros((SIZE.height, SIZE.width, 3), np.uint8)
    x0, y0, x1, y1 = PATCH
    rgb[y0:y1, x0:x1] = 255
    return rgb


def white(rgb):
    rows, columns = np.nonzero(rgb[:, :, 0] > 127)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


class SeesWhite(FakeDetector):
    def detect(self, image, policy, *, floor=None):
        corners = map(float, white(image.rgb))
        return (Detection(Box(*corners), FACE, 0.9, self.name),)


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), pixels())
    one = replace(labelled(label(PATCH), name="a", size=SIZE), path=path)
    return Dataset("made", (one,))


@pytest.mark.parametrize("how", ORIENTATIONS)
def test_labels_lie_on_what_they_are_of(how, dataset):
    (picture,) = turned_dataset(dataset, how).pictures
    image = turned_image(RgbImage("a", pixels(), SourceCodec("png", SIZE)), ORIENTATIONS[how])

    assert picture.labels[0].box.corners == white(image.rgb)
    assert picture.size == image.size == image.codec.stored_size


def test_by_ninety_degrees_the_left_edge_comes_to_the_top():
    """Clockwise, as a viewer turns a picture to the right."""
    rgb = np.zeros((3, 2, 3), np.uint8)
    rgb[:, 0] = 255

    turned = turned_image(RgbImage("a", rgb, SourceCodec("png", Size(2, 3))), ORIENTATIONS["90"])

    assert turned.rgb[0].all()
    assert not turned.rgb[1].any()


def test_upright_is_the_picture_itself():
    image = RgbImage("a", pixels(), SourceCodec("png", SIZE))

    assert turned_image(image, UPRIGHT) is image


@pytest.mark.parametrize("how", ORIENTATIONS)
def test_what_is_found_upright_is_found_whichever_way_up(how, dataset):
    turned = turned_dataset(dataset, how)
    executor = InProcess(Ensemble([SeesWhite()]))

    ((picture, findings),) = predict_all(turned, Policy(), executor, orientation=ORIENTATIONS[how])

    assert score(picture, findings, Policy()).labels[0].is_found
    assert turned.fingerprint != dataset.fingerprint
    assert how in turned.name


def test_a_picture_of_unknown_size_is_left_out_and_said(dataset):
    unsized = replace(dataset, pictures=(replace(dataset.pictures[0], size=None),))

    turned = turned_dataset(unsized, "90")

    assert turned.pictures == ()
    assert [one.file for one in turned.problems] == ["a"]
