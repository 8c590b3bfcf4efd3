"""Made-up pictures, masks and detectors, and the photographs that ship with dependencies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.category import DETECTABLE, Category
from engine.geometry import Box, PixelRect, Size, upright_size
from engine.images import RgbImage, SourceCodec
from engine.plan import Detection, Origin, Region
from engine.policy import Policy
from engine.redact.masks import mask_of

SIDES = {"one pixel": (1, 1), "row": (1, 40), "column": (40, 1), "odd": (37, 53), "large": (80, 64)}
"""Height and width by name, for tables."""


def picture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Noise over a gradient: detail everywhere, and something to carry inward."""
    ramp = np.linspace(40, 200, width)[None, :, None] + np.linspace(-30, 30, height)[:, None, None]
    noisy = ramp + rng.normal(0, 12, (height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def smooth(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Soft blobs of colour, like what is out of focus."""
    coarse = rng.integers(0, 256, (max(height // 16, 2), max(width // 16, 2), 3), dtype=np.uint8)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(soft, dtype=np.uint8)


def image(rgb: NDArray[np.uint8], name: str = "picture", **codec: object) -> RgbImage:
    """An original as a lossless file would give it, unless `codec` says otherwise."""
    height, width = rgb.shape[:2]
    plain = SourceCodec("png", upright_size(Size(width, height), int(codec.get("orientation", 1))))
    return RgbImage(name, rgb, dataclasses.replace(plain, **codec))


def rects_mask(height: int, width: int, *rects: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """The union of `x0 y0 x1 y1` rectangles."""
    return mask_of([PixelRect(*rect) for rect in rects], Size(width, height))


def disguised(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The same picture with other pixels under the mask."""
    other = rgb.copy()
    other[mask] = rng.integers(0, 256, (int(mask.sum()), 3))
    return other


def region(
    corners: tuple[float, float, float, float],
    category: Category = Category.FACE,
    score: float | None = 0.9,
) -> Region:
    """What a model found, or, without a score, what a reviewer drew."""
    origin = Origin.REVIEWER if score is None else Origin.MODEL
    return Region(Box(*corners), category, origin, score)


def seen(
    score: float,
    corners: tuple[float, float, float, float] = (10, 10, 30, 30),
    category: Category = Category.FACE,
) -> Detection:
    """What a fake detector says."""
    return Detection(Box(*corners), category, score, "fake@00000000")


class FakeDetector:
    """Sees the same things in every picture, and remembers how often it looked."""

    def __init__(
        self,
        detections: Iterable[Detection] = (),
        categories: Iterable[Category] = DETECTABLE,
        name: str = "fake@00000000",
    ) -> None:
        self.name = name
        self.categories = frozenset(categories)
        self.detections = tuple(detections)
        self.looks = 0

    def detect(self, image: RgbImage, policy: Policy) -> tuple[Detection, ...]:
        self.looks += 1
        return self.detections


class SilentReleaseCheck:
    """Looks at every release and detects nothing."""

    name = "silent@00000000"
    categories = independent = frozenset(map(Category, ("face", "tattoo", "jewelry")))

    def detect(self, redacted, policy):
        return ()


def shipped_picture(package: str, name: str) -> Path:
    """A photograph inside an installed package; skips the test when it is not there."""
    try:
        path = Path(str(resources.files(package))) / name
    except ModuleNotFoundError:
        pytest.skip(f"{package} is not installed")
    if not path.is_file():
        pytest.skip(f"{package} ships no {name}")
    return path


def shipped_rgb(package: str, name: str) -> NDArray[np.uint8]:
    """The same, decoded."""
    bgr = cv2.imread(str(shipped_picture(package, name)), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
