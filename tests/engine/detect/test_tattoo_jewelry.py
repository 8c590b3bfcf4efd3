from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from engine.category import Category
from engine.detect.tattoo_jewelry import TattooJewelry
from engine.detect.weights import Weights, load_weights
from engine.detect.yolo import FLOOR, MOST, decode
from engine.errors import UnusableWeights
from engine.geometry import Box
from engine.policy import read_policy
from tests.scenes import image, picture

CLASSES = (Category.FACE, Category.TATTOO, Category.JEWELRY)


def answer(*columns):
    """The network's answer with these `cx cy w h face tattoo jewelry`."""
    return np.array(columns, np.float32).reshape(-1, 7).T


def plainly_decoded(columns, threshold):
    """The reference: every cell and category one by one, the surest of overlapping ones kept."""
    found = []
    for index in range(3):
        own = sorted((c for c in columns if c[4 + index] >= threshold), key=lambda c: -c[4 + index])
        kept = []
        for x, y, width, height, *scores in own:
            box = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            if all(box.iou(other) < 0.6 for other, _ in kept):
                kept.append((box, scores[index]))
        found += [(*box.corners, score, index) for box, score in kept]
    return np.array(found).reshape(-1, 6)


sizes = st.integers(1, 40).map(float)
cells = st.lists(st.tuples(sizes, sizes, sizes, sizes), max_size=12)


@given(cells, st.randoms(use_true_random=False))
def test_decoding_is_as_the_plain_way(boxes, random):
    scores = random.sample(range(100), 3 * len(boxes))  # no two alike: of such, either may win
    found_in = [
        (*box, *(score / 100 for score in scores[3 * place : 3 * place + 3]))
        for place, box in enumerate(boxes)
    ]

    found = decode(answer(*found_in), 0.305)

    np.testing.assert_allclose(found, plainly_decoded(found_in, 0.305), atol=1e-4)


def test_a_cell_may_be_of_two_categories():
    found = decode(answer((10, 20, 4, 6, 0.9, 0.0, 0.4)), 0.3)

    np.testing.assert_allclose(found, [(8, 17, 12, 23, 0.9, 0), (8, 17, 12, 23, 0.4, 2)], atol=1e-6)


def test_no_cells_give_no_boxes():
    assert decode(answer(), 0.1).shape == (0, 6)


@pytest.mark.parametrize(("least", "count"), [(0.03, MOST), (0.1, MOST + 20)])
def test_noise_is_cut_off_but_nothing_surer(least, count):
    many = [(x * 10, 5, 8, 8, 0.0, least + x / 10_000, 0.0) for x in range(MOST + 20)]

    found = decode(answer(*many), 0.02)

    assert len(found) == count
    assert found[:, 4].max() == pytest.approx(least + (MOST + 19) / 10_000)


def test_a_file_for_other_categories_is_refused():
    weights = bright_is_jewelry()

    with pytest.raises(UnusableWeights, match="tells 3 categories apart, but its manifest names 2"):
        TattooJewelry(replace(weights, classes=CLASSES[:2]))


def bright_is_jewelry(score=0.9):
    """A network whose only cell is as large as its input and scores by the mean of green."""
    nodes = [
        helper.make_node("ReduceMean", ["images", "all"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["cell", "mean"], ["scaled"]),
        helper.make_node("Add", ["scaled", "fixed"], ["output0"]),
    ]
    cell = np.array([0, 0, 0, 0, 0, 0, score], np.float32).reshape(1, 7, 1)
    fixed = np.array([16, 16, 32, 32, 0, 0, 0], np.float32).reshape(1, 7, 1)
    tensors = [
        helper.make_tensor("cell", TensorProto.FLOAT, cell.shape, cell.ravel()),
        helper.make_tensor("fixed", TensorProto.FLOAT, fixed.shape, fixed.ravel()),
        helper.make_tensor("all", TensorProto.INT64, [3], [1, 2, 3]),
    ]
    graph = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 7, "n"])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    data = model.SerializeToString()
    digest = hashlib.sha256(data).hexdigest()
    return Weights("own", digest, "MIT", frozenset(CLASSES), data, classes=CLASSES)


def looks(**policy):
    lines = [f"{key} = {value}" for key, value in policy.items()]
    return read_policy("\n".join(["[detection]", "adornment_scales = [64]", *lines]))


def test_a_sighting_comes_back_in_picture_pixels_from_each_turn():
    rgb = np.full((128, 128, 3), 255, np.uint8)

    found = TattooJewelry(bright_is_jewelry()).detect(image(rgb), looks(rotations=[0, 180]))

    assert [(one.box.corners, one.category) for one in found] == [
        ((0, 0, 64, 64), Category.JEWELRY),
        ((64, 64, 128, 128), Category.JEWELRY),
    ]
    assert [one.score for one in found] == pytest.approx([0.9, 0.9])


def test_it_is_given_values_from_0_to_1():
    rgb = np.full((64, 64, 3), 127, np.uint8)

    (seen,) = TattooJewelry(bright_is_jewelry()).detect(image(rgb), looks(rotations=[0]))

    assert seen.score == pytest.approx(0.9 * 127 / 255, abs=1e-4)


def test_what_nobody_wants_is_not_given():
    rgb = np.full((64, 64, 3), 255, np.uint8)
    policy = looks(rotations=[0]).only([Category.TATTOO])

    assert TattooJewelry(bright_is_jewelry()).detect(image(rgb), policy) == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (33, 47)])
def test_any_shape_of_picture_can_be_looked_at(rng, shape):
    own = TattooJewelry(load_weights("adornments"))

    for one in own.detect(image(picture(rng, *shape)), looks(rotations=[0, 90])):
        assert one.category in CLASSES
        assert one.score >= FLOOR
        assert one.detector == own.name
