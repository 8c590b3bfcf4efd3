"""Attack demonstration: one picture, one removal, one attack, scored against decoys.

An attack's result always resembles the original somewhat, for the surroundings are the original's
own. So it is compared with the results that *other things* in the same place would have given:
same picture, same mask, same settings, something else underneath. What context gives away is in
all of them alike. Where nothing leaks, all are the same bit for bit, and there is nothing to weigh.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.attacks.battery.methods import Kind, Method, hide
from engine.attacks.battery.score import similarities
from engine.attacks.subjects import synthetic
from engine.attacks.subjects.composites import AROUND_PX
from engine.category import Category
from engine.errors import LetheError
from engine.geometry import PixelRect, Size
from engine.images import RgbImage, SourceCodec
from engine.plan import Region
from engine.policy import Policy
from engine.redact.masks import mask_of, rect_of

Rgb = NDArray[np.uint8]
F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]
Attack = Callable[[F32, Mask], F32]
"""Release float32 (H, W, 3) 0..255 and its mask (H, W) to a picture of the same shape."""

OTHERS: Final = 40
"""Other things that are put under the mask: drawings, the complement, and a shuffle."""
MASK_PX: Final = 96
"""Longer side of the mask as it is attacked; a larger one is reduced first, to stay quick. The
battery attacks the same size."""
SEEN_PX: Final = 24
"""Of those, what an attack is given, and what is shown."""
_DRAWN: Final = OTHERS - 2
_DRAWN_PX: Final = 112
_EQUAL: Final = 1e-9
"""Scores that differ by less differ by rounding."""


class NothingToHide(LetheError):
    """The area that was chosen has no pixel in the picture."""


class Answer(StrEnum):
    """Whether the attack identifies the original among the candidates."""

    SAME = "same"
    """Whatever was there, the release is the same."""
    IDENTIFIED = "told"
    """What was there scores above every other thing."""
    CHANGED = "changed"
    """The release changes with what was there, but this attack does not single it out."""


@dataclass(frozen=True, slots=True, eq=False)
class Excerpt:
    """Excerpt of a picture around one mask, ready to be hidden and attacked."""

    image: RgbImage
    """The mask and `AROUND_PX` of surroundings where there are any."""
    rect: PixelRect
    """The mask within it."""
    category: Category
    scale: float
    """Pixels of this piece per pixel of the picture; 1 or less."""

    @property
    def mask(self) -> Mask:
        """(H, W) of the piece."""
        return mask_of([self.rect], self.image.size)

    @property
    def window(self) -> PixelRect:
        """What is attacked and shown: the mask and `SEEN_PX` around it."""
        x0, y0, x1, y1 = self.rect
        wide = PixelRect(x0 - SEEN_PX, y0 - SEEN_PX, x1 + SEEN_PX, y1 + SEEN_PX)
        return wide.clipped(self.image.size)

    @property
    def outline(self) -> PixelRect:
        """The mask within the window."""
        x, y = self.window.x0, self.window.y0
        return PixelRect(self.rect.x0 - x, self.rect.y0 - y, self.rect.x1 - x, self.rect.y1 - y)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The original and other candidates under one mask, all hidden in the same way."""

    original: Rgb
    """(h, w, 3), the exhibit's window."""
    releases: Rgb
    """(1 + OTHERS, h, w, 3), the window as released; first the one of what was there."""
    hidden: Rgb
    """(1 + OTHERS, a, b, 3), what lay under the mask each time."""
    outline: PixelRect
    """The mask within the window."""
    is_ours: bool
    """Hidden by one of Lethe's own fills."""

    @property
    def changed(self) -> int:
        """How many decoys gave another release."""
        return int((self.releases[1:] != self.releases[0]).any(axis=(1, 2, 3)).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Demonstration:
    """Result of one attack. Pictures are uint8 (h, w, 3) windows, `difference` is (h, w)."""

    original: Rgb
    release: Rgb
    result: Rgb
    difference: Rgb
    """Mean absolute difference of result and original, 0..255 on a fixed scale."""
    outline: PixelRect
    is_ours: bool
    score: float
    """Likeness of the attack's result to what was there, -1..1; see `score.similarities`."""
    others: tuple[float, ...]
    """Likeness to what was there, of the results that other things would have given."""
    changed: int
    """How many decoys gave another release."""

    @property
    def as_high(self) -> int:
        """How many decoys score as high as the original, or higher."""
        return sum(score >= self.score - _EQUAL for score in self.others)

    @property
    def chance(self) -> float:
        """Permutation p-value: the rank of the original among all candidates, 0..1."""
        return (1 + self.as_high) / (1 + len(self.others))

    @property
    def answer(self) -> Answer:
        """Whether the original is identified."""
        if not self.changed:
            return Answer.SAME
        return Answer.CHANGED if self.as_high else Answer.IDENTIFIED

    @property
    def sentence(self) -> str:
        """One plain sentence, or two."""
        count = len(self.others)
        if self.answer is Answer.SAME:
            return (
                f"The result is the same, bit for bit, whichever of {count} other things was there."
            )
        if self.answer is Answer.IDENTIFIED:
            sentence = (
                "The result gives away what was there: it is closer to it than what any of "
                f"{count} other things would have given. Chance alone does that once in "
                f"{count + 1} times."
            )
        else:
            sentence = (
                "The result changes with what was there, so something came through: "
                f"{self.changed} of {count} other things would have given another release. This "
                f"attack does not single it out, for {self.as_high} of them score as high, which "
                f"chance alone does {1 + self.as_high} times in {count + 1}; a better one may."
            )
        if self.is_ours:
            sentence += " That must never happen with Lethe's own fill: release nothing, report it."
        return sentence


def excerpt(image: RgbImage, region: Region, policy: Policy) -> Excerpt:
    """Cut a region with its surroundings out of a picture, reduced so that attacks stay quick.

    Args:
        image: the whole original.
        region: a box and its category, which decides how far the mask grows.
        policy: likewise.

    Raises:
        NothingToHide: the box lies outside the picture.
    """
    rect = rect_of(region, image.codec, policy)
    if not rect.area:
        raise NothingToHide("That area lies outside the picture; choose one inside it.")
    scale = min(1.0, MASK_PX / max(rect.x1 - rect.x0, rect.y1 - rect.y0))
    margin = math.ceil(AROUND_PX / scale)
    context = PixelRect(rect.x0 - margin, rect.y0 - margin, rect.x1 + margin, rect.y1 + margin)
    crop = context.clipped(image.size)
    piece = image.rgb[crop.rows, crop.columns]
    size = Size(*(max(round(side * scale), 1) for side in (crop.x1 - crop.x0, crop.y1 - crop.y0)))
    if scale < 1:
        piece = np.asarray(cv2.resize(piece, size, interpolation=cv2.INTER_AREA), np.uint8)
    mask_rect = PixelRect(
        math.floor((rect.x0 - crop.x0) * scale),
        math.floor((rect.y0 - crop.y0) * scale),
        math.ceil((rect.x1 - crop.x0) * scale),
        math.ceil((rect.y1 - crop.y0) * scale),
    )
    cropped_image = RgbImage("piece", piece, SourceCodec("png", size))
    return Excerpt(cropped_image, mask_rect.clipped(size), region.category, scale)


def hide_candidates(piece: Excerpt, method: Method, *, seed: int) -> Candidates:
    """Hide the original, and in its place `OTHERS` decoys, each in the same way.

    Args:
        piece: from `excerpt`.
        method: one of `methods.METHODS`, or a control of another strength.
        seed: for the fill's grain and the other things; equal seeds give equal results.
    """
    window = (piece.window.rows, piece.window.columns)
    original = piece.image.rgb[piece.rect.rows, piece.rect.columns]
    hidden = np.stack([original, *_other_things(piece, seed)])
    releases = np.stack(
        [
            hide(method, _with(piece, candidate), piece.mask, seed=seed)[window]
            for candidate in hidden
        ]
    )
    return Candidates(
        piece.image.rgb[window], releases, hidden, piece.outline, method.kind is Kind.FILL
    )


def demonstrate(candidates: Candidates, attack: Attack) -> Demonstration:
    """Attack every release alike, and score the results against the original.

    Args:
        candidates: from `hide_candidates`.
        attack: sees a release and its mask, and nothing else.
    """
    inner = (candidates.outline.rows, candidates.outline.columns)
    mask = np.zeros(candidates.original.shape[:2], np.bool_)
    mask[inner] = True
    results: dict[bytes, F32] = {}
    outputs = []
    for release in candidates.releases:
        key = release.tobytes()
        if key not in results:  # equal releases give equal results
            results[key] = attack(release.astype(np.float32), mask)
        outputs.append(results[key])
    similarity = similarities(np.stack(outputs)[:, *inner], candidates.hidden)[:, 0]
    result = np.clip(np.rint(outputs[0]), 0, 255).astype(np.uint8)
    difference = np.abs(result.astype(np.float32) - candidates.original).mean(axis=2)
    return Demonstration(
        original=candidates.original,
        release=candidates.releases[0],
        result=result,
        difference=np.rint(difference).astype(np.uint8),
        outline=candidates.outline,
        is_ours=candidates.is_ours,
        score=float(similarity[0]),
        others=tuple(float(value) for value in similarity[1:]),
        changed=candidates.changed,
    )


def _with(piece: Excerpt, candidate: Rgb) -> RgbImage:
    """The excerpt with a candidate under its mask."""
    rgb = piece.image.rgb.copy()
    rgb[piece.rect.rows, piece.rect.columns] = candidate
    return RgbImage(piece.image.id, rgb, piece.image.codec)


def _other_things(piece: Excerpt, seed: int) -> Iterator[Rgb]:
    """`OTHERS` decoys of the mask's size."""
    original = piece.image.rgb[piece.rect.rows, piece.rect.columns]
    size = (original.shape[1], original.shape[0])
    for drawing in _drawings(piece.category, seed):
        yield np.asarray(cv2.resize(drawing, size, interpolation=cv2.INTER_AREA), np.uint8)
    yield ~original  # flips every bit, so that one copied bit is seen
    rng = np.random.default_rng((seed, *size))
    yield rng.permutation(original.reshape(-1, 3)).reshape(original.shape)


@lru_cache(maxsize=len(Category))
def _drawings(category: Category, seed: int) -> Rgb:
    """Synthetic subjects of a category, uint8 (_DRAWN, _DRAWN_PX, _DRAWN_PX, 3), read-only."""
    if category in synthetic.DRAWINGS:
        drawn = synthetic.synthetic(category, _DRAWN, side_px=_DRAWN_PX, seed=seed).patches
    else:
        drawn = synthetic.scenes(_DRAWN, _DRAWN_PX, np.random.default_rng(seed))
    drawn.flags.writeable = False
    return drawn
