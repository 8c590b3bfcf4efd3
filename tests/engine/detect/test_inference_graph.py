"""What is run computes what was exported."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from engine.detect.inference_graph import pixels_of, taking_pixels, without_decoding
from engine.detect.int8 import quantised
from engine.detect.onnx import session_of
from engine.detect.views import whole_view
from engine.detect.weights import load_weights
from engine.detect.yolo import decode
from models.train.ranges import measured_ranges
from tests.engine.detect.networks import network
from tests.scenes import picture, shipped_rgb


def blob(rgb, unit):
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None]).astype(np.float32) * np.float32(unit)


def int8(brightest):
    pictures = [np.full((24, 32, 3), value, np.uint8) for value in (0, brightest)]
    return quantised(network(), measured_ranges(network(), pictures))


def with_zero_at(byte):
    model = onnx.load_from_string(int8(255))
    (zero,) = (one for one in model.graph.initializer if one.name == "x_zero")
    zero.CopyFrom(numpy_helper.from_array(np.uint8(byte), "x_zero"))
    return model.SerializeToString()


def with_unsigned_weights():
    """As those of other tools: uint8 with their zero at 128, where 0 is no zero."""
    model = onnx.load_from_string(int8(255))
    for one in model.graph.initializer:
        if one.name in ("w0_int", "w0_zero"):
            moved = numpy_helper.to_array(one).astype(np.int16) + 128
            one.CopyFrom(numpy_helper.from_array(moved.astype(np.uint8), one.name))
    return model.SerializeToString()


def without_a_zero_point():
    model = onnx.load_from_string(int8(255))
    for node in model.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.input[0][0] == "x":
            del node.input[2]
    return model.SerializeToString()


def with_another_use():
    model = onnx.load_from_string(int8(255))
    (size,) = (node for node in model.graph.node if "size" in node.output)
    size.output[0] = "size alone"
    mean = helper.make_node("ReduceMean", ["x"], ["brightness"], axes=[1, 2, 3])
    both = helper.make_node("Add", ["size alone", "brightness"], ["size"])
    model.graph.node.extend([mean, both])
    return model.SerializeToString()


@pytest.mark.parametrize("unit", [1.0, 1 / 255])
@pytest.mark.parametrize(
    "data",
    [
        network(), int8(255), int8(200), with_zero_at(5), with_another_use(),
        with_unsigned_weights(), without_a_zero_point(),
    ],
    ids=[
        "float32", "int8", "dark", "bytes moved", "used twice", "unsigned weights", "no zero point",
    ],
)  # fmt: skip
def test_pixels_give_the_answers_of_floats(data, unit, rng):
    rgb = picture(rng, 24, 32)
    expected = session_of(data).run(["heat", "size"], {"x": blob(rgb, unit)})

    given = session_of(taking_pixels(data, unit)).run(
        ["heat", "size"], {"pixels": pixels_of(rgb)[None]}
    )

    for one, other in zip(given, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_int8_makes_no_floats_of_bytes():
    graph = onnx.load_from_string(taking_pixels(int8(255), 1.0)).graph

    first, second = graph.node[:2]
    assert (first.op_type, second.op_type) == ("Transpose", "DequantizeLinear")
    assert [value.name for value in graph.input] == ["pixels"]
    assert "Cast" not in {node.op_type for node in graph.node}


def test_the_sides_of_pictures_stay_free_or_fixed_as_they_were():
    (pixels,) = session_of(taking_pixels(network(), 1.0)).get_inputs()

    assert (pixels.type, pixels.shape) == ("tensor(uint8)", [1, "h", "w", 4])


@pytest.mark.parametrize("name", ["adornments", "witness"])
def test_boxes_decoded_where_scores_are_high_are_those_that_the_file_decodes(name):
    view = whole_view(shipped_rgb("skimage", "data/astronaut.png"), 320, 0).rgb
    data = load_weights(name).data
    (everything,) = session_of(data).run(None, {"images": blob(view, 1 / 255)})
    centres, sizes, scores = everything[0, :2].T, everything[0, 2:4].T, everything[0, 4:]
    classes, cells = np.nonzero(scores > 0.003)
    corners = np.hstack([centres - sizes / 2, centres + sizes / 2])[cells]
    expected = np.column_stack([corners, scores[classes, cells], classes])

    maps = session_of(taking_pixels(without_decoding(data), 1 / 255)).run(
        None, {"pixels": pixels_of(view)[None]}
    )

    assert len(expected) > 20
    np.testing.assert_allclose(decode(maps, view.shape[0], 0.003), expected, rtol=1e-4, atol=1e-3)


def test_what_has_no_such_head_is_refused():
    with pytest.raises(ValueError, match="no head of YOLOv8 or YOLO11"):
        without_decoding(network())
