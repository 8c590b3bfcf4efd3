"""Post-training quantisation: a float32 network and ranges of its activations in, int8 out.

For networks whose weights are not ours to ship: their published file is quantised when it is
loaded, and only the ranges, which `python -m models.train ranges` measures, come with Lethe. Two
steps:

1. Cross-layer equalisation (Nagel et al., "Data-Free Quantization Through Weight Equalization and
   Bias Correction", 2019): relu(x / s) = relu(x) / s, so that a channel may be divided by s > 0
   where it is made and multiplied by s where it is used, and the network computes the same. That
   brings the channels of a tensor, which share one scale in int8, to like ranges. How much of them
   is left to the weights is as in SmoothQuant (Xiao et al., 2023).
2. Pairs of QuantizeLinear and DequantizeLinear (Jacob et al., "Quantization and Training of Neural
   Networks for Efficient Integer-Arithmetic-Only Inference", 2018), which onnxruntime makes integer
   kernels of: activations uint8, a scale a tensor; weights int8, a scale an output channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from engine.detect.inference_graph import nodes_for

Ranges: TypeAlias = Mapping[str, NDArray[np.float32]]
"""By tensor (2, channels): the least and the largest value that was seen in each channel."""

SHARE: Final = 0.4
"""Of a channel's range, as an exponent, that goes from the activations into the weights that use
them. From .2 to .7 boxes fit those of float32 alike (docs/decisions/0045-int8-centerface.md)."""
_OPSET: Final = 17
"""Scales for channels came with 13; what the operators here compute has not changed since 9."""
_WEIGHT_MAX, _ACTIVATION_MAX, _BIAS_MAX = 127, 255, 2**31 - 1
_LEAST: Final = 1e-6
"""Channels whose values or weights are smaller are silent, and keep their scale."""


def quantised(data: bytes, ranges: Ranges) -> bytes:
    """The int8 form of a convolutional network with ReLU.

    Args:
        data: ONNX of Conv, ConvTranspose, BatchNormalization, Relu and Add; its answers may go
            through others.
        ranges: of every tensor that `quantised_tensors` names, on pictures like those to come.

    Returns:
        An ONNX file with the same inputs and outputs. The convolutions that give its answers stay
        float32.

    Raises:
        KeyError: the ranges are not this network's.
        ValueError: it has layers that would be scaled wrongly.
    """
    network = _Network(data)
    return network.with_pairs(network.equalised(ranges))


def quantised_tensors(data: bytes) -> tuple[str, ...]:
    """The activations, the input among them, that `quantised` needs the ranges of."""
    return _Network(data).quantised_tensors


class _Network:
    def __init__(self, data: bytes) -> None:
        self._model = onnx.load_from_string(data)
        graph = self._model.graph
        self._weights = {one.name: numpy_helper.to_array(one).copy() for one in graph.initializer}
        self._nodes = nodes_for(graph, [value.name for value in graph.output])
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in self._nodes:
            for name in self._read(node):
                self._users.setdefault(name, []).append(node)
        self._answers = {value.name for value in graph.output}
        self._input = graph.input[0].name
        self._refuse_unfit()
        self.quantised_tensors = tuple(dict.fromkeys([self._input, *self._quantised()]))

    def _refuse_unfit(self) -> None:
        read = [name for node in self._nodes for name in node.input if name in self._weights]
        for node in self._nodes:
            activations = 2 if node.op_type == "Add" else 1
            if node.op_type == "Conv" and (
                len(node.input) != 3
                or (_group(node) > 1 and self._weights[node.input[1]].shape[1] > 1)
            ):
                raise ValueError(f"{node.name or node.op_type} has no bias or is grouped.")
            if len(self._read(node)) != activations:
                raise ValueError(f"{node.name or node.op_type} reads something constant.")
        if len(read) != len(set(read)):
            raise ValueError("Two layers share their weights.")

    def _read(self, node: onnx.NodeProto) -> list[str]:
        """The activations among a node's inputs."""
        return [name for name in node.input if name not in self._weights]

    def _used_as(self, name: str) -> set[str]:
        return {node.op_type for node in self._users.get(name, ())}

    def _is_answer(self, name: str) -> bool:
        return name in self._answers or "Sigmoid" in self._used_as(name)

    def _is_int8(self, node: onnx.NodeProto) -> bool:
        return node.op_type in {"Conv", "Add"} and not self._is_answer(node.output[0])

    def _quantised(self) -> Iterator[str]:
        """What integer nodes read and write; a ReLU is part of the node before it."""
        for node in self._nodes:
            if self._is_int8(node):
                yield from self._read(node)
                (written,) = node.output
                users = self._users[written]
                yield users[0].output[0] if self._used_as(written) == {"Relu"} else written

    def equalised(self, ranges: Ranges) -> dict[str, tuple[float, float]]:
        """Equalise the channels of all tensors that may be; the new range of each tensor."""
        scaled = {name: ranges[name] for name in self.quantised_tensors}
        for tensors in self._tied():
            measured = [name for name in tensors if name in scaled]
            users = [
                node
                for name in tensors
                for node in self._users.get(name, ())
                if node.op_type not in {"Relu", "Add"}
            ]
            makers = [node for node in self._nodes if node.output[0] in tensors]
            if measured and _may_be_scaled(makers, users):
                activation = np.max([np.abs(ranges[name]).max(axis=0) for name in measured], axis=0)
                scale = self._scale(activation, users)
                self._divide(makers, scale)
                self._multiply(users, scale)
                scaled |= {name: scaled[name] / scale for name in measured}
        return {name: (float(low.min()), float(high.max())) for name, (low, high) in scaled.items()}

    def _tied(self) -> list[set[str]]:
        """The tensors whose channels must share their scales: those before and after ReLU and sums.

        The network's input and its answers are in none: they keep theirs.
        """
        groups: list[set[str]] = []
        for node in self._nodes:
            tied = set(node.output)
            if node.op_type in {"Relu", "Add"}:
                tied |= set(self._read(node))
            joined = [group for group in groups if group & tied]
            groups = [group for group in groups if not group & tied] + [tied.union(*joined)]
        return [
            group
            for group in groups
            if self._input not in group and not any(self._is_answer(name) for name in group)
        ]

    def _scale(
        self, activation: NDArray[np.float32], users: list[onnx.NodeProto]
    ) -> NDArray[np.float32]:
        """(channels,) positive, of geometric mean 1."""
        by_input = [
            np.abs(self._weights[node.input[1]]).max(axis=_other_axes(node))
            for node in users
            if _group(node) == 1
        ]
        weight = np.max(by_input, axis=0) if by_input else np.ones_like(activation)
        share = SHARE if by_input else 1.0  # each channel of depthwise weights has its own scale
        silent = (activation < _LEAST) | (weight < _LEAST)
        scale = np.where(silent, 1.0, activation**share / np.maximum(weight, _LEAST) ** (1 - share))
        log = np.log(scale)
        return np.asarray(np.exp(np.where(silent, 0.0, log - log[~silent].mean())), np.float32)

    def _divide(self, makers: list[onnx.NodeProto], scale: NDArray[np.float32]) -> None:
        for node in makers:
            if node.op_type in {"Conv", "BatchNormalization"}:
                for name in node.input[1:3]:
                    weights = self._weights[name]
                    weights /= scale.reshape(-1, *[1] * (weights.ndim - 1))

    def _multiply(self, users: list[onnx.NodeProto], scale: NDArray[np.float32]) -> None:
        for node in users:
            shape = (1, -1, 1, 1) if _other_axes(node) == (0, 2, 3) else (-1, 1, 1, 1)
            self._weights[node.input[1]] *= scale.reshape(shape)

    def with_pairs(self, ranges: Mapping[str, tuple[float, float]]) -> bytes:
        """The network's file, with the tensors of these ranges quantised."""
        scales = {name: _scale_and_zero(*one) for name, one in ranges.items()}
        constants = dict(self._weights)
        nodes: list[onnx.NodeProto] = list(_pair(self._input, scales, constants))
        for node in self._nodes:
            if node.op_type == "Conv" and self._is_int8(node) and node.input[0] in scales:
                nodes += _quantised_weights(node, scales[node.input[0]][0], constants)
            read = [f"{name}_dequantised" if name in scales else name for name in node.input]
            del node.input[:]
            node.input.extend(read)
            nodes += [node, *chain.from_iterable(
                _pair(name, scales, constants) for name in node.output
            )]  # fmt: skip
        graph = self._model.graph
        del graph.node[:], graph.initializer[:]
        graph.node.extend(nodes)
        used = {name for node in nodes for name in node.input}
        graph.initializer.extend(
            numpy_helper.from_array(value, name)
            for name, value in constants.items()
            if name in used
        )
        self._model.opset_import[0].version = _OPSET
        return bytes(self._model.SerializeToString())


