"""Activation ranges of CenterFace: training pictures in, its `ranges` entry out.

The published file is quantised when it is loaded (`engine.detect.int8`); what that needs beside its
weights are the ranges of its activations, which are measured here.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.detect import centerface
from engine.detect.int8 import Ranges, quantised_tensors
from engine.detect.onnx import session_of
from engine.detect.weights import load_weights
from engine.evaluation.data.labels import LabelledPicture
from models.train.data.choosing import sources_of
from models.train.errors import TrainingRefused
from models.train.files import digest
from models.train.manifest import enter
from models.train.quantise import Rgb, chosen, inputs

NAME: Final = "ranges"


def enter_ranges(models: Path, pictures: Sequence[LabelledPicture], use: str) -> str:
    """Measure the ranges; write their file, entry and card.

    Args:
        models: the folder of the manifest, which says where CenterFace lies.
        pictures: of which as many are looked at as for our own networks.
        use: what the pictures allow.

    Returns:
        SHA-256 of the file.

    Raises:
        TrainingRefused: there are no pictures, or the manifest cannot be read.
        UnusableWeights: CenterFace is not there, or is not what the manifest says.
    """
    few = chosen(pictures)
    network = centerface.network(load_weights("centerface", models))
    data = to_file(measured_ranges(network, inputs("centerface", few)))
    sha256 = digest(data)
    sources = sources_of(few)
    entry = {
        "file": f"{NAME}.npz",
        "sha256": sha256,
        "licence": "AGPL-3.0-or-later",
        "use": use,
        "role": "activation ranges",
        "categories": ["face"],
        "colour": "rgb",
        "origin": f"python -m models.train {NAME}; models/cards/{NAME}.md",
        "sources": sources,
    }
    enter(models, NAME, entry, data, _card(sources, sha256, use))
    return sha256


def measured_ranges(network: bytes, pictures: Iterable[Rgb]) -> dict[str, NDArray[np.float32]]:
    """The least and the largest value of each channel of each tensor that is to be quantised.

    Args:
        network: ONNX, float32, with one input (1, 3, h, w) of 0..255.
        pictures: as the network is shown them.

    Raises:
        TrainingRefused: there are no pictures.
    """
    names = quantised_tensors(network)
    model = onnx.load_from_string(network)
    inner = [name for name in names if name != model.graph.input[0].name]
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inner
    )
    session = session_of(model.SerializeToString())
    ranges: dict[str, NDArray[np.float32]] = {}
    for rgb in pictures:
        blob = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], dtype=np.float32)
        for name, values in zip(names, [blob, *session.run(inner, {names[0]: blob})], strict=True):
            seen = np.stack([values.min(axis=(0, 2, 3)), values.max(axis=(0, 2, 3))])
            low, high = np.stack([seen, ranges.get(name, seen)]).transpose(1, 0, 2)
            ranges[name] = np.stack([low.min(axis=0), high.max(axis=0)])
    if not ranges:
        raise TrainingRefused("There are no pictures to take the ranges from.")
    return ranges


def to_file(ranges: Ranges) -> bytes:
    """Ranges as `.npz`, the same for the same ranges."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **ranges)
    return file.getvalue()


def _card(sources: Sequence[dict[str, Any]], sha256: str, use: str) -> str:
    """Model card, as Markdown."""
    rows = "\n".join(
        f"| {source['name']} | {source['licence']} | {source['pictures']} |" for source in sources
    )
    return f"""# ranges

Ranges of the activations of CenterFace, with which `engine/detect/int8.py` makes its published
float32 file int8 when it is loaded. `python -m models.train ranges DATA` makes them.

- **File**: `{NAME}.npz`, SHA-256 `{sha256}`; the least and the
  largest value of each channel.
- **No weights**: those are the published file's, which is checked against its own SHA-256.
- **Pictures** gave them, looked at as detection looks at pictures; what those allow: {use}.
- **What it costs in recall**: [decision 0045](../../docs/decisions/0045-int8-centerface.md).

| source | licence | pictures |
|---|---|--:|
{rows}
"""
