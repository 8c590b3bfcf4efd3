"""Removal: picture and mask in, erased, inpainted from outside and blurred picture out.

The erase comes first, so that nothing after it can read what was under the mask: irreversibility
rests on data flow, not on how strong the blur is. `remove` is the only maker of a `RedactedImage`.

Each connected hole is filled on its own from a patch of its surroundings, so the cost follows the
area removed and not the picture, and the order of holes cannot matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.images import RedactedImage, RgbImage
from engine.redact.inpaint import Fill, fill_hole

FillName: TypeAlias = Literal["pushpull", "telea", "solid"]

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
        ValueError: `mask` does not have the picture's height and width.
    """
    if mask.shape != image.rgb.shape[:2]:
        raise ValueError(f"mask {mask.shape} does not fit picture {image.rgb.shape[:2]}")
    erased = image.rgb.copy()
    del image  # the barrier: once the mask is zeroed, only public pixels exist
    span = _span(mask)
    np.copyto(erased[span], np.uint8(0), where=mask[span][..., None])
    if fill != "solid" and mask.any():
        if mask.all():
            erased[:] = GREY
        else:
            _fill_holes(erased, mask, Fill(fill), seed)
    erased.flags.writeable = False
    return RedactedImage(erased)


def _fill_holes(erased: NDArray[np.uint8], mask: NDArray[np.bool_], fill: Fill, seed: int) -> None:
    fills = []
    for number, hole in enumerate(_holes(mask)):
        rng = np.random.default_rng((seed, number))
        filled = fill_hole(erased[hole.patch], mask[hole.patch], hole.pixels, fill, rng)
        fills.append((hole, filled))
    for hole, filled in fills:  # written last, so that no fill reads another
        np.copyto(erased[hole.patch], filled, where=hole.pixels[..., None])


_Window: TypeAlias = tuple[slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class _Hole:
    patch: _Window
    """The hole and as much of its surroundings as the fill may see."""
    pixels: NDArray[np.bool_]
    """(patch height, patch width): this hole's pixels, without other holes in the patch."""


def _holes(mask: NDArray[np.bool_]) -> Iterator[_Hole]:
    """Connected holes, labelled within the part of the picture that has any."""
    height, width = mask.shape
    rows, columns = _span(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(mask[rows, columns]).view(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    for label in range(1, count):
        x, y, w, h = (int(value) for value in stats[label, :4])
        margin = int(np.clip(MARGIN_SHARE * max(w, h), MARGIN_MIN_PX, MARGIN_MAX_PX))
        top, left = y + rows.start, x + columns.start
        patch = (
            slice(max(top - margin, 0), min(top + h + margin, height)),
            slice(max(left - margin, 0), min(left + w + margin, width)),
        )
        pixels = np.zeros((patch[0].stop - patch[0].start, patch[1].stop - patch[1].start), bool)
        inner = np.s_[top - patch[0].start :, left - patch[1].start :]
        pixels[inner][:h, :w] = labels[y : y + h, x : x + w] == label
        yield _Hole(patch, pixels)


def _span(mask: NDArray[np.bool_]) -> _Window:
    """The smallest window that holds the whole mask; empty when the mask is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
