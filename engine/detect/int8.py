"""Networks in whole numbers: 32-bit weights and measured ranges in, an 8-bit network out.

Static post-training quantization (Jacob et al., "Quantization and training of neural networks for
efficient integer-arithmetic-only inference", 2018), per channel, done when the network is loaded:
the shipped file stays as it is, beside it lie the ranges of its activations
(`python -m models.train.ranges`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, shape_inference, version_converter
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from engine.detect.weights import Weights
from engine.errors import UnusableWeights

OPERATORS = ("Conv", "Relu", "Add", "Sigmoid", "Mul", "Concat", "MaxPool", "Resize")
"""Operators that are computed in 8 bits; the rest stays as it is."""
_LEAST_OPSET = 13
"""Older ones cannot say that each channel has a scale of its own."""


def ranges_for(network: Weights, ranges: Weights) -> dict[str, tuple[float, float]]:
    """The ranges that were measured with a network, by tensor.

    Raises:
        UnusableWeights: they were measured with another file.
    """
    measured = tomllib.loads(ranges.data.decode()).get(network.name, {})
    if measured.get("sha256") != network.sha256:
        raise UnusableWeights(
            f"The ranges in models/ranges.toml were not measured with this {network.name!r}; "
            "python -m models.train.ranges measures them anew."
        )
    return {name: (least, most) for name, (least, most) in measured["tensors"].items()}


def quantised(data: bytes, ranges: Mapping[str, tuple[float, float]]) -> bytes:
    """The network with the operators whose results have a range computed in 8 bits.

    Weights have seven bits: of eight, processors without VNNI lose some when they add up products,
    and would see other things than those with it.

    Args:
        data: an ONNX file.
        ranges: the least and largest value of a tensor, by its name.
    """
    model = prepared(data)
    known = _constants(model) | ranges.keys()
    names = [
        node.name
        for node in model.graph.node
        if node.op_type in OPERATORS and {*filter(None, node.input), *node.output} <= known
    ]
    limits = {name: (np.float32(least), np.float32(most)) for name, (least, most) in ranges.items()}
    quantizer = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=True,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, limits),
        nodes_to_quantize=names,
        nodes_to_exclude=[],
        op_types_to_quantize=OPERATORS,
        extra_options={},
    )
    quantizer.quantize_model()
    return bytes(quantizer.model.model.SerializeToString())


def prepared(data: bytes) -> onnx.ModelProto:
    """The network in an operator set that allows it, every node with a name."""
    model = onnx.load_from_string(data)
    if model.opset_import[0].version < _LEAST_OPSET:
        model = version_converter.convert_version(model, _LEAST_OPSET)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
    return shape_inference.infer_shapes(model)


def quantisable(model: onnx.ModelProto, kept: tuple[str, ...]) -> tuple[str, ...]:
    """The tensors whose ranges are to be measured.

    Args:
        model: `prepared`.
        kept: nodes whose names contain one of these stay as they are.
    """
    values = (*model.graph.value_info, *model.graph.output)
    floats = {one.name for one in values if one.type.tensor_type.elem_type == TensorProto.FLOAT}
    nodes = [
        node
        for node in model.graph.node
        if node.op_type in OPERATORS
        and node.output[0] in floats
        and not any(part in node.name for part in kept)
    ]
    tensors = {name for node in nodes for name in (*node.input, *node.output) if name}
    return tuple(sorted(tensors - _constants(model)))


def _constants(model: onnx.ModelProto) -> set[str]:
    computed = (node.output[0] for node in model.graph.node if node.op_type == "Constant")
    return {*(tensor.name for tensor in model.graph.initializer), *computed}
