"""Non-interference tests: T1 and T2 change what is hidden, T3 and T4 check the rest of a release.

This is the test that proves; attacks only illustrate. It runs on the staged subjects and on made-up
pictures whose masks touch borders, meet, cover everything, or are larger than a fill's working
size, since each of these takes another path through the removing code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.attacks.battery.methods import Method, hide
from engine.attacks.subjects import synthetic
from engine.codec import allow_list
from engine.codec.encode import ReleaseFormat, encode
from engine.errors import UnsafeRelease
from engine.geometry import PixelRect, Size
from engine.images import RedactedImage, RgbImage, SourceCodec
from engine.redact.masks import mask_of

Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Hiding = Callable[[RgbImage, Mask, int], Rgb]
"""A way to hide what is under a mask; the number is the fill's seed."""

_RECTS: Final[dict[str, tuple[tuple[int, int], tuple[PixelRect, ...]]]] = {
    "one pixel": ((48, 56), (PixelRect(5, 7, 6, 8),)),
    "corner": ((48, 56), (PixelRect(0, 0, 20, 18),)),
    "edge to edge": ((64, 96), (PixelRect(0, 16, 96, 40),)),
    "touching": ((64, 64), (PixelRect(8, 8, 24, 24), PixelRect(24, 8, 40, 24))),
    "overlapping": ((80, 80), (PixelRect(8, 8, 40, 40), PixelRect(24, 24, 70, 70))),
    "apart": ((96, 128), (PixelRect(8, 8, 40, 40), PixelRect(70, 30, 120, 90))),
    "whole picture": ((40, 40), (PixelRect(0, 0, 40, 40),)),
    "large": ((420, 560), (PixelRect(64, 48, 464, 352),)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A picture with a mask, and another picture of the same size."""

    image: RgbImage
    mask: Mask
    other: Rgb
    seed: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Count of changed outputs among those compared."""

    changed: int
    of: int

    def __add__(self, addend: Changed) -> Changed:
        return Changed(self.changed + addend.changed, self.of + addend.of)

    def to_json(self) -> dict[str, int]:
        """Plain values."""
        return {"changed": self.changed, "of": self.of}


def synthetic_cases(seed: int) -> tuple[Case, ...]:
    """One case for each path through the removing code."""
    rng = np.random.default_rng((seed, len(_RECTS)))
    cases = []
    for (height, width), rects in _RECTS.values():
        scenes = synthetic.scenes(2, max(height, width), rng)
        rgb, other = (scene[:height, :width] for scene in scenes)
        size = Size(width, height)
        image = RgbImage("made up", rgb, SourceCodec("png", size))
        cases.append(Case(image, mask_of(rects, size), other, int(rng.integers(2**63))))
    return tuple(cases)


def variants(case: Case) -> Iterator[RgbImage]:
    """The case's picture with eight other contents under the mask.

    The complement flips every bit, so that one copied bit is caught for certain.
    """
    rgb, mask = case.image.rgb, case.mask
    rng = np.random.default_rng((case.seed, 1))
    odd = (np.add.outer(np.arange(mask.shape[0]), np.arange(mask.shape[1])) & 1).astype(np.uint8)
    shuffled = rgb.copy()
    shuffled[mask] = rng.permutation(rgb[mask])
    for pattern in (
        np.zeros_like(rgb),
        np.full_like(rgb, 255),
        rng.integers(0, 256, rgb.shape, np.uint8),
        rng.integers(0, 256, rgb.shape, np.uint8),
        ~rgb,
        shuffled,
        case.other,
        np.repeat((odd * np.uint8(255))[..., None], 3, axis=2),
    ):
        yield RgbImage(case.image.id, np.where(mask[..., None], pattern, rgb), case.image.codec)


def non_interference(cases: Sequence[Case], hiding: Hiding) -> Changed:
    """T1, non-interference: count the hidden patterns that change what `hiding` makes."""
    changed = total = 0
    for case in cases:
        release = hiding(case.image, case.mask, case.seed)
        for variant in variants(case):
            changed += not np.array_equal(hiding(variant, case.mask, case.seed), release)
            total += 1
    return Changed(changed, total)


def outside_untouched(cases: Sequence[Case], hiding: Hiding) -> Changed:
    """T3: count the cases in which a pixel outside the mask changed."""
    touched = 0
    for case in cases:
        after = hiding(case.image, case.mask, case.seed)
        touched += not np.array_equal(after[~case.mask], case.image.rgb[~case.mask])
    return Changed(touched, len(cases))


def hiding_with(method: Method) -> Hiding:
    """`hide` with this method, as a function of picture, mask and seed."""

    def run(image: RgbImage, mask: Mask, seed: int) -> Rgb:
        return hide(method, image, mask, seed=seed)

    return run


def notices_changes_outside(
    cases: Sequence[Case], release: Callable[[RgbImage, Mask, int], RedactedImage]
) -> Changed:
    """T2: count the cases in which a pixel changed *outside* the mask left the bytes equal.

    A comparison that never finds a difference would pass everything.
    """
    unnoticed = total = 0
    for case in cases:
        outside = np.argwhere(~case.mask)
        if not len(outside):
            continue
        row, column = outside[len(outside) // 2]
        rgb = case.image.rgb.copy()
        rgb[row, column] ^= 1
        changed_image = RgbImage(case.image.id, rgb, case.image.codec)
        original_bytes, changed_bytes = (
            encode(release(image, case.mask, case.seed), "png", jpeg_quality=92)
            for image in (case.image, changed_image)
        )
        unnoticed += original_bytes == changed_bytes
        total += 1
    return Changed(unnoticed, total)


def carries_only_pixels(
    cases: Sequence[Case], release: Callable[[RgbImage, Mask, int], RedactedImage]
) -> Changed:
    """T4: count the files that hold anything but a picture."""
    refused = total = 0
    for case in cases:
        redacted = release(case.image, case.mask, case.seed)
        formats: tuple[ReleaseFormat, ...] = ("png", "jpeg")
        for file_format in formats:
            data = encode(redacted, file_format, jpeg_quality=92)
            refused += not _is_clean(data, file_format)
            total += 1
    return Changed(refused, total)


def _is_clean(data: bytes, file_format: ReleaseFormat) -> bool:
    try:
        allow_list.scan(data, file_format)
    except UnsafeRelease:
        return False
    return True
