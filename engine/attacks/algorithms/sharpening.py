"""Sharpening attacks: unsharp mask, high-pass, and adaptive histogram equalisation (CLAHE)."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

_MIDDLE: Final = 128.0


def unsharp(picture: F32, *, radius_px: float, amount: float) -> F32:
    """Unsharp mask: add the difference to a Gaussian blur of standard deviation `radius_px`.

    Args:
        picture: float32 (H, W, 3), 0..255.
        radius_px: standard deviation of the mask's blur.
        amount: how much of the difference is added; 1 doubles it.

    Returns:
        float32 (H, W, 3); not clipped, so that nothing an attacker could use is lost.
    """
    blurred = cv2.GaussianBlur(picture, (0, 0), max(radius_px, 0.1))
    return np.asarray(picture + amount * (picture - blurred), np.float32)


def high_pass(picture: F32, *, radius_px: float, gain: float) -> F32:
    """High-pass filter: the difference to a Gaussian blur, times `gain`, around grey."""
    blurred = cv2.GaussianBlur(picture, (0, 0), max(radius_px, 0.1))
    return np.asarray(_MIDDLE + gain * (picture - blurred), np.float32)


def clahe(picture: F32, *, limit: float, tiles: int) -> F32:
    """Contrast-limited adaptive histogram equalisation of lightness (Zuiderveld 1994).

    Args:
        picture: float32 (H, W, 3), 0..255.
        limit: clip limit, as OpenCV counts it.
        tiles: along each side.
    """
    lab = cv2.cvtColor(np.clip(picture, 0, 255).astype(np.uint8), cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(limit, (tiles, tiles)).apply(np.ascontiguousarray(lab[..., 0]))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.float32)
