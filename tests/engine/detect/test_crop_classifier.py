from __future__ import annotations

import hashlib
import tracemalloc

import cv2
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from engine.category import Category
from engine.detect.crop_classifier import (
    BATCH,
    CONTEXT,
    LEAST_PX,
    CropClassifier,
    crop_and_resize,
    crop_window,
)
from engine.detect.resizing import Mipmap
from engine.detect.weights import load_weights
from engine.errors import UnusableWeights
from engine.geometry import Box, Size
from tests.scenes import picture, smooth

SIDE = 16
UNHALVED = 64
"""A side so large that windows of small pictures are shrunk, or enlarged, and never halved."""
OUTSIDE = Box(-50, 400, -20, 420)


@st.composite
def boxes_in_pictures(draw):
    """A picture's size and a box in it, both in whole pixels."""
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x1, y1 = draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
    return Size(width, height), Box(x0, y0, x1, y1)


def network(classes: int = 3) -> bytes:
    """Logits that are weighted sums of all pixels of a crop, each class with weights of its own."""
    values = np.random.default_rng(3).normal(0, 0.1, (3 * SIDE * SIDE, classes))
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["crops"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("crops", TensorProto.FLOAT, ["boxes", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["boxes", classes])],
        [numpy_helper.from_array(values.astype(np.float32), "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture
def models(tmp_path):
    """A folder with a tiny second stage and its manifest."""

    def made(*, classes: int = 3, categories: str = '"tattoo", "face", "jewelry"'):
        data = network(classes)
        (tmp_path / "crops.onnx").write_bytes(data)
        (tmp_path / "manifest.toml").write_text(
            f'[crops]\nfile = "crops.onnx"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\n'
            f'licence = "MIT"\nuse = "any"\ncategories = [{categories}]\n',
            encoding="utf-8",
        )
        return tmp_path

    return made


@pytest.fixture
def stage(models):
    return CropClassifier(load_weights("crops", models()))


class TestWindow:
    @given(boxes_in_pictures())
    def test_it_holds_the_box_with_its_surroundings(self, placed):
        size, box = placed

        rect = crop_window(box, size)

        margin = max(box.width, box.height) * CONTEXT / 2
        assert rect.x0 <= box.x0 - margin
        assert rect.y0 <= box.y0 - margin
        assert rect.x1 >= box.x1 + margin * (box.width >= box.height)
        assert rect.y1 >= box.y1 + margin * (box.height >= box.width)

    @given(boxes_in_pictures())
    def test_it_is_as_wide_as_high_up_to_a_pixel_and_no_wider_than_needed(self, placed):
        size, box = placed

        rect = crop_window(box, size)

        needed = max(max(box.width, box.height) * (1 + CONTEXT), LEAST_PX)
        for extent in (rect.x1 - rect.x0, rect.y1 - rect.y0):
            assert needed <= extent <= needed + 2

    @given(boxes_in_pictures(), st.floats(0, 5000))
    def test_what_lies_beyond_the_edge_does_not_move_it(self, placed, far):
        size, box = placed
        reaching = Box(box.x0, -far, size.width + far, box.y1)

        assert crop_window(reaching, size) == crop_window(Box(box.x0, 0, size.width, box.y1), size)


class TestCrop:
    @given(boxes_in_pictures(), st.integers(0, 3), st.booleans())
    def test_a_turned_picture_gives_a_turned_crop(self, placed, quarter_turns, is_mirrored):
        size, box = placed
        rgb = smooth(np.random.default_rng(5), size.height, size.width)
        marked = np.zeros(rgb.shape[:2], bool)
        rect = box.outward()
        marked[rect.rows, rect.columns] = True

        def turned(array):
            return np.rot90(array[:, ::-1] if is_mirrored else array, quarter_turns)

        ys, xs = np.nonzero(turned(marked))
        there = Box(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)

        crop = crop_and_resize(Mipmap(np.ascontiguousarray(turned(rgb))), there, UNHALVED)

        difference = crop.astype(int) - turned(crop_and_resize(Mipmap(rgb), box, UNHALVED))
        assert np.abs(difference).max() <= 1  # rounding of the scaled pixels

    @pytest.mark.parametrize(("height", "width"), [(1200, 1600), (1201, 1603), (3001, 1407)])
    @pytest.mark.parametrize("share", [(0.4, 0.4, 0.6, 0.6), (0.0, 0.1, 0.8, 0.9), (-1, -1, 2, 2)])
    def test_a_halved_picture_gives_the_crop_that_the_whole_one_gives(
        self, rng, height, width, share
    ):
        rgb = cv2.resize(picture(rng, 9, 9), (width, height), interpolation=cv2.INTER_CUBIC)
        sides = (width, height, width, height)
        box = Box(*(part * side for part, side in zip(share, sides, strict=True)))

        crop = crop_and_resize(Mipmap(rgb), box, SIDE).astype(int)

        window = crop_window(box, Size(width, height))
        rows = np.clip(np.arange(window.y0, window.y1), 0, height - 1)
        columns = np.clip(np.arange(window.x0, window.x1), 0, width - 1)
        exact = cv2.resize(rgb[rows][:, columns], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        steps = max(np.abs(np.diff(exact.astype(int), axis=axis)).max() for axis in (0, 1))
        assert np.abs(crop - exact).max() <= steps / 2 + 1  # half a pixel of the crop, and rounding

    def test_a_window_that_needs_no_scaling_shows_the_pixels_themselves(self, rng):
        rgb = picture(rng, 90, 120)

        crop = crop_and_resize(Mipmap(rgb), Box(40, 30, 72, 62), 48)

        np.testing.assert_array_equal(crop, rgb[22:70, 32:80])

    def test_beyond_the_edge_the_edge_goes_on(self, rng):
        rgb = picture(rng, 60, 60)

        crop = crop_and_resize(Mipmap(rgb), Box(0, 44, 16, 60), 24)

        np.testing.assert_array_equal(crop[:20, 4:], rgb[40:, :20])
        assert (crop[:20, :4] == rgb[40:, :1]).all()
        assert (crop[20:, 4:] == rgb[59:, :20]).all()

    @pytest.mark.parametrize(
        "box",
        [OUTSIDE, Box(500, 10, 900, 20), Box(5, 5, 5, 5), Box(-1e6, -1e6, 1e6, 1e6)],
        ids=["beyond a corner", "beyond a side", "empty", "far too large"],
    )
    @pytest.mark.parametrize("shape", [(1, 1), (1, 90), (40, 30)])
    def test_any_box_gives_a_crop(self, rng, box, shape):
        crop = crop_and_resize(Mipmap(picture(rng, *shape)), box, SIDE)

        assert crop.shape == (SIDE, SIDE, 3)
        assert crop.dtype == np.uint8


class TestStage:
    def boxes(self, rng, count):
        starts = rng.uniform(-20, 150, (count, 2))
        return np.hstack([starts, starts + rng.uniform(1, 90, (count, 2))]).astype(np.float32)

    @pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3])
    def test_many_boxes_together_give_what_each_gives_alone(self, stage, rng, count):
        rgb, boxes = picture(rng, 130, 170), self.boxes(rng, count)

        together = stage.logits(rgb, boxes)

        alone = np.concatenate([stage.logits(rgb, box[None]) for box in boxes])
        assert together.shape == (count, 3)
        assert together.dtype == np.float32
        np.testing.assert_allclose(together, alone, atol=1e-4)

    def test_no_boxes_give_no_logits(self, stage, rng):
        found = stage.logits(picture(rng, 30, 30), np.zeros((0, 4), np.float32))

        assert found.shape == (0, 3)
        assert found.dtype == np.float32

    def test_the_network_is_shown_red_green_blue_from_nought_to_one(self, stage):
        rgb = np.zeros((64, 64, 3), np.uint8)
        rgb[..., 0], rgb[..., 1], rgb[..., 2] = 255, 51, 0
        weights = np.random.default_rng(3).normal(0, 0.1, (3, SIDE * SIDE, 3)).astype(np.float32)

        [logits] = stage.logits(rgb, np.array([[10, 10, 50, 50]], np.float32))

        np.testing.assert_allclose(
            logits, weights[0].sum(axis=0) + 0.2 * weights[1].sum(axis=0), atol=1e-4
        )

    def test_it_says_who_it_is_and_what_it_tells_apart(self, stage, models):
        assert stage.name == load_weights("crops", models()).label
        assert stage.classes == load_weights("crops", models()).classes
        assert set(stage.classes) == {Category.FACE, Category.TATTOO, Category.JEWELRY}

    def test_another_file_is_refused(self, models):
        folder = models()
        (folder / "crops.onnx").write_bytes(network(2))

        with pytest.raises(UnusableWeights, match=r"'crops' has SHA-256 .* not loaded"):
            CropClassifier(load_weights("crops", folder))

    def test_a_file_with_other_outputs_than_the_manifest_says_is_refused(self, models):
        folder = models(classes=2)

        with pytest.raises(UnusableWeights, match=r"tells 2 categories apart.*names 3"):
            CropClassifier(load_weights("crops", folder))


def test_a_long_thin_picture_takes_no_more_memory_than_a_square_one():
    rgb = np.zeros((40, 30_000, 3), np.uint8)
    rgb[:, 15_000:] = 200

    tracemalloc.start()
    # continued as it is: a square of 45,000 px
    crop = crop_and_resize(Mipmap(rgb), Box(0, 0, 30_000, 40), 96)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4 * rgb.nbytes
    assert crop.shape == (96, 96, 3)
    assert crop[48, 20].max() == 0
    assert crop[48, 76].min() == 200
