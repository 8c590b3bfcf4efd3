"""YOLO inference (ONNX): pixels in, boxes of every category out.

The networks (Jocher et al., "Ultralytics YOLOv8", 2023, and its successor 11, 2024; anchor-free
heads of Feng et al., "TOOD", 2021) answer for every cell of three grids with a box and one
probability per category. Their training is `models/train`.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from engine.detect.nms import VIEW_IOU, non_max_suppression
from engine.detect.onnx import session_of
from engine.detect.views import STRIDE_PX, ViewPlan, detect_in_views, to_blob
from engine.detect.weights import Weights
from engine.errors import UnusableWeights
from engine.geometry import Box
from engine.plan import Detection
from engine.policy import Policy

FLOOR = 0.02
"""Detections with a lower score are dropped."""
NOISE = 0.1
MOST = 60
"""Of detections of one category in one view that score less than `NOISE`, no more are kept than
fill up to so many; those with higher scores are all kept."""


class Yolo:
    """A loaded network."""

    def __init__(self, weights: Weights) -> None:
        """Load the file.

        Raises:
            UnusableWeights: it answers for another number of categories than its manifest names.
        """
        self.name = weights.label
        self.categories = weights.categories
        self._classes = weights.classes
        self._session = session_of(weights.data)
        square = np.zeros((1, 3, STRIDE_PX, STRIDE_PX), np.float32)
        rows = self._session.run(None, {"images": square})[0].shape[1]
        if rows != 4 + len(self._classes):
            raise UnusableWeights(
                f"The model file of {weights.name!r} tells {rows - 4} categories apart, but its "
                f"manifest names {len(self._classes)}; it was not loaded."
            )

    def detect(
        self, rgb: NDArray[np.uint8], view_plan: ViewPlan, policy: Policy, *, least: float = FLOOR
    ) -> tuple[Detection, ...]:
        """Raw detections of the policy's categories in all views.

        Args:
            rgb: uint8 (H, W, 3), upright.
            view_plan: which views are taken.
            policy: says which categories are wanted.
            least: detections with a lower score are dropped.
        """
        infer = partial(self._infer, least=least)
        return tuple(
            Detection(Box(*corners), self._classes[int(index)], score, self.name)
            for *corners, score, index in detect_in_views(rgb, view_plan, infer).tolist()
            if self._classes[int(index)] in policy.looked_for
        )

    def _infer(self, view: NDArray[np.uint8], least: float = FLOOR) -> NDArray[np.float32]:
        blob = to_blob(view)
        np.divide(blob, 255, out=blob)
        (answer,) = self._session.run(None, {"images": blob})
        return decode(answer[0], least)


def decode(answer: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """Decode the network's answer into boxes, with non-maximum suppression by category.

    Args:
        answer: (4 + categories, N): centre x, centre y, width, height in input pixels, then one
            probability per category.
        threshold: the least probability kept.

    Returns:
        (M, 6) `x0 y0 x1 y1 score class` in input pixels.
    """
    centre, size = answer[:2].T, answer[2:4].T
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    by_class = [np.zeros((0, 6), np.float32)]
    for index, scores in enumerate(answer[4:]):
        cells = np.flatnonzero(scores >= threshold)
        rows = np.column_stack([boxes[cells], scores[cells], np.full(len(cells), index)])
        rows = non_max_suppression(rows, VIEW_IOU)
        by_class.append(rows[: max(MOST, int((rows[:, 4] >= NOISE).sum()))])
    return np.concatenate(by_class).astype(np.float32)
