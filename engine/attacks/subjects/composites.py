"""Composites: subjects pasted into random scenes, so that context does not identify them.

What is released is then attacked as a real picture: the same `RgbImage`, the same removal, a mask
on the grid that public boxes are given on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.attacks.battery import methods
from engine.attacks.battery.methods import Method
from engine.attacks.subjects import synthetic
from engine.attacks.subjects.patches import Patches, Subjects
from engine.geometry import PixelRect, Size
from engine.images import RgbImage, SourceCodec
from engine.redact.masks import mask_of

GRID_PX: Final = 16
AROUND_PX: Final = 48
"""Surroundings on each side: more than the margin any fill of such a patch looks at."""
SEEN_PX: Final = 16
"""Of those, what an attack is given on each side: deconvolution wants a border."""
SYNTHETIC_SCENES: Final = 48
SHIFT_PX: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class StagedPicture:
    """A picture with a subject under its mask."""

    image: RgbImage
    mask: NDArray[np.bool_]
    rect: PixelRect
    seed: int
    """For the fill."""

    @property
    def window(self) -> tuple[slice, slice]:
        """The window an attack is given: the mask and `SEEN_PX` around it."""
        rect = self.rect
        return (
            slice(rect.y0 - SEEN_PX, rect.y1 + SEEN_PX),
            slice(rect.x0 - SEEN_PX, rect.x1 + SEEN_PX),
        )

    def release(self, method: Method) -> NDArray[np.uint8]:
        """The window after `method`: uint8 (S + 2 SEEN_PX, S + 2 SEEN_PX, 3)."""
        return methods.hide(method, self.image, self.mask, seed=self.seed)[self.window]


def surroundings(subjects: Subjects, rng: np.random.Generator) -> Patches:
    """Scenes for these subjects, uint8 (K, S + 2 AROUND_PX, S + 2 AROUND_PX, 3)."""
    side = subjects.side_px + 2 * AROUND_PX
    if not len(subjects.scenes):
        return synthetic.scenes(SYNTHETIC_SCENES, side, rng)
    if subjects.scenes.shape[1:3] == (side, side):
        return subjects.scenes
    return np.stack([cv2.resize(scene, (side, side)) for scene in subjects.scenes]).astype(np.uint8)


def stage(patches: Patches, scenes: Patches, rng: np.random.Generator) -> tuple[StagedPicture, ...]:
    """Each patch in a scene, at a place and with a fill seed drawn from `rng`."""
    scene_indices = rng.integers(0, len(scenes), len(patches))
    corners = AROUND_PX + GRID_PX * rng.integers(-1, 2, (len(patches), 2))
    seeds = rng.integers(0, 2**63, len(patches))
    return tuple(
        _pasted(patch, scenes[scene], (int(x), int(y)), int(seed))
        for patch, scene, (x, y), seed in zip(patches, scene_indices, corners, seeds, strict=True)
    )


def releases_of(staged: Sequence[StagedPicture], method: Method) -> NDArray[np.uint8]:
    """Windows of releases: uint8 (N, S + 2 SEEN_PX, S + 2 SEEN_PX, 3)."""
    return np.stack([picture.release(method) for picture in staged])


def augmented(patch: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """An augmented copy of a subject: shifted, scaled, and with other brightness."""
    dx, dy = rng.uniform(-SHIFT_PX, SHIFT_PX, 2)
    scale = rng.uniform(0.95, 1.05)
    centre = patch.shape[0] / 2
    move = np.array([[scale, 0, dx + centre * (1 - scale)], [0, scale, dy + centre * (1 - scale)]])
    moved = cv2.warpAffine(patch, move, patch.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
    return np.asarray(np.clip(moved * rng.uniform(0.9, 1.1), 0, 255), dtype=np.uint8)


def _pasted(
    patch: NDArray[np.uint8], scene: NDArray[np.uint8], corner: tuple[int, int], seed: int
) -> StagedPicture:
    x, y = corner
    side = patch.shape[0]
    rgb = scene.copy()
    rgb[y : y + side, x : x + side] = patch
    rect = PixelRect(x, y, x + side, y + side)
    size = Size(rgb.shape[1], rgb.shape[0])
    return StagedPicture(
        RgbImage("staged", rgb, SourceCodec("png", size)), mask_of([rect], size), rect, seed
    )
