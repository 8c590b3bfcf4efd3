from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.train.errors import TrainingRefused
from models.train.quantise import quantise

SIDE = 32


def network(seed=3):
    """Two convolutions with SiLU, the second a head whose answer is scaled in float."""
    rng = np.random.default_rng(seed)
    weights = {
        "w0": rng.normal(0, 0.5, (8, 3, 3, 3)),
        "w1": rng.normal(0, 0.05, (4, 8, 3, 3)) * np.array([1, 2, 0.1, 1])[:, None, None, None],
        "scale": np.array(640.0),
    }
    nodes = [
        helper.make_node("Conv", ["images", "w0"], ["/model.0/Conv_output_0"], "/model.0/Conv"),
        helper.make_node("Sigmoid", ["/model.0/Conv_output_0"], ["s"], "/model.0/Sigmoid"),
        helper.make_node("Mul", ["/model.0/Conv_output_0", "s"], ["a"], "/model.0/Mul"),
        helper.make_node("Conv", ["a", "w1"], ["/model.1/Conv_output_0"], "/model.1/Conv"),
        helper.make_node("Tanh", ["/model.1/Conv_output_0"], ["t"], "/model.1/Tanh"),
        helper.make_node("Mul", ["t", "scale"], ["output0"], "/model.1/Mul"),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(value.astype(np.float32), name)
            for name, value in weights.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def pictures(count=4):
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(count)]


def answer(data):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    blob = pictures(1)[0].transpose(2, 0, 1)[None].astype(np.float32) / 255
    return session.run(None, {"images": blob})[0]


def test_the_int8_file_answers_nearly_the_same():
    float32, int8 = answer(network()), answer(quantise(network(), pictures()))

    assert np.abs(float32 - int8).mean() < 0.03 * np.abs(float32).max()


def test_sums_fit_where_avx2_adds_them():
    model = onnx.load_from_string(quantise(network(), pictures()))
    weights = [
        numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.INT8 and tensor.name.endswith("_quantized")
    ]

    assert len(weights) == 2
    for tensor in weights:
        # two products of a byte and a weight, in 16 bits
        assert 2 * 255 * int(np.abs(tensor.astype(int)).max()) <= np.iinfo(np.int16).max
        assert np.abs(tensor.astype(int)).max(axis=(1, 2, 3)).min() >= 60  # a scale a channel


def test_what_makes_boxes_of_the_answers_stays_float():
    model = onnx.load_from_string(quantise(network(), pictures()))
    made_by = {name: node for node in model.graph.node for name in node.output}

    scaled = made_by["output0"]

    assert scaled.op_type == "Mul"
    assert [made_by[name].op_type for name in scaled.input if name in made_by] == ["Tanh"]


def test_it_is_made_the_same_again():
    assert quantise(network(), pictures()) == quantise(network(), pictures())


def test_a_file_that_is_quantised_already_is_refused():
    with pytest.raises(TrainingRefused, match="quantised already"):
        quantise(quantise(network(), pictures()), pictures())


def test_without_pictures_it_is_refused():
    with pytest.raises(TrainingRefused, match="no pictures"):
        quantise(network(), [])
