"""CenterFace: one heat map of face centres, with a size and an offset at each.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point" (2019). The network
answers at a quarter of its input's resolution; a cell at (row, column) with log sizes (s_h, s_w)
and offsets (o_y, o_x) is a face centred at ((column + o_x + 0.5) * 4, (row + o_y + 0.5) * 4) of
height 4 exp(s_h) and width 4 exp(s_w).
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from engine.category import Category
from engine.detect.fusion import merged
from engine.detect.looks import look_at
from engine.geometry import Box
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy
from engine.weights import Weights

CELL_PX = 4.0
_OUTPUTS = ["537", "538", "539"]
"""Heat map, log sizes, offsets; the landmarks (540) are not computed."""


class CenterFace:
    """Faces, at every look the policy asks for."""

    def __init__(self, weights: Weights) -> None:
        self.name = weights.label
        self.categories = frozenset({Category.FACE})
        self._session = _session(weights.data)

    def detect(
        self, image: RgbImage, policy: Policy, *, floor: float | None = None
    ) -> tuple[Detection, ...]:
        """See `Detector.detect`.

        The first scale is looked at in every turn. The other, dearer ones are looked at upright and
        in the turns in which the first look was sure of something or, when it was sure of nothing,
        in those in which it saw anything.
        """
        first, *others = policy.detection.scales
        thresholds = policy.thresholds(Category.FACE)
        least = thresholds.doubt_at if floor is None else min(floor, thresholds.doubt_at)
        sightings: dict[int, NDArray[np.float32]] = {
            turn: self._sightings(image.rgb, first, turn, least) for turn in policy.detection.turns
        }
        again = _turns(sightings, thresholds.accept_at) or _turns(sightings, thresholds.doubt_at)
        found = list(sightings.values()) + [
            self._sightings(image.rgb, longer, turn, least)
            for longer in others
            for turn in sorted(again | {0})
        ]
        return tuple(
            Detection(Box(*corners), Category.FACE, score, self.name)
            for *corners, score in np.concatenate(found).tolist()
        )

    def _sightings(
        self, rgb: NDArray[np.uint8], longer: int, turn: int, threshold: float
    ) -> NDArray[np.float32]:
        """(N, 5) `x0 y0 x1 y1 score` in picture pixels, as one look sees them."""
        look = look_at(rgb, longer, turn)
        boxes, scores = self._seen(look.rgb, threshold)
        return np.column_stack([look.to_picture(boxes), scores])

    def _seen(
        self, rgb: NDArray[np.uint8], threshold: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        blob = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], dtype=np.float32)
        heat, log_size, offset = self._session.run(_OUTPUTS, {"input.1": blob})
        return decode(heat[0, 0], log_size[0], offset[0], threshold)


def _turns(sightings: dict[int, NDArray[np.float32]], least: float) -> set[int]:
    """The turns in which something was seen better than in the others, with at least this score."""
    labelled = [np.insert(seen, 5, turn, axis=1) for turn, seen in sightings.items()]
    groups = merged(np.concatenate(labelled))
    return {int(group[5]) for group in groups if group[4] >= least}


def decode(
    heat: NDArray[np.float32],
    log_size: NDArray[np.float32],
    offset: NDArray[np.float32],
    threshold: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn the network's maps into boxes.

    Args:
        heat: (h, w), probability that a face is centred in the cell.
        log_size: (2, h, w), logarithm of height and width in cells.
        offset: (2, h, w), y and x of the centre within the cell.
        threshold: the least probability kept.

    Returns:
        Boxes (N, 4) `x0 y0 x1 y1` in input pixels, and scores (N,).
    """
    rows, columns = np.nonzero(heat >= threshold)
    height, width = np.exp(log_size[:, rows, columns]) * CELL_PX
    y = (rows + offset[0, rows, columns] + 0.5) * CELL_PX
    x = (columns + offset[1, rows, columns] + 0.5) * CELL_PX
    boxes = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)
    return boxes.astype(np.float32), np.clip(heat[rows, columns], 0.0, 1.0)


def _session(data: bytes) -> ort.InferenceSession:
    """A single-threaded session over a copy of the graph that accepts any picture size.

    The published file lists its weights as graph inputs, which stops constant folding; without
    them a look takes about half the time. Spinning is off because idle threads that spin made
    two workers five times slower than one.
    """
    model = onnx.load_from_string(data)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(value for value in inputs if value.name == "input.1")
    for value in (*model.graph.input, *model.graph.output):
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if axis != 1:
                dimension.dim_param = f"{value.name}_{axis}"
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
