"""The classical attacks with their sliders, for a visitor who turns them by hand.

The battery runs the same functions at settings of its own (`engine.attacks.algorithms.classical`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
class Slider:
    """One setting of an attack."""

    name: str
    """The function's argument."""
    label: str
    """For people; the first letter large."""
    values: tuple[float, ...]
    """Every value it takes, rising."""
    start: float
    """One of `values`."""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Adjustable:
    """An attack that waits for its settings."""

    name: str
    title: str
    words: str
    """One plain sentence."""
    sliders: tuple[Slider, ...]
    is_slow: bool
    """Takes seconds where each candidate gives another release."""
    call: Callable[..., F32]
    """Of picture, mask and the sliders' values."""

    def run(self, picture: F32, mask: Mask, settings: Mapping[str, float]) -> F32:
        """Carry it out.

        Args:
            picture: float32 (H, W, 3), 0..255: a release.
            mask: (H, W), True where pixels were hidden.
            settings: a value for each slider, by name.

        Returns:
            float32 (H, W, 3), not clipped.

        Raises:
            ValueError: a setting is missing, unknown, or none of its slider's values.
        """
        for slider in self.sliders:
            if settings.get(slider.name) not in slider.values:
                raise ValueError(
                    f"{self.name}: {slider.name} must be one of {slider.values}, "
                    f"got {settings.get(slider.name)}"
                )
        if len(settings) != len(self.sliders):
            raise ValueError(f"{self.name} knows no {set(settings) - self._names}")
        return self.call(picture, mask, **settings)

    @property
    def _names(self) -> set[str]:
        return {slider.name for slider in self.sliders}


def _unmasked(function: Callable[..., F32]) -> Callable[..., F32]:
    """A function that looks at pixels alone, as one that is also given the mask."""

    def run(picture: F32, mask: Mask, **settings: float) -> F32:
        del mask
        return function(picture, **settings)

    return run


def _counting(function: Callable[..., F32]) -> Callable[..., F32]:
    """The same for a function whose settings are whole numbers."""

    def run(picture: F32, mask: Mask, **settings: float) -> F32:
        del mask
        return function(picture, **{name: int(value) for name, value in settings.items()})

    return run


def _clahe(picture: F32, mask: Mask, *, limit: float, tiles: float) -> F32:
    del mask
    return clahe(picture, limit=limit, tiles=int(tiles))


def _richardson_lucy(picture: F32, mask: Mask, *, sigma_px: float, iterations: float) -> F32:
    del mask
    return richardson_lucy(picture, sigma_px=sigma_px, iterations=int(iterations))


def _as_it_is(picture: F32, mask: Mask) -> F32:
    del mask
    return picture


_PX: Final = "px"
_RADII: Final = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)
_GAINS: Final = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0)
_SIGMA: Final = Slider(
    "sigma_px", "Blur to undo", (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0), 6.0, _PX
)

_LISTED: Final = (
    Adjustable(
        "unsharp",
        "Unsharp mask",
        "Sharpens: adds what a blur of this radius takes away, as often as the amount says.",
        (
            Slider("radius_px", "Radius", _RADII, 4.0, _PX),
            Slider("amount", "Amount", (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0), 4.0, "×"),
        ),
        False,
        _unmasked(unsharp),
    ),
    Adjustable(
        "high-pass",
        "High-pass filter",
        "Shows fine detail alone, amplified.",
        (
            Slider("radius_px", "Radius", _RADII, 3.0, _PX),
            Slider("gain", "Gain", _GAINS, 10.0, "×"),
        ),
        False,
        _unmasked(high_pass),
    ),
    Adjustable(
        "clahe",
        "Local contrast (CLAHE)",
        "Stretches the contrast of each part of the picture on its own.",
        (
            Slider("limit", "Limit", (1.0, 2.0, 4.0, 8.0, 16.0, 40.0), 8.0),
            Slider("tiles", "Tiles a side", (2.0, 4.0, 6.0, 8.0, 12.0), 4.0),
        ),
        False,
        _clahe,
    ),
    Adjustable(
        "wiener",
        "Wiener filter",
        "Undoes a blur of known width, as far as the noise it assumes allows.",
        (
            _SIGMA,
            Slider("noise", "Noise", (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1), 1e-3),
        ),
        False,
        _unmasked(wiener),
    ),
    Adjustable(
        "richardson-lucy",
        "Richardson–Lucy deconvolution",
        "Undoes a blur of known width, a little more in each round.",
        (_SIGMA, Slider("iterations", "Rounds", (1.0, 2.0, 5.0, 10.0, 20.0, 40.0), 10.0)),
        True,
        _richardson_lucy,
    ),
    Adjustable(
        "blind",
        "Blind deconvolution",
        "Undoes a blur that it has to guess first.",
        (Slider("rounds", "Rounds", (1.0, 2.0, 5.0, 10.0, 20.0), 5.0),),
        True,
        _counting(blind),
    ),
    Adjustable(
        "total-variation",
        "Total variation",
        "Takes grain away and amplifies the outlines that are left.",
        (Slider("weight", "Weight", (0.01, 0.02, 0.05, 0.1, 0.2, 0.5), 0.05),),
        True,
        _unmasked(total_variation),
    ),
    Adjustable(
        "jpeg-ghost",
        "JPEG ghost",
        "Shows what saving once more as JPEG would change.",
        (Slider("quality", "Quality", (20.0, 40.0, 60.0, 75.0, 90.0), 60.0),),
        False,
        _counting(jpeg_ghost),
    ),
    Adjustable(
        "refill",
        "Lethe's own fill, taken away",
        "Computes Lethe's fill again, takes it away, and amplifies what is left.",
        (Slider("gain", "Gain", _GAINS, 10.0, "×"),),
        True,
        without_fill,
    ),
    Adjustable("raw", "None", "The release as it is.", (), False, _as_it_is),
)
ADJUSTABLE: Final[dict[str, Adjustable]] = {attack.name: attack for attack in _LISTED}
"""By name; sharpening first, since it is what most people try."""
