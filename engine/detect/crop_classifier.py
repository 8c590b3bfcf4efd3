"""Crop classification: boxes of detection clusters in, log-odds of every category out.

Detectors propose at thresholds so low that most of what they propose is nothing. They show it a few
cells large, in a picture full of other things; here each box fills most of a picture of its own,
with some of its surroundings, because a ring is easier to tell by its finger. Heads are one against
the rest: a tattooed face is both, and a bare wall is none.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.detect.inference_graph import pixels_of, taking_pixels
from engine.detect.onnx import session_of
from engine.detect.resizing import Mipmap, resized
from engine.detect.weights import Weights
from engine.errors import UnusableWeights
from engine.geometry import Box, PixelRect, Size

CONTEXT = 0.5
"""How much wider than the box's longer side its window is, as a share of that side."""
LEAST_PX = 24.0
"""Windows are at least this wide: enlarging fewer pixels shows nothing more."""
DETAIL = 4
"""A window is cut out of the smallest halving of the picture in which it is this many times as wide
as its crop, or wider."""
BATCH = 32
"""Crops in one run of the network; more are no faster and take more memory."""


class CropClassifier:
    """A small network over the crop of each box."""

    def __init__(self, weights: Weights) -> None:
        self.name = weights.label
        self._session = session_of(taking_pixels(weights.data, unit=1 / 255))
        [pixels], [output] = self._session.get_inputs(), self._session.get_outputs()
        self._side = int(pixels.shape[1])
        if output.shape[-1] != len(weights.classes):
            raise UnusableWeights(
                f"The model file of {weights.name!r} tells {output.shape[-1]} categories "
                f"apart, models/manifest.toml names {len(weights.classes)}; it was not loaded."
            )
        self.classes = weights.classes

    def logits(self, rgb: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Classify the crop of each box.

        Args:
            rgb: uint8 (H, W, 3), upright.
            boxes: (N, 4) `x0 y0 x1 y1` in picture pixels; they may exceed the picture.

        Returns:
            (N, C) log-odds, one column for each of the weights' `classes`, in their order. They
            are those of the balanced crops it learnt from, so they rank boxes of one category and
            need calibration to be probabilities.
        """
        logits = [np.zeros((0, len(self.classes)), np.float32)]
        mipmap = Mipmap(rgb)
        for start in range(0, len(boxes), BATCH):
            crops = [
                pixels_of(crop_and_resize(mipmap, Box(*corners), self._side))
                for corners in boxes[start : start + BATCH].tolist()
            ]
            logits += self._session.run(None, {"pixels": np.stack(crops)})
        return np.concatenate(logits)


def crop_and_resize(mipmap: Mipmap, box: Box, side: int) -> NDArray[np.uint8]:
    """The box and its surroundings; the picture's edge goes on beyond it.

    Args:
        mipmap: of the upright picture.
        box: in pixels of the picture, which it may exceed.
        side: height and width of what is returned, uint8 (side, side, 3).
    """
    height, width = mipmap.level(0).shape[:2]
    rect = crop_window(box, Size(width, height))
    halvings = max(int(math.log2((rect.x1 - rect.x0) / (DETAIL * side))), 0)
    rgb = mipmap.level(halvings)
    rect = Box(*(edge / 2**halvings for edge in rect)).outward()
    rows, above, below = _span(rect.y0, rect.y1, rgb.shape[0])
    columns, left, right = _span(rect.x0, rect.x1, rgb.shape[1])
    part = rgb[rows, columns]
    if above or below or left or right:
        part = np.asarray(
            cv2.copyMakeBorder(part, above, below, left, right, cv2.BORDER_REPLICATE), np.uint8
        )
    return resized(part, (side, side))


def crop_window(box: Box, size: Size) -> PixelRect:
    """The square of whole pixels, up to one, that is cropped for a box in a picture of `size`.

    What a detector makes up beyond the edge does not move it.
    """
    inside = box.clipped(size)
    half = max(max(inside.width, inside.height) * (1 + CONTEXT), LEAST_PX) / 2
    x, y = (inside.x0 + inside.x1) / 2, (inside.y0 + inside.y1) / 2
    return Box(x - half, y - half, x + half, y + half).outward()


def _span(start: int, stop: int, length: int) -> tuple[slice, int, int]:
    """The part of a row of pixels that exists, never empty, and how many lack before and after."""
    first = min(max(start, 0), length - 1)
    last = max(min(stop, length), first + 1)
    before = min(max(-start, 0), stop - start - 1)
    return slice(first, last), before, (stop - start) - (last - first) - before