def _may_be_scaled(makers: list[onnx.NodeProto], users: list[onnx.NodeProto]) -> bool:
    return {node.op_type for node in makers} <= {"Conv", "BatchNormalization", "Relu", "Add"} and {
        node.op_type for node in users
    } <= {"Conv", "ConvTranspose"}


def _group(node: onnx.NodeProto) -> int:
    return next((one.i for one in node.attribute if one.name == "group"), 1)


def _other_axes(node: onnx.NodeProto) -> tuple[int, int, int]:
    """All axes of a node's weights but that of its input channels."""
    return (0, 2, 3) if node.op_type == "Conv" and _group(node) == 1 else (1, 2, 3)


def _scale_and_zero(low: float, high: float) -> tuple[np.float32, np.uint8]:
    low, high = min(low, 0.0), max(high, _LEAST)
    scale = np.float32((high - low) / _ACTIVATION_MAX)
    return scale, np.uint8(round(-low / float(scale)))


def _pair(
    name: str,
    scales: Mapping[str, tuple[np.float32, np.uint8]],
    constants: dict[str, NDArray[Any]],
) -> Iterator[onnx.NodeProto]:
    """A tensor to uint8 and back; nothing where it stays float32."""
    if name in scales:
        scale, zero = scales[name]
        constants[f"{name}_scale"], constants[f"{name}_zero"] = np.array(scale), np.array(zero)
        how = [f"{name}_scale", f"{name}_zero"]
        yield helper.make_node("QuantizeLinear", [name, *how], [f"{name}_uint8"])
        yield helper.make_node("DequantizeLinear", [f"{name}_uint8", *how], [f"{name}_dequantised"])


