"""Inpainting: a patch with erased pixels and its hole in, the filled patch out.

`pushpull` is the pyramid of Gortler et al., "The Lumigraph" (SIGGRAPH 1996), section 3.4: weighted
averages down until no hole is left, then down-level values carried up into what is unknown.
`telea` is Telea, "An image inpainting technique based on the fast marching method" (2004), by way
of OpenCV. Both run on a reduced patch: a fill has no detail, so none is worth computing.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.policy import FillName
from engine.redact.copying import put

WORKING_PX = 192
"""Longer side of the reduced patch at most; it is reduced by a whole factor."""
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
NORMAL = np.array(
    [NormalDist().inv_cdf((step + 0.5) / 256) for step in range(256)], dtype=np.float32
)
"""The normal distribution in 256 equally likely values: as good for grain as any number of them,
and drawn, a byte a pixel, in a tenth of the time."""

STRIP_PX = 2**18
"""About so many pixels are worked on at once."""
_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)

F32 = NDArray[np.float32]


def fill_hole(
    patch: NDArray[np.uint8],
    unknown: NDArray[np.bool_],
    hole: NDArray[np.bool_],
    fill: FillName,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Inpaint the hole from the known pixels of its patch.

    Args:
        patch: uint8 (h, w, 3); neither read where `unknown` nor written to.
        unknown: (h, w), every erased pixel of the patch, of this hole and of others.
        hole: (h, w), the pixels wanted.
        fill: `pushpull` or `telea`.
        rng: draws the grain.

    Returns:
        uint8 (h, w, 3), of the smallest window that holds the hole; meaningful under `hole` only.
    """
    factor = -(-max(unknown.shape) // WORKING_PX)
    colour, known = _reduced(patch, unknown, factor)
    filled = _telea(colour, known) if fill == "telea" else _pushpull(colour, known)
    small_hole = cv2.resize(
        hole.view(np.uint8), known.shape[::-1], interpolation=cv2.INTER_NEAREST
    ).astype(np.bool_)
    blurred = _soft_edged_blur(filled, small_hole)
    rows, columns = window_of(hole)
    grain = _grain(patch, unknown, hole)
    result = np.empty((rows.stop - rows.start, columns.stop - columns.start, 3), np.uint8)
    for strip in _strips(*result.shape[:2]):
        there = slice(rows.start + strip.start, rows.start + strip.stop)
        enlarged = _enlarged(blurred, factor, there, columns)
        noise = cv2.LUT(_drawn(rng, *enlarged.shape[:2]), grain * NORMAL)
        alike = cv2.cvtColor(noise, cv2.COLOR_GRAY2RGB)
        cv2.add(enlarged, alike, dst=result[strip], dtype=cv2.CV_8U)  # rounded, within 0..255
    return result


def _drawn(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Random bytes (height, width), row by row the same in however many draws.

    A generator gives four bytes at a time and forgets those that one draw leaves over.
    """
    return rng.integers(0, len(NORMAL), (height, -(-width // 4) * 4), np.uint8)[:, :width]


def _strips(height: int, width: int, multiple: int = 1) -> Iterator[slice]:
    """Rows that are worked on at once, so that what is computed of them stays in the cache."""
    step = max(STRIP_PX // max(width, 1) // multiple, 1) * multiple
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def _reduced(patch: NDArray[np.uint8], unknown: NDArray[np.bool_], factor: int) -> tuple[F32, F32]:
    """Means over cells of `factor` x `factor` pixels; beyond the patch nothing is known.

    Returns:
        Colours (h, w, 3), premultiplied by the known share; the known share (h, w), 0..1.
    """
    height, width = unknown.shape
    size = -(-height // factor), -(-width // factor)
    colour, known = np.empty((*size, 3), np.float32), np.empty(size, np.float32)
    right = size[1] * factor - width
    for strip in _strips(height, width, factor):
        public = ~unknown[strip]
        premultiplied = np.zeros_like(patch[strip])
        put(patch[strip], public, premultiplied)
        cells = slice(strip.start // factor, -(-strip.stop // factor))
        below = cells.stop * factor - strip.stop
        for source, target in ((premultiplied, colour), (public.view(np.uint8), known)):
            padded = cv2.copyMakeBorder(source, 0, below, 0, right, cv2.BORDER_CONSTANT, value=0)
            target[cells] = _resized(
                np.asarray(padded, np.float32), (size[1], cells.stop - cells.start)
            )
    return colour, known


def _enlarged(small: F32, factor: int, rows: slice, columns: slice) -> F32:
    """A window of `small`, enlarged by `factor` with bilinear interpolation."""
    cells = [
        slice(max(side.start // factor - 1, 0), min(-(-side.stop // factor) + 1, most))
        for side, most in zip((rows, columns), small.shape, strict=False)
    ]
    part = small[cells[0], cells[1]]
    size = part.shape[1] * factor, part.shape[0] * factor
    top, left = (
        side.start - cell.start * factor for side, cell in zip((rows, columns), cells, strict=True)
    )
    bottom, right = top + rows.stop - rows.start, left + columns.stop - columns.start
    return _resized(part, size, cv2.INTER_LINEAR)[top:bottom, left:right]


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
    reach = GRAIN_RING_PX + 1  # the ring, and what its pixels are compared with
    rows, columns = window_of(hole, reach)
    width = columns.stop - columns.start
    responses = []
    for strip in _strips(rows.stop - rows.start, width):
        top, bottom = rows.start + strip.start, rows.start + strip.stop
        halo = slice(max(top - reach, 0), min(bottom + reach, len(hole)))
        own = slice(top - halo.start, bottom - halo.start)
        ring = _ring(unknown[halo, columns], hole[halo, columns])[own]
        if ring.any():
            responses.append(_noise(patch[halo, columns])[own][ring])
    if not responses:
        return np.float32(0)
    deviation = float(np.median(np.concatenate(responses))) / (6.0 * 0.6745)
    return np.float32(min(deviation, MOST_GRAIN))  # a median of |N(0, 36 s^2)|


def _ring(unknown: NDArray[np.bool_], hole: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels near the hole all of whose neighbours are known."""
    square = np.ones((2 * GRAIN_RING_PX + 1,) * 2, np.uint8)
    near = cv2.dilate(hole.view(np.uint8), square).view(np.bool_)
    touched = cv2.dilate(unknown.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)
    return np.asarray(near & ~touched)


def _noise(patch: NDArray[np.uint8]) -> F32:
    """Immerkær's response (h, w) at every pixel, absolute; at the patch's edge mirrored."""
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    response = cv2.filter2D(grey, cv2.CV_32F, _KERNEL, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(np.abs(response), np.float32)


def window_of(hole: NDArray[np.bool_], margin: int = 0) -> tuple[slice, slice]:
    """The smallest window that holds the hole, with a margin inside its patch."""
    ranges = []
    for axis in (0, 1):
        there = np.flatnonzero(hole.any(axis=1 - axis))
        first, last = (int(there[0]), int(there[-1])) if len(there) else (0, -1)
        side = hole.shape[axis]
        ranges.append(slice(max(first - margin, 0), min(max(last + 1 + margin, 0), side)))
    return ranges[0], ranges[1]
