"""The attacks anybody can run: a release in, a picture out, nothing learned.

Each is a name, a sentence, and a plain function with sliders. The battery runs every one of them at
the settings listed here; the page lets a visitor move the sliders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.attacks.algorithms.deconvolution import blind, richardson_lucy, wiener
from engine.attacks.algorithms.jpeg_ghost import jpeg_ghost
from engine.attacks.algorithms.refill import without_fill
from engine.attacks.algorithms.sharpening import clahe, high_pass, unsharp
from engine.attacks.algorithms.total_variation import total_variation

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Classical:
    """One attack at one setting."""

    name: str
    words: str
    """One plain sentence, for the report and the page."""
    run: Callable[[F32, Mask], F32]
    """Release float32 (H, W, 3) 0..255 and its mask (H, W) to a picture of the same shape."""
    is_quick: bool = False
    """Part of `--quick`."""


def _plain(function: Callable[..., F32], **settings: float) -> Callable[[F32, Mask], F32]:
    """An attack that looks at the pixels alone."""
    chosen = partial(function, **settings)

    def run(picture: F32, mask: Mask) -> F32:
        del mask
        return chosen(picture)

    return run


def _raw(picture: F32) -> F32:
    return picture


def _unsharp(radius_px: float, amount: float, *, is_quick: bool = False) -> Classical:
    return Classical(
        f"unsharp-{radius_px:g}-{amount:g}",
        f"Unsharp mask, radius {radius_px:g} px, amount {amount:g}.",
        _plain(unsharp, radius_px=radius_px, amount=amount),
        is_quick,
    )


_LISTED: Final = (
    Classical("raw", "The release as it is.", _plain(_raw), is_quick=True),
    _unsharp(1, 2),
    _unsharp(2, 4, is_quick=True),
    _unsharp(4, 8),
    _unsharp(8, 8, is_quick=True),
    _unsharp(16, 4),
    Classical(
        "high-pass",
        "Only fine detail, amplified ten times.",
        _plain(high_pass, radius_px=3, gain=10),
        is_quick=True,
    ),
    Classical("clahe", "Local contrast stretched (CLAHE).", _plain(clahe, limit=8, tiles=4)),
    Classical(
        "wiener-4",
        "Wiener filter that undoes a blur of 4 px.",
        _plain(wiener, sigma_px=4, noise=1e-3),
        is_quick=True,
    ),
    Classical(
        "wiener-10",
        "Wiener filter that undoes a blur of 10 px.",
        _plain(wiener, sigma_px=10, noise=1e-4),
    ),
    Classical(
        "richardson-lucy-4",
        "Richardson-Lucy deconvolution of a blur of 4 px, 20 rounds.",
        _plain(richardson_lucy, sigma_px=4, iterations=20),
    ),
    Classical(
        "richardson-lucy-10",
        "Richardson-Lucy deconvolution of a blur of 10 px, 20 rounds.",
        _plain(richardson_lucy, sigma_px=10, iterations=20),
    ),
    Classical("blind", "Deconvolution that guesses the blur too.", _plain(blind, rounds=10)),
    Classical(
        "total-variation",
        "Grain taken away, outlines amplified (total variation).",
        _plain(total_variation, weight=0.05),
    ),
    Classical(
        "jpeg-ghost",
        "What quantising again changes (JPEG ghost).",
        _plain(jpeg_ghost, quality=60),
    ),
    Classical(
        "refill",
        "Lethe's own fill computed again and taken away, the rest amplified.",
        partial(without_fill, gain=10.0),
        is_quick=True,
    ),
)
CLASSICAL: Final[dict[str, Classical]] = {attack.name: attack for attack in _LISTED}
