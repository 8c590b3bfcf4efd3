"""CenterFace: one heat map of face centres, with a size and an offset at each.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point" (2019). The network
answers at a quarter of its input's resolution; a cell at (row, column) with log sizes (s_h, s_w)
and offsets (o_y, o_x) is a face centred at ((column + o_x + 0.5) * 4, (row + o_y + 0.5) * 4) of
height 4 exp(s_h) and width 4 exp(s_w).
"""

from __future__ import annotations

import io

import numpy as np
import onnx
from numpy.typing import NDArray

from engine.category import Category
from engine.detect.inference_graph import pixels_of, taking_pixels
from engine.detect.int8 import quantised
from engine.detect.nms import VIEW_IOU, non_max_suppression
from engine.detect.onnx import session_of
from engine.detect.views import ViewPlan, detect_in_views, pyramid_of
from engine.detect.weights import Weights, joint_label
from engine.geometry import Box
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy

CELL_PX = 4.0
FLOOR = 0.1
"""Detections with a lower score are dropped: heat maps are full of them, none was ever likely
enough to ask about, and each would cost a crop."""
_OUTPUTS = ["537", "538", "539"]
"""Heat map, log sizes, offsets; the landmarks (540) are not asked for."""


class CenterFace:
    """Faces, in every view the policy asks for."""

    def __init__(self, weights: Weights, ranges: Weights | None = None) -> None:
        """Load the published file.

        Args:
            weights: the file.
            ranges: of its activations, to compute in int8; float32 without.
        """
        self.name = joint_label(weights, ranges) if ranges else weights.label
        self.categories = frozenset({Category.FACE})
        data = network(weights)
        data = quantised(data, _ranges(ranges)) if ranges else data
        self._session = session_of(taking_pixels(data, unit=1.0))

    def detect(self, image: RgbImage, policy: Policy) -> tuple[Detection, ...]:
        """See `Detector.detect`."""
        options = policy.detection
        view_plan = ViewPlan(options.scales, options.rotations, tile_px=options.tile_px)
        rows = detect_in_views(pyramid_of(image), view_plan, self._infer)
        return tuple(
            Detection(Box(*corners), Category.FACE, score, self.name)
            for *corners, score, _ in rows.tolist()
        )

    def _infer(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        heat, log_size, offset = self._session.run(_OUTPUTS, {"pixels": pixels_of(rgb)[np.newaxis]})
        boxes, scores = decode(heat[0, 0], log_size[0], offset[0], FLOOR)
        rows = non_max_suppression(np.column_stack([boxes, scores]), VIEW_IOU)
        return np.column_stack([rows, np.zeros(len(rows), np.float32)])


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


def network(weights: Weights) -> bytes:
    """The published graph for any picture size, with its weights as constants.

    The file lists its weights as graph inputs, which stops constant folding; without them a view
    takes about half the time. Landmarks are left out.
    """
    model = onnx.load_from_string(weights.data)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    outputs = [value for value in model.graph.output if value.name in _OUTPUTS]
    del model.graph.input[:], model.graph.output[:]
    model.graph.input.extend(inputs)
    model.graph.output.extend(outputs)
    for value in (*model.graph.input, *model.graph.output):
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if axis != 1:
                dimension.dim_param = f"{value.name}_{axis}"
    return bytes(model.SerializeToString())


def _ranges(weights: Weights) -> dict[str, NDArray[np.float32]]:
    with np.load(io.BytesIO(weights.data), allow_pickle=False) as arrays:
        return {name: np.asarray(arrays[name], np.float32) for name in arrays.files}
