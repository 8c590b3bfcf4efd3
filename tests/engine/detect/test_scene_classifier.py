"""The scene classifier sees the whole picture, whatever its shape, and gives one answer."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.detect.scene_classifier import SceneClassifier, resize_square
from engine.detect.weights import Weights
from engine.errors import UnusableWeights

SIDE = 32


def network(answers: int = 1, side: int | str = SIDE) -> bytes:
    """Log-odds that are the mean of each answer's own part of red, green and blue."""
    values = np.eye(3, answers, dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["pictures"], ["means"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["means", "weights"], ["log_odds"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, side, side])],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, ["n", answers])],
        [numpy_helper.from_array(values, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def classifier(data: bytes) -> SceneClassifier:
    digest = hashlib.sha256(data).hexdigest()
    return SceneClassifier(Weights("scene", digest, "MIT", frozenset(), data))


@pytest.mark.parametrize("shape", [(32, 32), (200, 300), (9, 500), (1, 1)])
def test_it_sees_the_whole_picture_in_rgb_between_0_and_1(shape):
    rgb = np.zeros((*shape, 3), np.uint8)
    rgb[..., 0] = 102

    assert classifier(network()).people(rgb) == pytest.approx(0.4)


def test_what_lies_at_the_edge_is_seen_too():
    rgb = np.zeros((120, 400, 3), np.uint8)
    rgb[:, 300:] = 255

    assert resize_square(rgb, SIDE)[:, 26:].min() == 255
    assert classifier(network()).people(rgb) == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    "data", [network(answers=2), network(side="side")], ids=["two answers", "any side"]
)
def test_another_kind_of_network_is_refused(data):
    with pytest.raises(UnusableWeights, match="does not give one answer to a square picture"):
        classifier(data)


def test_it_says_who_it_is():
    data = network()

    assert classifier(data).name == f"scene@{hashlib.sha256(data).hexdigest()[:8]}"
