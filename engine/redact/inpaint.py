"""Inpainting: a patch with erased pixels and its hole in, the filled patch out.

`pushpull` is the pyramid of Gortler et al., "The Lumigraph" (SIGGRAPH 1996), section 3.4: weighted
averages down until no hole is left, then down-level values carried up into what is unknown.
`telea` is Telea, "An image inpainting technique based on the fast marching method" (2004), by way
of OpenCV. Both run on a reduced patch: a fill has no detail, so none is worth computing.
"""

from __future__ import annotations

from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

WORKING_PX = 192
"""Longer side of the reduced patch."""
BLUR_SHARE = 0.06
"""Standard deviation of the final Gaussian, as a share of the hole's shorter side."""
SOFT_EDGE_SHARE = 0.10
"""Depth, as a share of the hole's shorter side, over which the blur takes over from the fill."""
TELEA_RADIUS_PX = 3
TELEA_LEAST_PX = 2
"""Of both sides: of a single row or column `cv2.inpaint` (5.0.0) reads memory that is not its own,
which gave other colours in every run and could hold anything."""
GRAIN_RING_PX = 12
"""How far around the hole the surroundings' grain is measured."""
MOST_GRAIN = 12.0
"""Standard deviation that grain has at most; beyond it surroundings are texture and not noise."""

F32 = NDArray[np.float32]


class Fill(StrEnum):
    """How a hole is filled before it is blurred."""

    PUSHPULL = "pushpull"
    TELEA = "telea"
    SOLID = "solid"


def fill_hole(
    patch: NDArray[np.uint8],
    unknown: NDArray[np.bool_],
    hole: NDArray[np.bool_],
    fill: Fill,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Inpaint the hole from the known pixels of its patch.

    Args:
        patch: uint8 (h, w, 3), zero wherever `unknown`; not written to.
        unknown: (h, w), every erased pixel of the patch, of this hole and of others.
        hole: (h, w), the pixels wanted.
        fill: `PUSHPULL` or `TELEA`.
        rng: draws the grain.

    Returns:
        uint8 (h, w, 3); meaningful under `hole` only.
    """
    height, width = unknown.shape
    scale = min(1.0, WORKING_PX / max(height, width))
    small_size = (max(round(width * scale), 1), max(round(height * scale), 1))
    known = (~unknown).astype(np.float32)
    colour = patch.astype(np.float32)  # already zero where unknown, so: premultiplied
    if scale < 1.0:
        colour, known = _resized(colour, small_size), _resized(known, small_size)
    filled = _telea(colour, known) if fill is Fill.TELEA else _pushpull(colour, known)
    small_hole = cv2.resize(hole.view(np.uint8), small_size, interpolation=cv2.INTER_NEAREST) > 0
    blurred = _soft_edged_blur(filled, small_hole)
    if scale < 1.0:
        blurred = _resized(blurred, (width, height), cv2.INTER_LINEAR)
    noise = rng.standard_normal((*hole.shape, 1), dtype=np.float32)
    inner = _window(hole, 0)
    grained = blurred[inner] + noise[inner] * _grain(patch, unknown, hole)
    result = np.zeros_like(patch)
    result[inner] = np.clip(np.rint(grained, out=grained), 0, 255, out=grained)
    return result


def _resized(array: F32, size: tuple[int, int], interpolation: int = cv2.INTER_AREA) -> F32:
    return np.asarray(cv2.resize(array, size, interpolation=interpolation), dtype=np.float32)


def _pushpull(colour: F32, known: F32) -> F32:
    """Carry known colours inward over a pyramid.

    Args:
        colour: (h, w, 3), premultiplied by `known`.
        known: (h, w) in 0..1.
    """
    if known.min() >= 1.0 or max(known.shape) == 1:
        return np.asarray(colour / np.maximum(known, 1e-6)[..., None], dtype=np.float32)
    half = ((known.shape[1] + 1) // 2, (known.shape[0] + 1) // 2)
    down_known, down_colour = _resized(known, half), _resized(colour, half)
    gain = np.minimum(2.0, 1.0 / np.maximum(down_known, 1e-6))  # weights fill up, capped at 1
    coarse = _pushpull(down_colour * gain[..., None], down_known * gain)
    up = _resized(coarse, (known.shape[1], known.shape[0]), cv2.INTER_LINEAR)
    missing = (1.0 - known)[..., None]
    for _ in range(2):  # sweeps over unknown cells only: known ones stay put
        mixed = cv2.blur(colour + missing * up, (3, 3), borderType=cv2.BORDER_REPLICATE)
        up = np.asarray(mixed, dtype=np.float32)
    return np.asarray(colour + missing * up, dtype=np.float32)


def _telea(colour: F32, known: F32) -> F32:
    whole = known > 0.999  # a reduced cell that is part known holds a darkened mixture
    public = np.where(whole[..., None], colour, 0.0).astype(np.uint8)
    if not whole.any() or min(whole.shape) < TELEA_LEAST_PX:
        return _pushpull(colour, known)  # inpaint() returns its input where nothing is known
    hidden = (~whole).astype(np.uint8)
    filled = cv2.inpaint(public, hidden, TELEA_RADIUS_PX, cv2.INPAINT_TELEA)
    return filled.astype(np.float32)


def _soft_edged_blur(filled: F32, hole: NDArray[np.bool_]) -> F32:
    """Blur the hole, taking over from the unblurred fill across its inner rim.

    Both pictures that are mixed here are public; the original is not within reach.
    """
    ys, xs = np.nonzero(hole)
    if not len(ys):
        return filled
    shorter = float(min(np.ptp(ys), np.ptp(xs)) + 1)
    sigma = max(BLUR_SHARE * shorter, 0.5)
    blurred = cv2.GaussianBlur(filled, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(hole.view(np.uint8), cv2.DIST_L2, 3)
    share = np.clip(depth / max(SOFT_EDGE_SHARE * shorter, 1.0), 0.0, 1.0)[..., None]
    return np.asarray(filled + share * (blurred - filled), dtype=np.float32)


def _grain(
    patch: NDArray[np.uint8], unknown: NDArray[np.bool_], hole: NDArray[np.bool_]
) -> np.float32:
    """Standard deviation of the surroundings' own noise, so that a fill does not look like wax.

    It is Immerkær's estimate ("Fast noise variance estimation", 1996), taken as a median over known
    pixels in a ring around the hole, one value for all channels (luma noise).
    """
    around = _window(hole, GRAIN_RING_PX + 2)  # the ring, and what its pixels are compared with
    patch, unknown, hole = patch[around], unknown[around], hole[around]
    reach = 2 * GRAIN_RING_PX + 1
    near = cv2.dilate(hole.view(np.uint8), np.ones((reach, reach), np.uint8)).view(np.bool_)
    touched = cv2.dilate(unknown.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)
    ring = near & ~touched
    if not ring.any():
        return np.float32(0)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
    response = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel))[ring]
    deviation = float(np.median(response)) / (6.0 * 0.6745)  # median of |N(0, 36 s^2)|
    return np.float32(min(deviation, MOST_GRAIN))


def _window(hole: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """The smallest window that holds the hole, with a margin inside its patch."""
    ranges = []
    for axis in (0, 1):
        there = np.flatnonzero(hole.any(axis=1 - axis))
        first, last = (int(there[0]), int(there[-1])) if len(there) else (0, -1)
        ranges.append(slice(max(first - margin, 0), last + 1 + margin))
    return ranges[0], ranges[1]
