"""Export of a classifier to ONNX, checked against torch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from models.train.errors import TrainingRefused
from models.train.files import write_whole

TOLERANCE: Final = 1e-3
OPSET: Final = 17


def export(net: nn.Module, example: Tensor, file: Path, names: tuple[str, str]) -> float:
    """Write a network as ONNX whose first axis, of input and output, is free.

    Args:
        net: in evaluation mode.
        example: an input, which also tells whether the file computes the same.
        file: is there whole or not at all.
        names: of input and output.

    Returns:
        The largest difference between what network and file say of the example.

    Raises:
        TrainingRefused: they differ by more than `TOLERANCE`; nothing was written.
    """
    traced = file.with_name(f".{file.name}.partial")
    given, answer = names
    torch.onnx.export(
        net,
        (example,),
        traced,
        dynamo=False,
        opset_version=OPSET,
        input_names=[given],
        output_names=[answer],
        dynamic_axes={given: {0: "count"}, answer: {0: "count"}},
    )
    data = traced.read_bytes()
    traced.unlink()
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        [said] = session.run(None, {given: example.numpy()})
        difference = float(np.abs(said - net(example).numpy()).max())
    if not difference <= TOLERANCE:
        raise TrainingRefused(f"The exported file is off by {difference:.1e}; it was not kept.")
    write_whole(file, data)
    return difference
