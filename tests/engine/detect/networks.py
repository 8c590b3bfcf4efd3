"""Networks as files: one of every layer that may be quantised when it is loaded, and a detector."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SPREAD = np.array([0.01, 0.1, 1, 10, 30, 0.03, 3, 100], np.float32)
"""Of the channels of one tensor: far more than eight bits tell apart."""


def network(seed=3, *, silent=False, loud_bias=False):
    """Every kind of layer: expanded, depthwise, projected, summed, enlarged, and an answer each.

    Channels differ as `SPREAD` says, and what uses them makes up for it.
    """
    rng = np.random.default_rng(seed)

    def weights(*shape):
        return rng.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape)

    by_channel = SPREAD[:, None, None, None]
    constants = {
        "w0": weights(8, 3, 3, 3) * by_channel, "b0": rng.normal(0, 0.1, 8) * SPREAD,
        "w1": weights(8, 1, 3, 3) * 3, "b1": rng.normal(0, 0.1, 8) * SPREAD,
        "w2": weights(4, 8, 1, 1) / SPREAD[None, :, None, None], "b2": rng.normal(0, 0.1, 4),
        "w3": weights(4, 4, 3, 3), "b3": rng.normal(0, 0.1, 4),
        "w4": weights(4, 4, 2, 2), "b4": rng.normal(0, 0.1, 4),
        "gamma": np.array([0.05, 1, 5, 20]), "beta": rng.normal(0, 0.1, 4),
        "mean": rng.normal(0, 0.1, 4), "variance": rng.uniform(0.5, 2, 4),
        "w5": weights(4, 4, 1, 1) / np.array([0.05, 1, 5, 20])[None, :, None, None],
        "b5": rng.normal(0, 0.1, 4),
        "w6": weights(1, 4, 1, 1), "b6": rng.normal(0, 0.1, 1),
        "w7": weights(2, 4, 1, 1), "b7": rng.normal(0, 0.1, 2),
    }  # fmt: skip
    if silent:
        constants["w0"][2], constants["b0"][2] = 0, 0
    if loud_bias:
        constants["w3"][1], constants["b3"][1] = 0, 3

    def conv(number, source, result, **how):
        return helper.make_node("Conv", [source, f"w{number}", f"b{number}"], [result], **how)

    same = {"pads": [1, 1, 1, 1]}
    nodes = [
        conv(0, "x", "expanded", **same),
        helper.make_node("Relu", ["expanded"], ["expanded+"]),
        conv(1, "expanded+", "depthwise", group=8, **same),
        helper.make_node("Relu", ["depthwise"], ["depthwise+"]),
        conv(2, "depthwise+", "projected"),
        conv(3, "projected", "branch", **same),
        helper.make_node("Add", ["projected", "branch"], ["sum"]),
        helper.make_node("ConvTranspose", ["sum", "w4", "b4"], ["large"], strides=[2, 2]),
        helper.make_node(
            "BatchNormalization", ["large", "gamma", "beta", "mean", "variance"], ["n"]
        ),
        helper.make_node("Relu", ["n"], ["n+"]),
        conv(5, "n+", "last"),
        helper.make_node("Relu", ["last"], ["last+"]),
        conv(6, "last+", "odds"),
        helper.make_node("Sigmoid", ["odds"], ["heat"]),
        conv(7, "last+", "size"),
        helper.make_node("Relu", ["size"], ["nobody asks for"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("heat", "size")],
        [
            numpy_helper.from_array(np.asarray(value, np.float32), name)
            for name, value in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=9)
    return model.SerializeToString()


def detector(*answers, away=(4, 4, 4, 4)):
    """A detector of three grids, whose boxes are all alike.

    Args:
        away: how many cells a box reaches to the left, top, right and bottom of its cell's centre.
        answers: for each category (slope, bias): its logit is bias + slope times the mean of green
            over the cell, which is 0..1.
    """
    nodes, constants = [], {
        "sides": np.zeros((64, 3, 1, 1)),
        "far": np.where(np.arange(16) == np.array(away)[:, None], 50, 0).ravel(),
        "slopes": np.array([(0, slope, 0) for slope, _ in answers]).reshape(-1, 3, 1, 1),
        "biases": np.array([bias for _, bias in answers]),
    }  # fmt: skip
    for level, stride in enumerate((8, 16, 32)):
        size = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        nodes.append(helper.make_node("AveragePool", ["images"], [f"mean{level}"], **size))
        for branch, read in ((2, ["sides", "far"]), (3, ["slopes", "biases"])):
            name = f"/model.7/cv{branch}.{level}/cv{branch}.{level}.2/Conv"
            nodes.append(
                helper.make_node("Conv", [f"mean{level}", *read], [f"{name}_output_0"], name)
            )
    nodes.append(helper.make_node("Concat", [nodes[-1].output[0]], ["output0"], axis=1))
    graph = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.asarray(value, np.float32), name)
            for name, value in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()
