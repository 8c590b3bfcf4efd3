"""Inference graphs: an exported network in, what is run of it out.

Files are as training exports them, with pixels as floats in and decoded boxes out. Both cost time
in every run: a fifth of a small network's is spent on making floats of bytes that int8 makes bytes
of again, and on decoding cells that show nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

CHANNELS: Final = 4
_LAST_CONVOLUTION: Final = re.compile(r"/model\.\d+/cv(?P<branch>[23])\.(?P<level>\d)/.*\.2/Conv")
"""Of a YOLOv8 or YOLO11 head, as Ultralytics names it: branch 2 gives boxes, 3 gives classes."""


def taking_pixels(data: bytes, unit: float) -> bytes:
    """A network that takes pictures as `pixels_of` gives them.

    Args:
        data: ONNX whose one input is float32 (N, 3, h, w), of bytes times `unit`.
        unit: what one step of a byte is in it, such as 1 / 255.

    Returns:
        ONNX whose input is uint8 (N, h, w, 4), of which the fourth channel has no effect, and which
        computes the same. Where the first thing was to quantise for a convolution, and that gave
        the bytes again, nothing becomes a float at all.
    """
    model = onnx.load_from_string(data)
    graph = model.graph
    [floats] = graph.input
    batch, _, height, width = floats.type.tensor_type.shape.dim
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, [None] * 3 + [CHANNELS])
    for place, dimension in enumerate((batch, height, width)):
        pixels.type.tensor_type.shape.dim[place].CopyFrom(dimension)
    quantising = _quantising_again(graph, floats.name, unit)
    weights = quantising and _weights_of_convolution(graph, quantising.output[0])
    if quantising and weights:
        graph.node.remove(quantising)
        _add_channel(weights)
        first = [_channels_first(quantising.output[0])]
    else:
        constants: dict[str, NDArray[np.generic]] = {
            "rgb": np.arange(3),
            "unit": np.array(unit, np.float32),
        }
        graph.initializer.extend(
            numpy_helper.from_array(value, f"pixels_{name}") for name, value in constants.items()
        )
        channels = ["pixels_first", "pixels_rgb"]
        first = [
            _channels_first("pixels_first"),
            helper.make_node("Gather", channels, ["pixels_three"], axis=1),
            helper.make_node("Cast", ["pixels_three"], ["pixels_float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["pixels_float", "pixels_unit"], [floats.name]),
        ]
    rest = [*graph.node]
    del graph.node[:], graph.input[:]
    graph.node.extend([*first, *rest])
    graph.input.append(pixels)
    return bytes(model.SerializeToString())


def pixels_of(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture as networks take it: (h, w, 3) in, (h, w, 4) out.

    Convolutions read channels by the four bytes; over three they take half as long again.
    """
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA), np.uint8)


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
    nodes = nodes_for(graph, names)
    read = {name for node in nodes for name in node.input}
    weights = [one for one in graph.initializer if one.name in read]
    del graph.node[:], graph.output[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in names
    )
    return bytes(model.SerializeToString())


def nodes_for(graph: onnx.GraphProto, outputs: Iterable[str]) -> list[NodeProto]:
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


def _quantising_again(graph: onnx.GraphProto, name: str, unit: float) -> NodeProto | None:
    """The one node that reads a tensor, where it makes bytes of it that count by `unit`."""
    users = [node for node in graph.node if name in node.input]
    if len(users) != 1 or users[0].op_type != "QuantizeLinear":
        return None
    scale, zero = (_constant(graph, users[0], place) for place in (1, 2))
    if scale is None or zero is None or scale.size != 1:
        return None
    is_byte = zero.dtype == np.uint8 and zero == 0
    return users[0] if is_byte and np.isclose(scale, unit, rtol=1e-5, atol=0) else None


def _weights_of_convolution(graph: onnx.GraphProto, name: str) -> TensorProto | None:
    """The int8 weights, zero at 0, of the one convolution that reads a quantised picture."""
    makers = {node.output[0]: node for node in graph.node}
    read = [name]
    for kind in ("DequantizeLinear", "Conv"):
        users = [node for node in graph.node if read[0] in node.input]
        if [node.op_type for node in users] != [kind]:
            return None
        [user], read = users, list(users[0].output)
    dequantising = makers.get(user.input[1])
    if dequantising is None or dequantising.op_type != "DequantizeLinear":
        return None
    zero = _constant(graph, dequantising, 2)
    for weights in graph.initializer:
        if weights.name == dequantising.input[0]:
            is_signed = weights.data_type == TensorProto.INT8 and (zero is None or not zero.any())
            return weights if is_signed and weights.dims[1] == CHANNELS - 1 else None
    return None


def _constant(graph: onnx.GraphProto, node: NodeProto, place: int) -> NDArray[np.generic] | None:
    """A node's input where it has one there that the file holds."""
    names = [*node.input[place : place + 1]]
    found = [numpy_helper.to_array(one) for one in graph.initializer if one.name in names]
    return found[0] if found else None


def _add_channel(weights: TensorProto) -> None:
    """Give a convolution's weights (out, 3, h, w) a fourth input channel, of zeros."""
    values = numpy_helper.to_array(weights)
    fourth = np.zeros((len(values), CHANNELS - 3, *values.shape[2:]), values.dtype)
    weights.CopyFrom(numpy_helper.from_array(np.hstack([values, fourth]), weights.name))


def _as_float(name: str, graph: onnx.GraphProto) -> str:
    """What a tensor is called once it was quantised and made a float again; itself if it is not."""
    for kind in ("QuantizeLinear", "DequantizeLinear"):
        for node in graph.node:
            if node.op_type == kind and node.input[0] == name:
                name = node.output[0]
                break
    return name
