"""YOLO inference (ONNX): pixels in, boxes of every category out.

The networks (Jocher et al., "Ultralytics YOLOv8", 2023, and its successor 11, 2024; anchor-free
heads of Feng et al., "TOOD", 2021) answer for every cell of three grids with a box and one
probability per category. Their training is `models/train`.
"""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.detect.inference_graph import pixels_of, taking_pixels, without_decoding
from engine.detect.nms import VIEW_IOU, non_max_suppression
from engine.detect.onnx import session_of
from engine.detect.views import STRIDE_PX, Pyramid, ViewPlan, detect_in_views
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

Maps: TypeAlias = list[NDArray[np.float32]]
"""The network's answer for one view: of each grid, the finest first, the distances to the sides of
boxes and the categories, as `without_decoding` says."""


class Yolo:
    """A loaded network."""

    def __init__(self, weights: Weights) -> None:
        """Load the file.

        Raises:
            UnusableWeights: it is no YOLO detector, or one for another number of categories than
                its manifest names.
        """
        self.name = weights.label
        self.categories = weights.categories
        self._classes = weights.classes
        try:
            data = without_decoding(weights.data)
        except ValueError as error:
            raise UnusableWeights(
                f"The model file of {weights.name!r} is no YOLO detector as "
                "`python -m models.train` exports it; it was not loaded."
            ) from error
        self._session = session_of(taking_pixels(data, unit=1 / 255))
        count = self._maps(np.zeros((STRIDE_PX, STRIDE_PX, 3), np.uint8))[-1].shape[1]
        if count != len(self._classes):
            raise UnusableWeights(
                f"The model file of {weights.name!r} tells {count} categories apart, but its "
                f"manifest names {len(self._classes)}; it was not loaded."
            )

    def detect(
        self, pyramid: Pyramid, view_plan: ViewPlan, policy: Policy, *, least: float = FLOOR
    ) -> tuple[Detection, ...]:
        """Raw detections of the policy's categories in all views.

        Args:
            pyramid: of the upright picture.
            view_plan: which views are taken.
            policy: says which categories are wanted.
            least: detections with a lower score are dropped.
        """
        infer = partial(self._infer, least=least)
        return tuple(
            Detection(Box(*corners), self._classes[int(index)], score, self.name)
            for *corners, score, index in detect_in_views(pyramid, view_plan, infer).tolist()
            if self._classes[int(index)] in policy.looked_for
        )

    def _infer(self, view: NDArray[np.uint8], least: float = FLOOR) -> NDArray[np.float32]:
        return class_wise_nms(decode(self._maps(view), view.shape[0], least))

    def _maps(self, view: NDArray[np.uint8]) -> Maps:
        return list(self._session.run(None, {"pixels": pixels_of(view)[np.newaxis]}))


def decode(maps: Maps, height: int, threshold: float) -> NDArray[np.float32]:
    """Decode the network's maps into boxes, of the cells alone that score enough.

    A side of a box is as many cells away from its cell's centre as the mean of a distribution over
    whole numbers (Li et al., "Generalized Focal Loss", 2020).

    Args:
        maps: for each grid (1, 4 bins, h, w) and (1, categories, h, w), as `without_decoding` says.
        height: of the view, in pixels.
        threshold: the least probability kept, above 0 and below 1.

    Returns:
        (N, 6) `x0 y0 x1 y1 score class` in input pixels, by class, then as the grids lie.
    """
    found = []
    for sides, logits in zip(maps[::2], maps[1::2], strict=True):
        stride = height // logits.shape[2]
        classes, rows, columns = np.nonzero(logits[0] >= np.log(threshold / (1 - threshold)))
        bins = sides.shape[1] // 4
        logit = sides[0][:, rows, columns].reshape(4, bins, len(rows))
        weight = np.exp(logit - logit.max(axis=1, keepdims=True))
        away = (weight * np.arange(bins)[:, None]).sum(axis=1) / weight.sum(axis=1)
        centres = np.stack([columns, rows, columns, rows]) + 0.5
        corners = (centres + away * [[-1], [-1], [1], [1]]) * stride
        scores = 1 / (1 + np.exp(-logits[0, classes, rows, columns]))
        found.append(np.column_stack([corners.T, scores, classes]))
    together = np.concatenate(found)
    return together[np.argsort(together[:, 5], kind="stable")].astype(np.float32)


def class_wise_nms(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Non-maximum suppression class by class; of the noise that is left, the best alone.

    Args:
        rows: (N, 6) `x0 y0 x1 y1 score class`.

    Returns:
        (M, 6), by class, the surest first.
    """
    by_class = [np.zeros((0, 6), np.float32)]
    for label in np.unique(rows[:, 5]):
        kept = non_max_suppression(rows[rows[:, 5] == label], VIEW_IOU)
        by_class.append(kept[: max(MOST, int((kept[:, 4] >= NOISE).sum()))])
    return np.concatenate(by_class)
