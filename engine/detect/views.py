"""Views (test-time augmentation): a picture at several scales, rotations and tiles.

Detectors are trained on upright pictures; a person lying down or a picture saved sideways is missed
unless the picture is rotated. Small things are missed unless the picture is enlarged, and what is
small in a large picture is missed unless it is seen tile by tile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from weakref import finalize

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.detect.nms import nms_indices
from engine.detect.resizing import resized
from engine.geometry import PixelRect
from engine.images import RgbImage

STRIDE_PX = 32
"""Networks here halve five times; sides are padded up to a multiple of this."""
LARGEST_ZOOM = 1.5
"""Small pictures are enlarged this much at most: with more, no more was found, and more that was
none (docs/decisions/0046-inference-graphs.md)."""
SMALL_PX = 32.0
"""What is smaller in a view may have neighbours that only a larger view shows."""
CLEAR_SCALE = 2 / 3
"""A view of at least this scale shows nearly all there is; in one of less, tiny things may leave no
trace."""
OVERLAP_PX = 128
"""Neighbouring tiles share this much: what is larger is found in the views of the whole picture."""
_ROTATION = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}

_SCALED: dict[int, dict[int, NDArray[np.uint8]]] = {}
"""Scaled copies of the pictures there are, by the identity of their pixels."""

Infer: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""A network on one view: (h, w, 3) in, (N, 6) `x0 y0 x1 y1 score class` in view pixels out."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture or a tile of it: scaled, rotated counter-clockwise, then padded."""

    rgb: NDArray[np.uint8]
    """(h, w, 3), both sides multiples of `STRIDE_PX`; the padding, right and bottom, is black."""
    scale: float
    """View pixels per picture pixel."""
    quarter_turns: int
    """Rotations by 90 degrees counter-clockwise, 0..3."""
    piece: PixelRect
    """What of the upright picture it shows."""

    def to_picture(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring boxes (N, 4) `x0 y0 x1 y1` from view pixels to pixels of the upright picture."""
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
        """The network's rows for this view, in pixels of the upright picture."""
        rows = infer(self.rgb)
        return np.column_stack([self.to_picture(rows[:, :4]), rows[:, 4:]])


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """Which views of a picture are taken."""

    scales: Sequence[int]
    """Longer side in pixels. From the third on, only where the one before shows something small, or
    is so much smaller than the picture that it may have shown nothing of what is tiny."""
    rotations: Sequence[int]
    """Degrees counter-clockwise."""
    sure_at: float = 0.5
    """A rotation in which something scores best, and this much, is run in the other views too."""
    fallback_at: float = 0.2
    """The same where no rotation scores that much (docs/decisions/0003-looks.md)."""
    tile_px: int = 0
    """Side of the unscaled tiles of a picture much larger than any scale; 0 for none."""


def detect_in_views(pyramid: Pyramid, view_plan: ViewPlan, infer: Infer) -> NDArray[np.float32]:
    """Run a network upright, and in the rotations in which something scores best.

    The first scale is run in every rotation. The dearer views, other scales and tiles, are run
    upright and in those rotations in which something scored better than in the others; the rows of
    the rest are dropped, for upright things on their side are taken for much.

    Returns:
        (N, 6) `x0 y0 x1 y1 score class` in pixels of the upright picture, which boxes may exceed.
    """
    first, *others = _scales(view_plan.scales, max(pyramid.rgb.shape[:2]))
    by_rotation = {
        rotation: pyramid.view(first, rotation).detect_with(infer)
        for rotation in view_plan.rotations
    }
    best = _best_rotations(by_rotation, view_plan.sure_at)
    best = best or _best_rotations(by_rotation, view_plan.fallback_at)
    rotations = sorted({0} | best)
    rows = [by_rotation[r] for r in by_rotation if r in rotations or 0 not in by_rotation]
    for rotation in rotations:
        rows += _dearer_views(pyramid, others, view_plan, rotation, infer)
    return np.concatenate(rows)


def _dearer_views(
    pyramid: Pyramid,
    scales: Sequence[int],
    view_plan: ViewPlan,
    rotation: int,
    infer: Infer,
) -> Iterator[NDArray[np.float32]]:
    """The rows of all scales but the first, and of tiles, in one rotation."""
    rgb, tile_px = pyramid.rgb, view_plan.tile_px
    has_tiles = bool(tile_px) and max(rgb.shape[:2]) > max(*view_plan.scales, tile_px) * 1.5
    goes_on = True
    for scale in scales:
        if goes_on:
            view = pyramid.view(scale, rotation)
            rows = view.detect_with(infer)
            yield rows
            is_clear = has_tiles or view.scale >= CLEAR_SCALE
            goes_on = not is_clear or _shows_small(rows, view.scale)
    if has_tiles:
        for tile in tiles_of(rgb, tile_px, rotation):
            yield tile.detect_with(infer)


def _shows_small(rows: NDArray[np.float32], scale: float) -> bool:
    """Whether the shorter side of some box is less than `SMALL_PX` in a view of this scale."""
    sides = np.minimum(rows[:, 2] - rows[:, 0], rows[:, 3] - rows[:, 1])
    return bool((sides * scale < SMALL_PX).any())


class Pyramid:
    """A picture with its scaled copies, each made once."""

    def __init__(
        self, rgb: NDArray[np.uint8], scaled: dict[int, NDArray[np.uint8]] | None = None
    ) -> None:
        """Take a picture (H, W, 3), with those of its copies that there are, by longer side."""
        self.rgb = rgb
        self._scaled = {} if scaled is None else scaled

    def view(self, longer: int, rotation: int) -> View:
        """A view of the whole picture.

        Args:
            longer: the longer side's length in the view, before padding, in pixels.
            rotation: degrees counter-clockwise: 0, 90, 180 or 270.
        """
        height, width = self.rgb.shape[:2]
        scale = longer / max(width, height)
        if longer not in self._scaled:
            target = (max(round(width * scale), 1), max(round(height * scale), 1))
            self._scaled[longer] = resized(self.rgb, target)
        rotated = _rotated(self._scaled[longer], rotation)
        return View(_padded(rotated), scale, rotation // 90, PixelRect(0, 0, width, height))


def pyramid_of(image: RgbImage) -> Pyramid:
    """The picture's pyramid, which detectors that look at it one after another share."""
    key = id(image.rgb)
    if key not in _SCALED:
        _SCALED[key] = {}
        finalize(image.rgb, _SCALED.pop, key).atexit = False
    return Pyramid(image.rgb, _SCALED[key])


def whole_view(rgb: NDArray[np.uint8], longer: int, rotation: int) -> View:
    """One view of the whole picture, as `Pyramid.view`."""
    return Pyramid(rgb).view(longer, rotation)


def tiles_of(rgb: NDArray[np.uint8], side: int, rotation: int) -> Iterator[View]:
    """Views of overlapping tiles of a picture, unscaled, that together show all of it.

    They are as few as tiles of this side can be, and then no larger than they need be.
    """
    height, width = rgb.shape[:2]
    rows, columns = _spans(height, side), _spans(width, side)
    for y0, y1 in rows:
        for x0, x1 in columns:
            piece = PixelRect(x0, y0, x1, y1)
            rotated = _rotated(rgb[piece.rows, piece.columns], rotation)
            yield View(_padded(rotated), 1.0, rotation // 90, piece)


def _scales(scales: Sequence[int], longer: int) -> list[int]:
    """The scales that show more of a picture whose longer side is `longer`, the cheapest first.

    Beyond `LARGEST_ZOOM` nothing more is to be seen, so that larger scales are cut down to it.
    """
    most = max(round(LARGEST_ZOOM * longer), STRIDE_PX)
    return sorted({min(scale, most) for scale in scales})


def _spans(length: int, side: int) -> list[tuple[int, int]]:
    """Where tiles along a length begin and end: as few as overlap enough, evenly spread."""
    if length <= side:
        return [(0, length)]
    count = -(-(length - OVERLAP_PX) // (side - OVERLAP_PX))
    enough = -(-(length + (count - 1) * OVERLAP_PX) // count)
    starts = [round(number * (length - enough) / (count - 1)) for number in range(count)]
    return [(start, start + enough) for start in starts]


def _best_rotations(by_rotation: dict[int, NDArray[np.float32]], least: float) -> set[int]:
    """The rotations in which something scores better than in the others, at least this much."""
    rotations = np.repeat(list(by_rotation), [len(rows) for rows in by_rotation.values()])
    rows = np.concatenate(list(by_rotation.values()))
    best: set[int] = set()
    for label in np.unique(rows[:, 5]):
        of_class = np.flatnonzero(rows[:, 5] == label)
        maxima = of_class[nms_indices(rows[of_class])]
        best |= {int(rotations[index]) for index in maxima if rows[index, 4] >= least}
    return best


def _rotated(rgb: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """A picture rotated counter-clockwise; OpenCV is many times as fast as a strided copy."""
    return np.asarray(cv2.rotate(rgb, _ROTATION[degrees]), np.uint8) if degrees else rgb


def _padded(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bottom, right = -rgb.shape[0] % STRIDE_PX, -rgb.shape[1] % STRIDE_PX
    padded = cv2.copyMakeBorder(rgb, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(padded, np.uint8)
