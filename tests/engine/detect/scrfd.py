"""A tiny network with SCRFD's nine outputs: what is red is a face."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from engine.category import Category
from engine.detect.weights import Weights

ANCHORS = 2
STRIDES = (8, 16, 32)
Sides = tuple[int | str | None, int | str | None]
FREE: Sides = ("height", "width")
CELL = (0.0, 0.0, 1.0, 1.0)
"""Distances, in strides, from a cell's corner to the sides of a box that is just the cell."""


def red_is_a_face(
    sides: Sides = FREE,
    *,
    gain: float = 0.5,
    distances: Sequence[float] = CELL,
    batch: int | str | None = 1,
    channels: int = 3,
    outputs: int = 9,
) -> bytes:
    """The network as a file.

    A cell of 32 x 32 pixels scores `gain` times (red - blue), where each is -1..1; the cells of the
    finer strides score nothing. So a red square on the grid is one box.

    Args:
        sides: height and width of the input; text or None where they are free.
        gain: what a red cell scores is twice that, less a hair.
        distances: from each cell's corner to left, top, right and bottom of its box, in strides.
        batch: the first axis of the input.
        channels: the second axis; more or fewer than three make no SCRFD.
        outputs: how many of the nine to keep; above nine, the last one again.
    """
    nodes, weights, names = [], [], []
    kinds = (("score", 1, 0.0), ("box", 4, distances), ("points", 10, 0.0))
    for kind, values, bias in kinds:
        for stride in STRIDES:
            name = f"{kind}_{stride}"
            kernel = np.zeros((ANCHORS * values, channels, 1, 1), np.float32)
            if name == "score_32":
                kernel[:, 0], kernel[:, -1] = gain, -gain
            shift = np.tile(np.broadcast_to(np.float32(bias), (values,)), ANCHORS)
            weights += [
                numpy_helper.from_array(kernel, f"{name}_kernel"),
                numpy_helper.from_array(np.asarray(shift, np.float32), f"{name}_bias"),
                numpy_helper.from_array(np.array([-1, values], np.int64), f"{name}_shape"),
            ]
            nodes += [
                helper.make_node(
                    "AveragePool",
                    ["input"],
                    [f"{name}_cells"],
                    kernel_shape=[stride] * 2,
                    strides=[stride] * 2,
                ),
                helper.make_node(
                    "Conv", [f"{name}_cells", f"{name}_kernel", f"{name}_bias"], [f"{name}_maps"]
                ),
                helper.make_node(
                    "Transpose", [f"{name}_maps"], [f"{name}_last"], perm=[0, 2, 3, 1]
                ),
                helper.make_node("Reshape", [f"{name}_last", f"{name}_shape"], [name]),
            ]
            names.append((name, values))
    for number in range(9, outputs):
        nodes.append(helper.make_node("Identity", ["points_32"], [f"more_{number}"]))
        names.append((f"more_{number}", 10))
    return _file(nodes, weights, names[:outputs], [batch, channels, *sides])


def weights_of(data: bytes, name: str = "tiny") -> Weights:
    """The network as if a manifest had named it."""
    digest = hashlib.sha256(data).hexdigest()
    return Weights(name, digest, "MIT", frozenset({Category.FACE}), data)


def _file(
    nodes: list[object],
    weights: list[TensorProto],
    names: list[tuple[str, int]],
    shape: list[int | str | None],
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [f"{name}_rows", values])
            for name, values in names
        ],
        weights,
    )
    model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 10
    return bytes(model.SerializeToString())
