"""Deconvolution attacks: Wiener and Richardson-Lucy with a Gaussian kernel, and blind."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

F32 = NDArray[np.float32]

_FLOOR: Final = 1e-3
_LARGEST_RATIO: Final = 8.0
"""Richardson-Lucy runs away on grain where the estimate is near zero."""
_FIRST_BLIND_SIGMA_PX: Final = 4.0
_KERNEL_PX: Final = 25
_HASTE: Final = 60
"""Brightness that all pixels share drowns what a kernel could learn: its steps are tiny, so they
are raised to this power. Chosen on Gaussian blurs of 2, 3 and 5 px of a made-up face."""


def wiener(picture: F32, *, sigma_px: float, noise: float) -> F32:
    """Wiener filter against a Gaussian blur (Wiener 1949), over a mirrored border.

    Args:
        picture: float32 (H, W, 3), 0..255.
        sigma_px: standard deviation of the blur that is undone.
        noise: noise-to-signal power; smaller sharpens more.
    """
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((0, height), (0, width), (0, 0)), mode="symmetric")
    v, h = (fft.fftfreq(2 * side).astype(np.float32) for side in (height, width))
    transfer = np.exp(-2 * (np.pi * sigma_px) ** 2 * (v[:, None] ** 2 + h[None, :] ** 2))
    inverse = transfer / (transfer**2 + noise)
    spectrum = fft.fft2(padded, axes=(0, 1)) * inverse[..., None]
    return np.asarray(fft.ifft2(spectrum, axes=(0, 1)).real[:height, :width], np.float32)


def richardson_lucy(picture: F32, *, sigma_px: float, iterations: int) -> F32:
    """Richardson-Lucy deconvolution of a Gaussian blur (Richardson 1972, Lucy 1974).

    Args:
        picture: float32 (H, W, 3), 0..255.
        sigma_px: standard deviation of the blur that is undone.
        iterations: more sharpens more.
    """
    observed = np.clip(picture, _FLOOR, None)
    estimate = observed.copy()
    for _ in range(iterations):
        ratio = observed / np.maximum(cv2.GaussianBlur(estimate, (0, 0), sigma_px), _FLOOR)
        ratio = np.asarray(np.clip(ratio, 0, _LARGEST_RATIO), np.float32)
        estimate = np.asarray(estimate * cv2.GaussianBlur(ratio, (0, 0), sigma_px), np.float32)
    return np.clip(estimate, 0, 4 * 255).astype(np.float32)


def blind(picture: F32, *, rounds: int) -> F32:
    """Blind Richardson-Lucy: picture and kernel in turn (Fish et al. 1995).

    Args:
        picture: float32 (H, W, 3), 0..255.
        rounds: of one step for the kernel, then one for the picture.
    """
    observed = np.clip(picture, _FLOOR, None)
    grey = np.asarray(cv2.cvtColor(observed, cv2.COLOR_RGB2GRAY), np.float32)
    profile = cv2.getGaussianKernel(_KERNEL_PX, _FIRST_BLIND_SIGMA_PX, cv2.CV_32F)
    kernel: F32 = np.asarray(profile @ profile.T, np.float32)
    estimate = observed.copy()
    for _ in range(rounds):
        luma = np.asarray(cv2.cvtColor(estimate, cv2.COLOR_RGB2GRAY), np.float32)
        off = np.asarray(grey / np.maximum(_through(luma, kernel), _FLOOR), np.float32)
        gain = np.clip(_central(_correlated(off, luma)) / luma.sum(), 0, None) ** _HASTE
        kernel = np.asarray(kernel * gain / max(float((kernel * gain).sum()), _FLOOR), np.float32)
        seen = np.maximum(_through(estimate, kernel), _FLOOR)
        ratio = np.asarray(np.clip(observed / seen, 0, _LARGEST_RATIO), np.float32)
        estimate = np.asarray(estimate * _through(ratio, kernel[::-1, ::-1]), np.float32)
    return np.clip(estimate, 0, 4 * 255).astype(np.float32)


def _through(picture: F32, kernel: F32) -> F32:
    flipped = np.ascontiguousarray(kernel[::-1, ::-1])  # filter2D correlates
    return np.asarray(
        cv2.filter2D(picture, cv2.CV_32F, flipped, borderType=cv2.BORDER_REFLECT), np.float32
    )


def _correlated(ratio: F32, picture: F32) -> F32:
    """Circular cross-correlation, its zero shift in the middle."""
    spectrum = fft.fft2(ratio) * np.conj(fft.fft2(picture))
    return np.asarray(fft.fftshift(fft.ifft2(spectrum).real), np.float32)


def _central(array: F32) -> F32:
    y, x = (side // 2 - _KERNEL_PX // 2 for side in array.shape)
    return array[y : y + _KERNEL_PX, x : x + _KERNEL_PX]
