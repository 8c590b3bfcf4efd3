"""Augmentation of crops: flips and turns, colour, resolution, blur, JPEG."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(side, side, 3), RGB."""


def varied(crop: Pixels, rng: np.random.Generator) -> Pixels:
    """An augmented copy of a crop, uint8 (H, W, 3)."""
    crop = crop[:, ::-1] if rng.random() < 0.5 else crop
    crop = np.rot90(crop, int(rng.integers(4))) if rng.random() < 0.5 else crop
    crop = _coloured(np.ascontiguousarray(crop), rng)
    if rng.random() < 0.25:
        crop = _coarse(crop, rng.uniform(0.25, 0.8))
    if rng.random() < 0.15:
        crop = _pixels(cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.5, 1.8)))
    if rng.random() < 0.3:
        crop = _compressed(crop, int(rng.integers(25, 90)))
    return crop


def _coloured(crop: Pixels, rng: np.random.Generator) -> Pixels:
    values = crop.astype(np.float32)
    grey = values.mean(axis=2, keepdims=True)
    saturation = 0.0 if rng.random() < 0.07 else rng.uniform(0.6, 1.4)
    values = grey + (values - grey) * saturation
    middle = values.mean()
    values = middle + (values - middle) * rng.uniform(0.7, 1.3)
    values = values * rng.uniform(0.92, 1.08, 3) * rng.uniform(0.75, 1.25)
    return _pixels(values + rng.normal(0, 8))


def _coarse(crop: Pixels, share: float) -> Pixels:
    side = crop.shape[0]
    small = max(round(side * share), 8)
    shrunk = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    return _pixels(cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_LINEAR))


def _compressed(crop: Pixels, quality: int) -> Pixels:
    _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return _pixels(cv2.imdecode(data, cv2.IMREAD_COLOR))


def _pixels(values: Any) -> Pixels:  # noqa: ANN401 - what OpenCV gives is typed as any array
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)
