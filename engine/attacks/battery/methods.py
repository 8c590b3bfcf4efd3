"""Methods of hiding: the product's fills, positive controls, and leak-injected controls.

Attacks must break positive controls (blur, mosaic), or a run proves nothing. Controls live here
alone: removal cannot make them, and nothing can encode them, for they are plain arrays and no
`RedactedImage`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.images import RgbImage
from engine.policy import FillName
from engine.redact import removal

Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]

FEATHER_SHARE: Final = 0.25
"""Depth of the feathered edge, as a share of the mask's shorter side."""


class Kind(StrEnum):
    """Role of a method in the battery."""

    FILL = "fill"
    """Ours: nothing may be found in it."""
    CONTROL = "control"
    """Popular and unsafe: must be broken in the same run, or the battery proves nothing."""
    MIX = "mix"
    """Our default fill with a known share of the original: how little would be noticed."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way to hide pixels."""

    name: str
    kind: Kind
    words: str
    """One plain sentence, for the report and the page."""
    amount: float = 0.0
    """Blur: standard deviation as a share of the mask's shorter side; pixelate: cells along it;
    mix: share of the original."""
    title: str = ""
    """For a visitor who chooses; empty for what only the battery runs."""


def blur(share: float, words: str = "A blur of the original.") -> Method:
    """Gaussian blur, its standard deviation as a share of the mask's shorter side."""
    return Method(f"blur-{100 * share:g}", Kind.CONTROL, words, share, f"Blur, {share:.0%}")


def pixelate(cells: int) -> Method:
    """Mosaic of so many cells along the mask's shorter side."""
    words = f"A mosaic of {cells} by {cells} cells."
    return Method("pixelate", Kind.CONTROL, words, cells, f"Pixelation, {cells} cells")


_FILLS: Final = (
    Method(
        "pushpull",
        Kind.FILL,
        "Lethe's default: colours carried in from outside, then blurred.",
        title="Lethe: push-pull, the default",
    ),
    Method(
        "telea",
        Kind.FILL,
        "Lethe's other fill: inpainted from outside, then blurred.",
        title="Lethe: Telea",
    ),
    Method("solid", Kind.FILL, "A black box.", title="Lethe: black box"),
)
_CONTROLS: Final = (
    blur(0.06, "A light blur of the original."),
    blur(0.12, "A strong blur of the original."),
    blur(0.25, "A blur that leaves only a cloud of colour."),
    pixelate(8),
    Method(
        "feather",
        Kind.CONTROL,
        "Our fill, faded into the original towards the edge.",
        FEATHER_SHARE,
    ),
)
FILLS: Final = {method.name: method for method in _FILLS}
CONTROLS: Final = {method.name: method for method in _CONTROLS}
MIXED_SHARES: Final = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
METHODS: Final = FILLS | CONTROLS


def leak_injected(share: float) -> Method:
    """Leak-injected control: the default fill with `share` (0..1) of the original mixed in."""
    return Method(f"mix-{share:g}", Kind.MIX, f"Our fill with {share:.0%} of the original.", share)


def hide(method: Method, image: RgbImage, mask: Mask, *, seed: int) -> Rgb:
    """The picture after `method` hid what lies under `mask`.

    Args:
        method: from `METHODS`, or `leak_injected`.
        image: the original.
        mask: (H, W), True where pixels are hidden; at least one.
        seed: for a fill's grain.

    Returns:
        uint8 (H, W, 3), equal to the original outside the mask.
    """
    if method.kind is Kind.FILL:
        return removal.remove(image, mask, fill=cast("FillName", method.name), seed=seed).rgb
    hidden = _hidden(method, image, mask, seed)
    return np.where(mask[..., None], np.rint(hidden).astype(np.uint8), image.rgb)


def _hidden(method: Method, image: RgbImage, mask: Mask, seed: int) -> NDArray[np.float32]:
    """Pixels of a positive control under the mask; undefined outside."""
    original = image.rgb.astype(np.float32)
    if method.name.startswith("blur"):
        sigma = max(method.amount * _shorter(mask), 0.3)
        return np.asarray(cv2.GaussianBlur(original, (0, 0), sigma), np.float32)
    if method.name == "pixelate":
        return _pixelated(original, mask, int(method.amount))
    filled = removal.remove(image, mask, seed=seed).rgb.astype(np.float32)
    share: NDArray[np.float32] | float = method.amount
    if method.name == "feather":
        depth = cv2.distanceTransform(np.pad(mask, 1).view(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
        share = np.clip(1 - depth / max(method.amount * _shorter(mask), 1), 0, 1)[..., None]
    return np.asarray(filled + share * (original - filled), np.float32)


def _pixelated(original: NDArray[np.float32], mask: Mask, cells: int) -> NDArray[np.float32]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = original[window].shape[:2]
    cell = max(min(height, width) / cells, 1)
    coarse_size = (max(round(width / cell), 1), max(round(height / cell), 1))
    coarse = cv2.resize(original[window], coarse_size, interpolation=cv2.INTER_AREA)
    pixelated = original.copy()
    pixelated[window] = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    return pixelated


def _shorter(mask: Mask) -> int:
    """Shorter side of the mask's bounding box, in px."""
    return int(min(np.ptp(np.flatnonzero(mask.any(axis=axis))) + 1 for axis in (0, 1)))
