from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from engine.category import Category
from engine.codec.decode import decode as decode_picture
from engine.detect.centerface import CELL_PX, FLOOR, CenterFace, decode
from engine.detect.clusters import clusters_of
from engine.detect.weights import load_weights
from engine.geometry import Box
from engine.policy import Policy, read_policy
from tests.scenes import image, picture, shipped_rgb

ASTRONAUT = Box(176, 62, 272, 186)
"""The face in skimage's picture, as a person would draw it."""
SIX = [
    Box(62, 268, 165, 392), Box(271, 153, 372, 267), Box(465, 265, 571, 411),
    Box(748, 345, 847, 482), Box(904, 59, 1013, 201), Box(1133, 266, 1231, 402),
]  # fmt: skip
"""The faces in insightface's picture of six people; boxes checked by eye."""


@cache
def detector() -> CenterFace:
    return CenterFace(load_weights("centerface"))


def faces(rgb, policy=None):
    found = clusters_of(detector().detect(image(np.ascontiguousarray(rgb)), policy or Policy()))
    return [one.box for one in found if one.score >= 0.5]


class TestDecode:
    def empty_maps(self, height=6, width=8):
        return (
            np.zeros((height, width), np.float32),
            np.zeros((2, height, width), np.float32),
            np.zeros((2, height, width), np.float32),
        )

    def test_cold_maps_give_no_boxes(self):
        boxes, scores = decode(*self.empty_maps(), threshold=0.2)

        assert boxes.shape == (0, 4)
        assert scores.shape == (0,)

    def test_a_hot_cell_is_a_box_around_its_middle(self):
        heat, log_size, offset = self.empty_maps()
        heat[2, 3] = 0.8
        log_size[:, 2, 3] = np.log(5), np.log(2.5)  # height, width in cells
        offset[:, 2, 3] = 0.25, -0.5  # y, x

        boxes, scores = decode(heat, log_size, offset, threshold=0.2)

        x, y = (3 - 0.5 + 0.5) * CELL_PX, (2 + 0.25 + 0.5) * CELL_PX
        np.testing.assert_allclose(boxes, [(x - 5, y - 10, x + 5, y + 10)], rtol=1e-5)
        np.testing.assert_allclose(scores, [0.8], rtol=1e-6)

    @pytest.mark.parametrize(("heat_at", "count"), [(0.1999, 0), (0.2, 1), (1.0, 1)])
    def test_the_threshold_itself_counts(self, heat_at, count):
        heat, log_size, offset = self.empty_maps()
        heat[0, 0] = np.float32(heat_at)

        boxes, _ = decode(heat, log_size, offset, threshold=float(np.float32(0.2)))

        assert len(boxes) == count

    def test_every_cell_can_be_hot(self):
        heat, log_size, offset = self.empty_maps()
        heat[:] = 1.01  # a network may overshoot

        boxes, scores = decode(heat, log_size, offset, threshold=0.2)

        assert len(boxes) == heat.size
        assert scores.max() == 1.0

    def test_one_cell_is_enough(self):
        boxes, _ = decode(
            np.ones((1, 1), np.float32), *[np.zeros((2, 1, 1), np.float32)] * 2, threshold=0.2
        )

        np.testing.assert_allclose(boxes, [(0, 0, 4, 4)])


class TestAstronaut:
    @pytest.mark.parametrize("is_mirrored", [False, True], ids=["as is", "mirrored"])
    @pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
    def test_her_face_is_found_whichever_way_up(self, quarter_turns, is_mirrored):
        rgb = shipped_rgb("skimage.data", "astronaut.png")
        marked = np.zeros(rgb.shape[:2], bool)
        rect = ASTRONAUT.outward()
        marked[rect.rows, rect.columns] = True
        if is_mirrored:
            rgb, marked = rgb[:, ::-1], marked[:, ::-1]
        ys, xs = np.nonzero(np.rot90(marked, quarter_turns))
        face = Box(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)

        found = faces(np.rot90(rgb, quarter_turns))

        assert max((box.iou(face) for box in found), default=0.0) > 0.7


def test_all_six_faces_are_found():
    found = faces(shipped_rgb("insightface.data", "images/t1.jpg"))

    for face in SIX:
        assert max((box.iou(face) for box in found), default=0.0) > 0.5, face


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 90), (90, 1), (33, 47)], ids=["one pixel", "row", "column", "odd"]
)
def test_any_shape_of_picture_can_be_looked_at(rng, shape):
    quick = read_policy("[detection]\nscales = [64]")

    found = detector().detect(image(picture(rng, *shape)), quick)

    assert all(one.category is Category.FACE for one in found)
    assert all(one.detector == detector().name for one in found)


def test_nothing_below_its_floor_is_reported_and_thresholds_change_nothing():
    original = image(shipped_rgb("skimage.data", "astronaut.png"))
    looks = "[detection]\nscales = [320]\nturns = [90, 180]\n[categories.face]\n"
    strict, mild = (
        read_policy(f"{looks}review_at = {at}\nauto_redact_at = 1.0") for at in (0.9, 0.1)
    )

    found = detector().detect(original, strict)

    assert found == detector().detect(original, mild)
    assert FLOOR <= min(one.score for one in found) < 0.2


def test_calibration_faces_are_covered_often_enough():
    """A rough floor, on few pictures; recall proper is measured by the evaluation."""
    if "LETHE_DATA" not in os.environ:
        pytest.skip("LETHE_DATA names no folder of labelled pictures")
    folder = Path(os.environ["LETHE_DATA"])
    labels = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
    chosen = [one for one in labels["images"] if "face" in one["labelled_for"]][:12]
    quick = read_policy("[detection]\nscales = [640]\nturns = [0]")
    found = total = 0
    for one in chosen:
        data = (folder / one["file_name"]).read_bytes()
        seen = detector().detect(decode_picture(data, "x", max_megapixels=50), quick)
        wanted = [
            Box.from_xywh(*label["bbox"])
            for label in labels["annotations"]
            if label["image_id"] == one["id"]
            and label["category_id"] == 1
            and not label.get("ignore")
            and min(label["bbox"][2:]) >= 32
        ]
        total += len(wanted)
        found += sum(
            max((each.box.iou(face) for each in seen if each.score >= 0.2), default=0) > 0.3
            for face in wanted
        )

    assert found >= 0.7 * total
