"""Export of a detector checkpoint to ONNX, checked against torch.

Ultralytics' own export writes the path of the training data and the date into the file; this one
writes the network alone, so equal weights give equal bytes.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
import onnxruntime
import torch
from ultralytics.nn.tasks import DetectionModel

from models.train.detector.start import Start, new_model
from models.train.errors import TrainingRefused

OPSET: Final = 17
LARGEST_DIFFERENCE: Final = 1e-3
"""Between torch and ONNX, in the output's units: pixels and probabilities."""
_CHECKED_AT: Final = ((96, 160), (320, 256))
"""Heights and widths other than the one it was traced at: they are free."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A model file, and how well it agrees with the checkpoint."""

    data: bytes
    difference: float
    """Largest absolute one, over several sizes of pictures."""


def export(start: Start, size: int) -> Exported:
    """The ONNX file of a checkpoint's weights.

    Args:
        start: the weights.
        size: px, multiple of 32, that it is traced at; other sizes can be put in all the same.

    Raises:
        TrainingRefused: the file does not compute what the checkpoint computes.
    """
    model = _for_export(start)
    data = _traced(model, size)
    difference = largest_difference(model, data)
    if not difference <= LARGEST_DIFFERENCE:
        raise TrainingRefused(
            f"The exported model differs from the checkpoint by {difference:.2g}, more than "
            f"{LARGEST_DIFFERENCE:g}; it was not written."
        )
    return Exported(data, difference)


def _for_export(start: Start) -> DetectionModel:
    model = new_model(start.architecture, start.state).float().eval().fuse(verbose=False)
    head = model.model[-1]
    head.export, head.dynamic, head.format, head.shape = True, True, "onnx", None
    return model


def _traced(model: DetectionModel, size: int) -> bytes:
    stream = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of every size that becomes a constant
        torch.onnx.export(
            model,
            (torch.zeros(1, 3, size, size),),
            stream,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["output0"],
            dynamic_axes={
                "images": {0: "batch", 2: "height", 3: "width"},
                "output0": {0: "batch", 2: "anchors"},
            },
            dynamo=False,
        )
    graph = onnx.load_from_string(stream.getvalue())
    for node in graph.graph.node:
        node.ClearField("doc_string")
    del graph.metadata_props[:]
    onnx.checker.check_model(graph)
    return bytes(graph.SerializeToString())


def largest_difference(model: torch.nn.Module, data: bytes) -> float:
    """Largest absolute difference between a model and its ONNX file on seeded noise."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    differences = []
    for height, width in _CHECKED_AT:
        pixels = rng.random((1, 3, height, width), dtype=np.float32)
        with torch.no_grad():
            answer = model(torch.from_numpy(pixels))
        expected = (answer[0] if isinstance(answer, tuple) else answer).numpy()
        (output,) = session.run(None, {"images": pixels})
        if output.shape != expected.shape:
            return float("inf")
        differences.append(float(np.abs(output - expected).max()))
    return max(differences)