def _quantised_weights(
    node: onnx.NodeProto, input_scale: np.float32, constants: dict[str, NDArray[Any]]
) -> Iterator[onnx.NodeProto]:
    """A convolution's weights in int8 and its bias in int32; the node is made to read them."""
    _, weight, bias = node.input
    floats = constants[weight]
    largest = np.abs(floats).reshape(len(floats), -1).max(axis=1)
    for_bias = np.abs(constants[bias]) / (input_scale * (_BIAS_MAX // 2))
    scale = np.asarray(np.maximum(np.maximum(largest, _LEAST) / _WEIGHT_MAX, for_bias), np.float32)
    parts = (
        (weight, scale, floats / scale[:, None, None, None], _WEIGHT_MAX, np.int8),
        (bias, scale * input_scale, constants[bias] / (scale * input_scale), _BIAS_MAX, np.int32),
    )
    for place, (name, of_channel, value, most, kind) in enumerate(parts, start=1):
        rounded = np.round(value.astype(np.float64))
        constants[f"{name}_int"] = np.clip(rounded, -most, most).astype(kind)
        constants[f"{name}_scale"] = of_channel
        constants[f"{name}_zero"] = np.zeros(len(of_channel), kind)
        read = [f"{name}_int", f"{name}_scale", f"{name}_zero"]
        yield helper.make_node("DequantizeLinear", read, [f"{name}_float"], axis=0)
        node.input[place] = f"{name}_float"
