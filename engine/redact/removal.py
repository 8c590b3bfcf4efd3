"""Removal: picture and mask in, erased, inpainted from outside and blurred picture out.

The erase comes first, so that nothing after it can read what was under the mask: irreversibility
rests on data flow, not on how strong the blur is. `remove` is the only maker of a `RedactedImage`.

Each connected hole is filled on its own from a patch of its surroundings, so the cost follows the
area removed and not the picture. No fill reads another; their numbering draws the grain.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from engine.images import RedactedImage, RgbImage
from engine.policy import FillName
from engine.redact.copying import put
from engine.redact.holes import Hole, holes_of
from engine.redact.inpaint import fill_hole

GREY = 128
"""What a picture masked from edge to edge becomes: there is nothing to fill it from."""

MARGIN_SHARE, MARGIN_MIN_PX, MARGIN_MAX_PX = 0.35, 16, 160
"""How much of the surroundings a fill sees, as a share of the hole's longer side."""


def remove(
    image: RgbImage, mask: NDArray[np.bool_], *, fill: FillName = "pushpull", seed: int
) -> RedactedImage:
    """Replace the pixels under `mask` by a fill made only from pixels outside it.

    Args:
        image: the upright original; left untouched.
        mask: (H, W), True where pixels must go.
        fill: `pushpull` and `telea` carry the surroundings inward and blur them; `solid` is black.
        seed: for the grain laid over the fill; must not be derived from the picture.

    Raises:
        ValueError: `mask` does not have the picture's height and width, or there is no such fill.
    """
    if mask.shape != image.rgb.shape[:2]:
        raise ValueError(f"mask {mask.shape} does not fit picture {image.rgb.shape[:2]}")
    released = image.rgb.copy()
    del image  # the barrier: from here on only the copy is within reach
    erase_and_fill(released, mask, fill=fill, seed=seed)
    released.flags.writeable = False
    return RedactedImage(released)


def erase_and_fill(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_], *, fill: FillName = "pushpull", seed: int
) -> None:
    """Removal in place; see `remove`.

    Args:
        rgb: uint8 (H, W, 3), writeable.
        mask: (H, W).
        fill: as of `remove`.
        seed: as of `remove`.
    """
    if fill not in get_args(FillName):
        raise ValueError(f"expected a fill of {get_args(FillName)}, got {fill!r}")
    holes = holes_of(mask)
    for hole in holes:  # all of them first: once they are zeroed, only public pixels exist
        put(np.zeros((*hole.pixels.shape, 3), np.uint8), hole.pixels, rgb[hole.window])
    if fill == "solid":
        return
    if mask.all():
        rgb[:] = GREY
        return
    for number, hole in enumerate(holes):
        filled = _filled(rgb, mask, hole, fill, np.random.default_rng((seed, number)))
        put(filled, hole.pixels, rgb[hole.window])


def _filled(
    erased: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    hole: Hole,
    fill: FillName,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """What a hole's window is filled with, from as much of its surroundings as it may see.

    Of them it reads what is not masked, and so no other fill.
    """
    longer = max(hole.pixels.shape)
    margin = int(np.clip(MARGIN_SHARE * longer, MARGIN_MIN_PX, MARGIN_MAX_PX))
    patch = hole.grown(margin, mask.shape)
    top, left = (inner.start - outer.start for inner, outer in zip(hole.window, patch, strict=True))
    height, width = hole.pixels.shape
    pixels = np.zeros(mask[patch].shape, np.bool_)
    pixels[top : top + height, left : left + width] = hole.pixels
    return fill_hole(erased[patch], mask[patch], pixels, fill, rng)
