"""Looks: the same picture at several scales and turns, and boxes brought back from each.

Detectors are trained on upright pictures; a person lying down or a picture saved sideways is missed
unless the picture is turned. Small things are missed unless the picture is large, and what is
small in a large picture is missed unless it is looked at piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.detect.nms import surest
from engine.geometry import PixelRect, Size

STRIDE_PX = 32
"""Networks here halve five times; sides are padded up to a multiple of this."""
LARGEST_ZOOM = 2.0
"""Small pictures are enlarged this much at most."""
OVERLAP_PX = 128
"""Neighbouring tiles share this much: what is larger was seen in the looks at the whole picture."""

Infer: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""What a network sees in one look: (h, w, 3) to (N, 6) `x0 y0 x1 y1 score class`, look pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One view of a picture or a piece of it: scaled, turned counter-clockwise, then padded."""

    rgb: NDArray[np.uint8]
    """(h, w, 3), both sides multiples of `STRIDE_PX`; the padding, right and bottom, is black."""
    scale: float
    """Look pixels per picture pixel."""
    quarter_turns: int
    """How often the piece was turned by 90 degrees counter-clockwise, 0..3."""
    piece: PixelRect
    """What of the upright picture it shows."""

    def to_picture(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring boxes (N, 4) `x0 y0 x1 y1` from look pixels to pixels of the upright picture."""
        x0, y0, x1, y1 = (boxes / self.scale).T
        width, height = self.piece.x1 - self.piece.x0, self.piece.y1 - self.piece.y0
        if self.quarter_turns == 1:
            x0, y0, x1, y1 = width - y1, x0, width - y0, x1
        elif self.quarter_turns == 2:
            x0, y0, x1, y1 = width - x1, height - y1, width - x0, height - y0
        elif self.quarter_turns == 3:
            x0, y0, x1, y1 = y0, height - x1, y1, height - x0
        left, top = self.piece.x0, self.piece.y0
        return np.stack([x0 + left, y0 + top, x1 + left, y1 + top], axis=1)

    def detect_with(self, infer: Infer) -> NDArray[np.float32]:
        """What a network sees in it, as `Infer` gives it but in pixels of the upright picture."""
        seen = infer(self.rgb)
        return np.column_stack([self.to_picture(seen[:, :4]), seen[:, 4:]])


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """Which looks are taken at a picture."""

    scales: Sequence[int]
    """Longer side in pixels, the cheapest first."""
    rotations: Sequence[int]
    """Degrees counter-clockwise."""
    sure_at: float
    """A turn in which something is seen best, and with this score, is looked at again."""
    seen_at: float
    """The same where no turn was that sure."""
    tile_px: int = 0
    """Side of the pieces in which a picture much larger than any scale is looked at, unscaled."""


def detect_in_views(
    rgb: NDArray[np.uint8], view_plan: ViewPlan, infer: Infer
) -> NDArray[np.float32]:
    """Everything seen upright, and in the turns in which something is seen best.

    The first scale is looked at in every turn. In a turn in which that saw something better than in
    the others, the dearer looks, other scales and tiles, are taken as well as upright; what it saw
    in any other turn is passed over, for upright things on their side are taken for much.

    Returns:
        (N, 6) `x0 y0 x1 y1 score class` in pixels of the upright picture, which boxes may exceed.
    """
    first, *others = _scales(view_plan.scales, max(rgb.shape[:2]))
    seen = {
        rotation: whole_view(rgb, first, rotation).detect_with(infer)
        for rotation in view_plan.rotations
    }
    again = {0} | (_best_turns(seen, view_plan.sure_at) or _best_turns(seen, view_plan.seen_at))
    dearer = [whole_view(rgb, longer, rotation) for longer in others for rotation in sorted(again)]
    found = [rows for rotation, rows in seen.items() if rotation in again or 0 not in seen]
    found += [look.detect_with(infer) for look in dearer]
    if view_plan.tile_px and max(rgb.shape[:2]) > max(*view_plan.scales, view_plan.tile_px) * 1.5:
        tiles = (
            tile
            for rotation in sorted(again)
            for tile in tiles_of(rgb, view_plan.tile_px, rotation)
        )
        found += [tile.detect_with(infer) for tile in tiles]
    return np.concatenate(found)


def whole_view(rgb: NDArray[np.uint8], longer: int, rotation: int) -> View:
    """A view of the whole picture.

    Args:
        rgb: uint8 (H, W, 3), upright.
        longer: the longer side's length in the view, before padding, in pixels.
        rotation: degrees counter-clockwise: 0, 90, 180 or 270.
    """
    height, width = rgb.shape[:2]
    scale = longer / max(width, height)
    target = (max(round(width * scale), 1), max(round(height * scale), 1))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(rgb, target, interpolation=how), dtype=np.uint8)
    whole = PixelRect(0, 0, width, height)
    return View(_padded(np.rot90(scaled, rotation // 90)), scale, rotation // 90, whole)


def tiles_of(rgb: NDArray[np.uint8], side: int, rotation: int) -> Iterator[View]:
    """Looks at pieces of a picture, unscaled, that overlap and together show all of it."""
    height, width = rgb.shape[:2]
    for y in _starts(height, side):
        for x in _starts(width, side):
            piece = PixelRect(x, y, x + side, y + side).clipped(Size(width, height))
            turned = np.rot90(rgb[piece.rows, piece.columns], rotation // 90)
            yield View(_padded(turned), 1.0, rotation // 90, piece)


def _scales(scales: Sequence[int], longer: int) -> list[int]:
    """The scales that show more of a picture whose longer side is `longer`, the cheapest first.

    Beyond `LARGEST_ZOOM` nothing more is to be seen, so that larger scales are cut down to it.
    """
    most = max(round(LARGEST_ZOOM * longer), STRIDE_PX)
    return sorted({min(scale, most) for scale in scales})


def _starts(length: int, side: int) -> list[int]:
    """Where pieces of a length begin: as few as overlap enough, evenly spread."""
    if length <= side:
        return [0]
    pieces = -(-(length - OVERLAP_PX) // (side - OVERLAP_PX))
    return [round(number * (length - side) / (pieces - 1)) for number in range(pieces)]


def _best_turns(seen: dict[int, NDArray[np.float32]], least: float) -> set[int]:
    """The turns in which something was seen better than in the others, with at least this score."""
    rotations = np.concatenate([np.full(len(rows), rotation) for rotation, rows in seen.items()])
    rows = np.concatenate(list(seen.values()))
    best: set[int] = set()
    for kind in np.unique(rows[:, 5]):
        own = np.flatnonzero(rows[:, 5] == kind)
        first = own[surest(rows[own])]
        best |= {int(rotations[index]) for index in first if rows[index, 4] >= least}
    return best


def _padded(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bottom, right = -rgb.shape[0] % STRIDE_PX, -rgb.shape[1] % STRIDE_PX
    return np.pad(rgb, ((0, bottom), (0, right), (0, 0)))
