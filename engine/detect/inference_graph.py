"""Inference graphs: an exported network in, what is run of it out.

Files are as training exports them, with pixels as floats in and decoded boxes out. Both cost time
in every run: a fifth of a small network's is spent on making floats of bytes that int8 makes bytes
of again, and on decoding cells that show nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

_LAST_CONVOLUTION: Final = re.compile(r"/model\.\d+/cv(?P<branch>[23])\.(?P<level>\d)/.*\.2/Conv")
"""Of a YOLOv8 or YOLO11 head, as Ultralytics names it: branch 2 gives boxes, 3 gives classes."""


def taking_pixels(data: bytes, unit: float) -> bytes:
    """A network that takes pictures as they lie in memory.

    Args:
        data: ONNX whose one input is float32 (N, 3, h, w), of bytes times `unit`.
        unit: what one step of a byte is in it, such as 1 / 255.

    Returns:
        ONNX whose input is uint8 (N, h, w, 3) and which computes the same. Where the first thing
        was to quantise, and that gave the bytes again, nothing becomes a float at all.
    """
    model = onnx.load_from_string(data)
    graph = model.graph
    [floats] = graph.input
    batch, channels, height, width = floats.type.tensor_type.shape.dim
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, [None] * 4)
    for place, dimension in enumerate((batch, height, width, channels)):
        pixels.type.tensor_type.shape.dim[place].CopyFrom(dimension)
    users = [node for node in graph.node if floats.name in node.input]
    if len(users) == 1 and _gives_bytes_again(users[0], graph, unit):
        first = [_channels_first(users[0].output[0])]
        graph.node.remove(users[0])
    else:
        graph.initializer.append(numpy_helper.from_array(np.array(unit, np.float32), "pixel_unit"))
        first = [
            _channels_first("pixels_channels_first"),
            helper.make_node("Cast", ["pixels_channels_first"], ["bytes"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["bytes", "pixel_unit"], [floats.name]),
        ]
    _put_first(graph, first)
    del graph.input[:]
    graph.input.append(pixels)
    return bytes(model.SerializeToString())


def without_decoding(data: bytes) -> bytes:
    """A YOLO detector that answers with the maps its boxes are decoded from.

    Args:
        data: ONNX of YOLOv8 or YOLO11 as Ultralytics exports it, in float32 or quantised.

    Returns:
        ONNX with two outputs a level, from the finest grid on: (N, 4 bins, h, w) logits of the
        distances to a box's sides, left, top, right and bottom, and (N, categories, h, w) logits.

    Raises:
        ValueError: it has no such head.
    """
    model = onnx.load_from_string(data)
    graph = model.graph
    maps: dict[tuple[str, str], str] = {}
    for node in graph.node:
        if node.op_type == "Conv" and (named := _LAST_CONVOLUTION.fullmatch(node.name)):
            maps[named["level"], named["branch"]] = _as_float(node.output[0], graph)
    names = [maps[key] for key in sorted(maps)]
    levels = {level for level, _ in maps}
    if not names or len(names) != 2 * len(levels):
        raise ValueError("There is no head of YOLOv8 or YOLO11.")
    nodes = needed(graph, names)
    read = {name for node in nodes for name in node.input}
    weights = [one for one in graph.initializer if one.name in read]
    del graph.node[:], graph.output[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in names
    )
    return bytes(model.SerializeToString())


def needed(graph: onnx.GraphProto, outputs: Iterable[str]) -> list[NodeProto]:
    """The nodes that some tensors depend on, in their order."""
    wanted = set(outputs)
    nodes: list[NodeProto] = []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            nodes.insert(0, node)
    return nodes


def _channels_first(name: str) -> NodeProto:
    return helper.make_node("Transpose", ["pixels"], [name], perm=[0, 3, 1, 2])


def _put_first(graph: onnx.GraphProto, nodes: list[NodeProto]) -> None:
    rest = [*graph.node]
    del graph.node[:]
    graph.node.extend([*nodes, *rest])


def _gives_bytes_again(node: NodeProto, graph: onnx.GraphProto, unit: float) -> bool:
    if node.op_type != "QuantizeLinear":
        return False
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    scale, zero = (constants[name] for name in node.input[1:3])
    return bool(zero.dtype == np.uint8 and zero == 0 and np.isclose(scale, unit, rtol=1e-5, atol=0))


def _as_float(name: str, graph: onnx.GraphProto) -> str:
    """What a tensor is called once it was quantised and made a float again; itself if it is not."""
    for kind in ("QuantizeLinear", "DequantizeLinear"):
        for node in graph.node:
            if node.op_type == kind and node.input[0] == name:
                name = node.output[0]
                break
    return name
