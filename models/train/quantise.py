"""Quantisation of our networks: a float32 ONNX file and pictures in, an int8 one out.

Static, per channel, in the form of QuantizeLinear and DequantizeLinear pairs (Jacob et al.,
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
2018). Activations are uint8, weights int8; `engine.detect.onnx` says what keeps their sums exact.
What makes boxes of a detector's answers, and attention, stay float32.
"""

from __future__ import annotations

import logging
import random
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

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
from engine.detect.crop_classifier import crop_and_resize
from engine.detect.resizing import Mipmap
from engine.detect.scene_classifier import resize_square
from engine.detect.views import whole_view
from engine.evaluation.data.labels import LabelledPicture
from engine.geometry import Box
from engine.policy import default_policy
from models.train.card import with_section
from models.train.errors import TrainingRefused
from models.train.files import digest, write_whole
from models.train.manifest import MANIFEST, enter

CROP_SIDE: Final = 112
SCENE_SIDE: Final = 224
QUANTISED_TYPES: Final = (
    "Conv", "Clip", "Relu", "Mul", "Sigmoid", "Concat", "Add", "MaxPool", "Resize", "Split",
)  # fmt: skip
_HEAD_TYPES: Final = ("Conv", "Relu", "Mul", "Sigmoid")
"""Of a detector's head only branches of convolutions are quantised, up to its answers."""

SEVEN_BITS: Final = frozenset({"witness"})
"""Networks whose weights have seven bits, with which their scores were chosen
(docs/decisions/0045-int8-centerface.md)."""
PICTURES: Final = 48
"""How many give the ranges of activations."""
RANDOM_CROPS: Final = 3
"""Of each picture, beside those of its labels: most proposals show nothing."""
HEADING: Final = "In int8"
_OF_TORCH: Final = re.compile(
    r"the (float32 )?file computes the same|it computes the same as torch"
)

Rgb: TypeAlias = NDArray[np.uint8]
"""(H, W, 3)"""


def enter_quantised(
    name: str, source: Path | None, models: Path, pictures: Sequence[LabelledPicture], kept: Path
) -> str:
    """Write one of our networks in int8, with its entry and its card.

    Args:
        name: of its entry, one of `INPUTS`.
        source: the float32 file; None for that of the entry where it is float32, else the kept one.
        models: the folder of the manifest and the card.
        pictures: of which `PICTURES` give the ranges.
        kept: a folder where the float32 file is kept, to make the int8 one again.

    Returns:
        SHA-256 of the new file.

    Raises:
        TrainingRefused: as `quantise`; the folder has no entry or card to change; or there is no
            float32 file.
    """
    card = models / "cards" / f"{name}.md"
    copy = kept / f"{name}.onnx"
    try:
        entry = dict(tomlkit.parse((models / MANIFEST).read_text(encoding="utf-8"))[name].unwrap())
        text = card.read_text(encoding="utf-8")
        current = (models / str(entry["file"])).read_bytes()
    except (OSError, KeyError, TOMLKitError) as error:
        raise TrainingRefused(f"{models} has no entry, file and card of {name}.") from error
    if source is not None:
        original = source.read_bytes()
    elif not is_quantised(onnx.load_from_string(current).graph):
        original = current
    elif copy.exists():
        original = copy.read_bytes()
    else:
        raise TrainingRefused(
            f"{name} is int8 already and its float32 file is not in {kept}: name it with --float "
            "(docs/how-to/train.md says where that of the shipped one is)."
        )
    few = chosen(pictures)
    data = quantise(original, inputs(name, few), seven_bits=name in SEVEN_BITS)
    sha256 = digest(data)
    text = _OF_TORCH.sub("the float32 file computes the same", text)
    text = with_section(
        text.replace(str(entry["sha256"]), sha256),
        HEADING,
        "`python -m models.train quantise` made the file of a float32 one, SHA-256 "
        f"`{digest(original)}`,\nwith ranges from {len(few)} training pictures.",
    )
    kept.mkdir(parents=True, exist_ok=True)
    write_whole(copy, original)
    enter(models, name, entry | {"sha256": sha256}, data, text)
    return sha256


def chosen(pictures: Sequence[LabelledPicture]) -> list[LabelledPicture]:
    """The pictures that give ranges: `PICTURES` of them, drawn by lot, the same each time."""
    shuffled = list(pictures)
    random.Random(1).shuffle(shuffled)  # noqa: S311 -- nothing secret depends on it
    return shuffled[:PICTURES]


