"""Double JPEG compression: whether a decoded picture shows traces of an earlier save.

What lay under a mask may have spread further in such a file, so it wants a wider margin. Two traces
are measured, both in a fixed sample of luma blocks:

* *Same grid.* Saved coarsely, then finely, the histogram of a coefficient has combs and holes where
  one saved once is smooth (Popescu and Farid 2004, "Statistical tools for digital forensics").
* *Shifted grid* (cropped in between). On the grid of the first save the coefficients still cluster
  at multiples of the first table's steps (after Bianchi and Piva 2012, "Image forgery localization
  via block-grained analysis of JPEG artifacts").

Neither sees a first save as fine as the last or finer, nor a picture scaled in between: those
leave no comb. An answer of False is therefore no proof; True is nearly always right.

Limits were set on 100 photographs of about 340 x 255 pixels. On 100 others: saved once at q60..q95,
3 of 500 called twice (all by the second trace). Same grid, q60 or q75 then q90, q75 then q95, q85
then q92: 399 of 400 noticed. Shifted grid, in that order: 100, 92, 100 and 49 of 100. A last save
at q75 or coarser than the first: 5 of 600, no better than chance.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

SAME_GRID_AT: Final = 3.0
"""Roughness of histograms. Saved once: at most 2.6 in 500, where the limit was set."""
SHIFTED_GRID_AT: Final = 5.0
"""Clustering against the median shift. Saved once: at most 4.5 in 400, likewise."""
COARSEST_LAST_STEP: Final = 6
"""Above this step the last save wipes out a shifted one, and its own comb would confuse."""

LEAST_PX: Final = 128 * 128
"""Smaller pictures have too few blocks: what looks like a comb there is chance."""

_SAME_GRID_BLOCKS: Final = 4000
_SHIFTED_GRID_BLOCKS: Final = 600
_FREQUENCIES: Final = ((0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0))
"""(row, column) of zigzag positions 1..9: low enough to be rarely zero."""
_SHIFTED_FREQUENCIES: Final = 5
_LARGEST_LEVEL: Final = 40
_LEAST_COUNT: Final = 10
_TOLERANCE: Final = 0.25
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_FIRST_STEPS: Final = np.arange(4, 24)
_BINS_PER_UNIT: Final = 4
_AMPLITUDE: Final = (2.5, 120.0)
"""Coefficients counted on shifted grids: not the many near zero, not the few far out."""
_BINS: Final = np.arange(int(_AMPLITUDE[1] * _BINS_PER_UNIT) + 1) / _BINS_PER_UNIT
_PATCH_PX: Final = 15
"""A block at each of the 8 x 8 shifts fits in."""
_SHIFTS: Final = 63
_LEAST_COEFFICIENTS: Final = 40
_EVIDENCE_FLOOR: Final = 5.0
"""Keeps the quotient calm where hardly any coefficient is left."""


def is_double_compressed(rgb: NDArray[np.uint8], luma_table: tuple[int, ...]) -> bool:
    """Whether there is clear evidence of an earlier save as JPEG.

    Args:
        rgb: (H, W, 3), as stored, before any turning.
        luma_table: the 64 quantisation steps of the file, in zigzag order.
    """
    if rgb.shape[0] * rgb.shape[1] < LEAST_PX:
        return False
    if same_grid_roughness(rgb, luma_table) >= SAME_GRID_AT:
        return True
    if luma_table[1] > COARSEST_LAST_STEP:
        return False
    return shifted_grid_clustering(rgb) >= SHIFTED_GRID_AT


def same_grid_roughness(rgb: NDArray[np.uint8], luma_table: tuple[int, ...]) -> float:
    """How far coefficient histograms are from smooth; about 0.5 for a picture saved once."""
    blocks = _luma_patches(rgb, 8, _SAME_GRID_BLOCKS)
    coefficients = blocks.reshape(-1, 64) @ _basis(len(_FREQUENCIES)).reshape(64, -1)
    roughness = []
    for index, values in enumerate(coefficients.T):
        levels = np.abs(np.rint(values / max(luma_table[index + 1], 1))).astype(np.int64)
        counts = np.bincount(np.minimum(levels, _LARGEST_LEVEL), minlength=_LARGEST_LEVEL + 1)
        roughness.append(_roughness(counts.astype(np.float64)))
    return float(np.mean(sorted(roughness)[-3:]))


def shifted_grid_clustering(rgb: NDArray[np.uint8]) -> float:
    """How much one shifted grid stands out from the median one; about 2 when none does."""
    patches = _luma_patches(rgb, _PATCH_PX, _SHIFTED_GRID_BLOCKS).reshape(-1, _PATCH_PX**2)
    # All shifts of all frequencies in one product: slicing blocks shift by shift took 8 x as long.
    coefficients = (patches @ _shifted_basis()).reshape(len(patches), _SHIFTS, _SHIFTED_FREQUENCIES)
    waves = np.cos(2 * np.pi * _BINS[None, :] / _FIRST_STEPS[:, None])
    evidence = [_clustering(coefficients[:, shift], waves) for shift in range(_SHIFTS)]
    return float(max(evidence) / (np.median(evidence) + _EVIDENCE_FLOOR))


def _roughness(counts: NDArray[np.float64]) -> float:
    """Mean chi-square distance of inner bins from the geometric mean of their neighbours.

    Exact for exponential tails; the tolerance lets Gaussian ones (noisy pictures) pass.
    """
    inner, expected = counts[2:-1], np.sqrt(counts[1:-2] * counts[3:])
    excess = np.maximum(np.abs(inner - expected) - _TOLERANCE * expected, 0)
    enough = inner + expected >= _LEAST_COUNT
    if enough.sum() < 2:
        return 0.0
    return float(np.mean(excess[enough] ** 2 / (inner + expected + 1)[enough]))


def _clustering(coefficients: NDArray[np.float32], waves: NDArray[np.float64]) -> float:
    """Power of the strongest period of each frequency's values, summed."""
    least, most = _AMPLITUDE
    total = 0.0
    for values in np.abs(coefficients.T):
        values = values[(values > least) & (values < most)]
        if len(values) < _LEAST_COEFFICIENTS:
            continue
        counts = np.bincount(
            np.rint(values * _BINS_PER_UNIT).astype(np.int64), minlength=len(_BINS)
        )
        strongest = float((waves @ counts).max()) / np.sqrt(len(values) / 2)
        total += max(strongest, 0.0) ** 2
    return total


