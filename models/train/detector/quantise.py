"""Quantisation of a detector: a float32 ONNX file and pictures in, an int8 one out.

Static, per channel, in the form of QuantizeLinear and DequantizeLinear pairs (Jacob et al.,
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
2018). Activations are uint8, weights int8 of 7 bits: products of two pairs then fit the 16 bits in
which AVX2 adds them, so that processors without VNNI give the same sums as those with it. What
makes boxes of the answers, and attention, stay float32.
"""

from __future__ import annotations

import logging
import random
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import onnx
import onnxruntime
import tomlkit
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from tomlkit.exceptions import TOMLKitError

from engine.detect import release_check
from engine.detect.views import whole_view
from engine.evaluation.data.labels import LabelledPicture
from engine.policy import default_policy
from models.train.errors import TrainingRefused
from models.train.files import digest
from models.train.manifest import MANIFEST, enter

QUANTISED_TYPES: Final = ("Conv", "Mul", "Sigmoid", "Concat", "Add", "MaxPool", "Resize", "Split")
INPUT: Final = "images"
_HEAD_TYPES: Final = ("Conv", "Mul", "Sigmoid")
"""Of the head only branches of convolutions are quantised, up to its answers."""


PICTURES: Final = 48
"""How many give the ranges of activations."""
SCALES: Final = {
    "adornments": tuple(default_policy().detection.tattoo_jewelry_scales),
    "witness": release_check.SCALES,
}
"""Longer sides in pixels of the views that give them, in turn: those at which each looks."""
_FILE_ROW: Final = re.compile(r"^\| file \|.*$", re.MULTILINE)
_FLOAT_ROW: Final = re.compile(r"^\| float32 \|.*\n", re.MULTILINE)


def enter_quantised(
    name: str, source: Path, models: Path, pictures: Sequence[LabelledPicture]
) -> str:
    """Write a detector in int8, with its entry and its card.

    Args:
        name: of the detector's entry.
        source: the float32 file.
        models: the folder of the manifest and the card.
        pictures: of which `PICTURES` give the ranges.

    Returns:
        SHA-256 of the new file.

    Raises:
        TrainingRefused: as `quantise`, or the folder has no entry or card to change.
    """
    original = source.read_bytes()
    shuffled = [picture.path for picture in pictures]
    random.Random(1).shuffle(shuffled)  # noqa: S311 -- the same ones each time
    data = quantise(original, views(shuffled[:PICTURES], SCALES[name]))
    sha256 = digest(data)
    card = models / "cards" / f"{name}.md"
    try:
        entry = dict(tomlkit.parse((models / MANIFEST).read_text(encoding="utf-8"))[name].unwrap())
        text = card.read_text(encoding="utf-8")
    except (OSError, KeyError, TOMLKitError) as error:
        raise TrainingRefused(f"{models} has no entry and card of {name}.") from error
    rows = (
        f"| file | `{name}.onnx`, SHA-256 `{sha256}` |\n"
        f"| float32 | SHA-256 `{digest(original)}`; int8 made of it by `python -m models.train "
        f"quantise`, with ranges from {min(PICTURES, len(shuffled))} training pictures |"
    )
    text = _FILE_ROW.sub(rows, _FLOAT_ROW.sub("", text), count=1)
    enter(models, name, entry | {"sha256": sha256}, data, text)
    return sha256


def quantise(data: bytes, pictures: Iterable[NDArray[np.uint8]]) -> bytes:
    """The int8 file of a float32 one.

    Args:
        data: an ONNX file as `export` writes it.
        pictures: uint8 (h, w, 3) RGB, both sides multiples of 32; the ranges of all activations are
            those that these give.

    Raises:
        TrainingRefused: the file is quantised already, or there are no pictures.
    """
    with tempfile.TemporaryDirectory() as folder:
        folded, quantised = Path(folder) / "folded.onnx", Path(folder) / "quantised.onnx"
        _fold(data, folded)
        graph = onnx.load(folded).graph
        if any(node.op_type == "DequantizeLinear" for node in graph.node):
            raise TrainingRefused("The model file is quantised already; name the float32 one.")
        reader = _Reader(pictures)
        logging.disable(logging.WARNING)  # it wants what `_fold` did to be done by its own tool
        try:
            quantize_static(
                folded,
                quantised,
                reader,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=QUANTISED_TYPES,
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=list(_kept_in_float(graph)),
            )
        except ValueError as error:
            if reader.count:
                raise
            raise TrainingRefused("There are no pictures to take the ranges from.") from error
        finally:
            logging.disable(logging.NOTSET)
        return quantised.read_bytes()


def views(files: Iterable[Path], scales: Iterable[int]) -> Iterator[NDArray[np.uint8]]:
    """Pictures as the network is shown them, each at one of the scales in turn.

    Unreadable ones are left out.
    """
    sides = tuple(scales)
    for number, file in enumerate(files):
        bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if bgr is not None:
            rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
            yield whole_view(rgb, sides[number % len(sides)], 0).rgb


def _fold(data: bytes, target: Path) -> None:
    """Write the network with constants folded, so that only what depends on pixels is quantised."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _kept_in_float(graph: onnx.GraphProto) -> Iterator[str]:
    """Attention, and what the head does with the answers of its convolutions."""
    convolutions = {name for node in graph.node if node.op_type == "Conv" for name in node.output}
    head = max(
        (int(name.split(".")[1].split("/")[0]) for name in _names(graph) if "/model." in name),
        default=-1,
    )
    for node in graph.node:
        if "/attn/" in node.name and node.op_type != "Conv":
            yield node.name
        elif node.name.startswith(f"/model.{head}/"):
            is_branch = node.op_type in _HEAD_TYPES and "/dfl/" not in node.name
            is_activation = node.op_type == "Conv" or any(
                name in convolutions or name.endswith("Sigmoid_output_0") for name in node.input
            )
            if not (is_branch and is_activation):
                yield node.name


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    return (node.name for node in graph.node)


class _Reader(CalibrationDataReader):
    def __init__(self, pictures: Iterable[NDArray[np.uint8]]) -> None:
        self._pictures = iter(pictures)
        self.count = 0

    def get_next(self) -> dict[str, Any] | None:
        """The next picture as the network takes it; None after the last."""
        rgb = next(self._pictures, None)
        if rgb is None:
            return None
        self.count += 1
        blob = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], dtype=np.float32) / 255
        return {INPUT: blob}