def is_quantised(graph: onnx.GraphProto) -> bool:
    """Whether a network computes in int8 already."""
    return any(node.op_type == "DequantizeLinear" for node in graph.node)


def inputs(name: str, pictures: Iterable[LabelledPicture]) -> Iterator[Rgb]:
    """What a network is shown of pictures; unreadable ones are left out."""
    for number, picture in enumerate(pictures):
        bgr = cv2.imread(str(picture.path), cv2.IMREAD_COLOR)
        if bgr is not None:
            rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
            yield from INPUTS[name](rgb, picture, number)


def _view(scales: Sequence[int], rgb: Rgb, picture: LabelledPicture, number: int) -> Iterator[Rgb]:
    """The whole picture at one of the scales, by turns."""
    yield whole_view(rgb, scales[number % len(scales)], 0).rgb


def _turned_view(rgb: Rgb, picture: LabelledPicture, number: int) -> Iterator[Rgb]:
    """The whole picture at one of the scales and in one of the turns of faces, by turns."""
    options = default_policy().detection
    scale = options.scales[number % len(options.scales)]
    turn = options.rotations[number // len(options.scales) % len(options.rotations)]
    yield whole_view(rgb, scale, turn).rgb


def _crops(rgb: Rgb, picture: LabelledPicture, number: int) -> Iterator[Rgb]:
    """The crops of its labels and of random boxes."""
    rng = np.random.default_rng(number)
    height, width = rgb.shape[:2]
    sides = rng.uniform(0.05, 0.6, RANDOM_CROPS) * min(height, width)
    corners = [rng.uniform(0, (width - side, height - side)) for side in sides]
    random_boxes = [
        Box(x, y, x + side, y + side) for (x, y), side in zip(corners, sides, strict=True)
    ]
    mipmap = Mipmap(rgb)
    for box in (*(label.box for label in picture.labels), *random_boxes):
        yield crop_and_resize(mipmap, box, CROP_SIDE)


def _square(rgb: Rgb, picture: LabelledPicture, number: int) -> Iterator[Rgb]:
    """The whole picture, whatever its proportions."""
    yield resize_square(rgb, SCENE_SIDE)


INPUTS: Final[Mapping[str, Callable[[Rgb, LabelledPicture, int], Iterator[Rgb]]]] = {
    "centerface": _turned_view,
    "adornments": partial(_view, tuple(default_policy().detection.tattoo_jewelry_scales)),
    "witness": partial(_view, release_check.SCALES),
    "crops": _crops,
    "scene": _square,
}
"""What a network is shown of a picture, by the name of its entry."""


def quantise(data: bytes, pictures: Iterable[Rgb], *, seven_bits: bool = False) -> bytes:
    """The int8 file of a float32 one.

    Args:
        data: an ONNX file as `export` writes it.
        pictures: as the network is shown them; the ranges of all activations are those that these
            give.
        seven_bits: give weights seven bits instead of eight.

    Raises:
        TrainingRefused: the file is quantised already, or there are no pictures.
    """
    with tempfile.TemporaryDirectory() as folder:
        folded, quantised = Path(folder) / "folded.onnx", Path(folder) / "quantised.onnx"
        _fold(data, folded)
        graph = onnx.load(folded).graph
        if is_quantised(graph):
            raise TrainingRefused("The model file is quantised already; name the float32 one.")
        reader = _Reader(graph.input[0].name, pictures)
        logging.disable(logging.WARNING)  # it wants what `_fold` did to be done by its own tool
        try:
            quantize_static(
                folded,
                quantised,
                reader,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=QUANTISED_TYPES,
                per_channel=True,
                reduce_range=seven_bits,
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
        elif node.name.startswith(f"/model.{head}/"):  # a classifier has no such names
            is_branch = node.op_type in _HEAD_TYPES and "/dfl/" not in node.name
            is_activation = node.op_type == "Conv" or any(
                name in convolutions or name.endswith("Sigmoid_output_0") for name in node.input
            )
            if not (is_branch and is_activation):
                yield node.name


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    return (node.name for node in graph.node)


class _Reader(CalibrationDataReader):
    def __init__(self, name: str, pictures: Iterable[Rgb]) -> None:
        self._name = name
        self._pictures = iter(pictures)
        self.count = 0

    def get_next(self) -> dict[str, Any] | None:
        """The next picture as the network takes it; None after the last."""
        rgb = next(self._pictures, None)
        if rgb is None:
            return None
        self.count += 1
        blob = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], dtype=np.float32) / 255
        return {self._name: blob}
