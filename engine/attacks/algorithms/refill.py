"""Refill attack: recompute the fill from public pixels, and subtract it from the release.

The grain's seed is secret, so several fills are averaged until their own grain is weak; what then
remains is the release's grain, and whatever a leak would have left.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.redact.inpaint import fill_hole, window_of

F32 = NDArray[np.float32]

_SEEDS: Final = range(4)
_MIDDLE: Final = 128.0


def without_fill(picture: F32, mask: NDArray[np.bool_], *, gain: float) -> F32:
    """The residual of a release and its recomputed fill, times `gain`, around grey.

    Args:
        picture: float32 (H, W, 3), 0..255: the mask and some surroundings.
        mask: (H, W), True where pixels were hidden.
        gain: amplification.
    """
    patch = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    fills = [
        fill_hole(patch, mask, mask, "pushpull", np.random.default_rng(seed)) for seed in _SEEDS
    ]
    guess = np.zeros_like(picture)
    guess[window_of(mask)] = np.mean(fills, axis=0, dtype=np.float32)
    left = np.where(mask[..., None], picture - guess, 0)
    return np.asarray(_MIDDLE + gain * left, np.float32)
