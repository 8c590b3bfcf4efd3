"""Removals that leak. What claims to catch leaks must catch these."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.images import RgbImage
from engine.redact.removal import remove


def blur_from_the_original(original: RgbImage, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    blurred = cv2.GaussianBlur(original.rgb, (0, 0), 24)
    return np.where(mask[..., None], blurred, original.rgb)


def inpaint_without_erase(original: RgbImage, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    if mask.all():  # where nothing is known, cv2.inpaint() hands its input back
        return cv2.inpaint(original.rgb, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    core = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return cv2.inpaint(original.rgb, core, 3, cv2.INPAINT_TELEA)


def feather_with_the_original(original: RgbImage, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    filled = remove(original, mask, seed=7).rgb
    depth = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    share = np.clip(depth / 4, 0, 1)[..., None]
    return np.rint(original.rgb * (1 - share) + filled * share).astype(np.uint8)


def one_leaked_bit(original: RgbImage, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    leaky = remove(original, mask, seed=7).rgb.copy()
    row, column = np.argwhere(mask)[0]
    leaky[row, column, 1] = (leaky[row, column, 1] & 0xFE) | (original.rgb[row, column, 1] & 1)
    return leaky


def grain_seeded_by_the_picture(original: RgbImage, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return remove(original, mask, seed=int(original.rgb.sum())).rgb


LEAKY_REMOVALS = {
    "blur from the original": blur_from_the_original,
    "inpaint without erase": inpaint_without_erase,
    "feather with the original": feather_with_the_original,
    "one leaked bit of one pixel": one_leaked_bit,
    "grain seeded by the picture": grain_seeded_by_the_picture,
}
