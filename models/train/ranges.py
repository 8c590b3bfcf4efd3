"""Measure activation ranges, `python -m models.train.ranges DATA`: pictures in, ranges out.

Writes `models/ranges.toml`, with which `engine.detect.int8` computes our detector in 8 bits, and
its entry in the manifest. Run it after the detector was exported anew.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import tomlkit
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.codec.decode import decode
from engine.detect.int8 import prepared, quantisable
from engine.detect.onnx import session_of
from engine.detect.views import whole_view
from engine.detect.weights import MODELS, Weights, load_weights
from engine.evaluation.data.datasets import read_dataset
from models.train.files import write_whole
from models.train.manifest import with_entry

PICTURES = 32
"""Taken evenly from the training pictures, upright, by turns at the two scales below."""
SIDES = (320, 640)
NETWORK = "adornments"
KEPT = (
    *(f"cv{branch}.{grid}.2" for branch in (2, 3) for grid in range(3)),
    *(f"model.22/{part}" for part in ("dfl", "Mul", "Sigmoid", "Concat", "Add", "Resh")),
)
"""Nodes that are not quantised: the last layers, whose results are boxes and probabilities."""


def measured(weights: Weights, views: Iterable[NDArray[np.uint8]]) -> dict[str, list[float]]:
    """The least and largest value of each tensor in any view, by name."""
    model = prepared(weights.data)
    entry = model.graph.input[0].name
    wanted = [name for name in quantisable(model, KEPT) if name != entry]
    present = {output.name for output in model.graph.output}
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in wanted
        if name not in present
    )
    session = session_of(model.SerializeToString())
    ranges = {entry: [0.0, 1.0]}
    for view in views:
        blob = np.ascontiguousarray(view.transpose(2, 0, 1)[None], np.float32) / 255
        for name, values in zip(wanted, session.run(wanted, {entry: blob}), strict=True):
            least, most = ranges.get(name, (np.inf, -np.inf))
            ranges[name] = [min(least, float(values.min())), max(most, float(values.max()))]
    return ranges


def as_toml(weights: Weights, tensors: dict[str, list[float]]) -> str:
    """`models/ranges.toml`."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Written by python -m models.train.ranges."))
    table = tomlkit.table()
    table.add("sha256", weights.sha256)
    table.add("tensors", {tensor: _rounded(pair) for tensor, pair in tensors.items()})
    document.add(weights.name, table)
    return str(tomlkit.dumps(document))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the file and its entry."""
    parser = argparse.ArgumentParser(prog="python -m models.train.ranges", description=__doc__)
    parser.add_argument("data", type=Path, help="the data set of training pictures")
    pictures = read_dataset(parser.parse_args(arguments).data).pictures
    chosen = pictures[:: max(len(pictures) // PICTURES, 1)][:PICTURES]
    images = [decode(one.path.read_bytes(), one.name, max_megapixels=120).rgb for one in chosen]
    views = [
        whole_view(rgb, SIDES[number % len(SIDES)], 0).rgb for number, rgb in enumerate(images)
    ]
    network = load_weights(NETWORK)
    text = as_toml(network, measured(network, views))
    entry = {
        "file": "ranges.toml",
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "licence": "AGPL-3.0-or-later",
        "use": "research",
        "role": "ranges",
        "categories": [],
        "origin": "python -m models.train.ranges",
        "sources": [{"name": source.name, "licence": source.licence} for source in network.sources],
    }
    manifest = MODELS / "manifest.toml"
    written = with_entry(manifest.read_text(encoding="utf-8"), "ranges", entry)
    write_whole(MODELS / "ranges.toml", text.encode())
    write_whole(manifest, written.encode())


def _rounded(pair: Sequence[float]) -> list[float]:
    return [float(f"{value:.6g}") for value in pair]


if __name__ == "__main__":
    main()
