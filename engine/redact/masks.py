"""Masks: regions in, rectangles with margins, aligned to codec blocks, out.

A codec spreads a pixel over its block, and blocks are laid out in the *stored* picture, before EXIF
orientation. Snapping in the upright picture was measured to leave over a thousand pixels outside
the mask that still depended on what was in the box; snapping in the stored frame leaves none. What
is spread is the thing, not the margin around it, so the blocks of the box count, not those of the
margin: a mask reaches as far as the further of the two.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.geometry import Box, PixelRect, Size, to_stored, to_upright, upright_size
from engine.images import Leakage, SourceCodec
from engine.plan import Region
from engine.policy import Grow, Policy

CHROMA_BLEED_PX = 2
"""Chroma upsampling reaches 1 px past the block (measured); one more for safety."""
_NO_MARGIN = Grow(left=0, right=0, top=0, bottom=0)


def rects_of(
    regions: Iterable[Region], codec: SourceCodec, policy: Policy
) -> tuple[PixelRect, ...]:
    """For each region the upright pixels that removal covers."""
    return tuple(rect_of(region, codec, policy) for region in regions)


def rect_of(region: Region, codec: SourceCodec, policy: Policy) -> PixelRect:
    """The upright pixels that removal covers for one region.

    Args:
        region: a box in upright pixels, not yet grown; may reach beyond the picture.
        codec: where the file's blocks lie and how far they may have leaked.
        policy: how far each category grows.

    Returns:
        A rectangle inside the picture; of zero area when the region lies wholly outside.
    """
    size = upright_size(codec.stored_size, codec.orientation)
    if region.box.clipped(size).area == 0:
        return PixelRect(0, 0, 0, 0)
    margin = _grown(region.box, policy.grow(region.category), policy.removal.min_grow_px)
    box = _grown(region.box, _NO_MARGIN, policy.removal.min_grow_px)
    spread = _spread(box.outward().clipped(size), codec, policy)
    rect = margin.outward().clipped(size)
    return PixelRect(
        min(rect.x0, spread.x0),
        min(rect.y0, spread.y0),
        max(rect.x1, spread.x1),
        max(rect.y1, spread.y1),
    )


def _spread(rect: PixelRect, codec: SourceCodec, policy: Policy) -> PixelRect:
    """The upright pixels that a codec may have mixed with those of a rectangle."""
    stored = to_stored(rect, codec.orientation, codec.stored_size)
    reach = CHROMA_BLEED_PX
    if codec.leakage is Leakage.TWICE:
        reach += policy.codec.double_compression_px
    snapped = _snapped(stored, codec.block)
    widened = PixelRect(
        snapped.x0 - reach, snapped.y0 - reach, snapped.x1 + reach, snapped.y1 + reach
    ).clipped(codec.stored_size)
    return to_upright(widened, codec.orientation, codec.stored_size)


def mask_of(rects: Iterable[PixelRect], size: Size) -> NDArray[np.bool_]:
    """The union of rectangles as an array.

    Returns:
        bool (H, W), True where pixels must go; all False when there are no rectangles.
    """
    mask = np.zeros((size.height, size.width), dtype=np.bool_)
    for rect in rects:
        clipped = rect.clipped(size)
        mask[clipped.rows, clipped.columns] = True
    return mask


def _grown(box: Box, grow: Grow, least: float) -> Box:
    return Box(
        box.x0 - max(grow.left * box.width, least),
        box.y0 - max(grow.top * box.height, least),
        box.x1 + max(grow.right * box.width, least),
        box.y1 + max(grow.bottom * box.height, least),
    )


def _snapped(rect: PixelRect, block: Size) -> PixelRect:
    return PixelRect(
        rect.x0 // block.width * block.width,
        rect.y0 // block.height * block.height,
        -(-rect.x1 // block.width) * block.width,
        -(-rect.y1 // block.height) * block.height,
    )