def _luma_patches(rgb: NDArray[np.uint8], side: int, most: int) -> NDArray[np.float32]:
    """(N, side, side) patches that start on the 8-pixel grid, evenly spread; N <= `most`."""
    height, width = rgb.shape[:2]
    if min(height, width) < side:
        return np.zeros((0, side, side), np.float32)
    rows, columns = ((extent - side) // 8 + 1 for extent in (height, width))
    numbers = np.arange(0, rows * columns, rows * columns // most + 1)
    windows = sliding_window_view(rgb.reshape(height, -1), (side, 3 * side))
    patches = windows[numbers // columns * 8, numbers % columns * 8 * 3]
    luma: NDArray[np.float32] = patches.reshape(-1, side, side, 3) @ _LUMA
    return luma


@functools.cache
def _basis(frequencies: int) -> NDArray[np.float32]:
    """(8, 8, `frequencies`): DCT-II basis pictures (ITU-T T.81, A.3.3)."""
    angles = (2 * np.arange(8) + 1) * np.pi / 16
    pictures = []
    for row, column in _FREQUENCIES[:frequencies]:
        scale = (1 if row else np.sqrt(0.5)) * (1 if column else np.sqrt(0.5)) / 4
        pictures.append(scale * np.outer(np.cos(row * angles), np.cos(column * angles)))
    return np.stack(pictures, axis=-1).astype(np.float32)


@functools.cache
def _shifted_basis() -> NDArray[np.float32]:
    """(15 * 15, 63 * frequencies): the basis pictures at every shift but none."""
    shifts = [(dy, dx) for dy in range(8) for dx in range(8) if (dy, dx) != (0, 0)]
    placed = np.zeros((_PATCH_PX, _PATCH_PX, len(shifts), _SHIFTED_FREQUENCIES), np.float32)
    for index, (dy, dx) in enumerate(shifts):
        placed[dy : dy + 8, dx : dx + 8, index] = _basis(_SHIFTED_FREQUENCIES)
    return placed.reshape(_PATCH_PX**2, -1)
