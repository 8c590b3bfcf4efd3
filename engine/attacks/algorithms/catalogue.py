"""Attack catalogue: name, description, parameter ranges, and the settings that the battery runs.

The battery, its report and the page Irreversibility read it. A new attack is a function beside this
module and an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.attacks.algorithms import network, ridge
from engine.attacks.algorithms.deconvolution import blind, richardson_lucy, wiener
from engine.attacks.algorithms.jpeg_ghost import jpeg_ghost
from engine.attacks.algorithms.refill import without_fill
from engine.attacks.algorithms.sharpening import clahe, high_pass, unsharp
from engine.attacks.algorithms.total_variation import total_variation

F32 = NDArray[np.float32]
Mask = NDArray[np.bool_]
Rgb = NDArray[np.uint8]
Indices = NDArray[np.intp]
Inversion = Callable[[Rgb, Indices, Rgb, Rgb, Indices], F32]
"""See `ridge.inverse`."""
Identification = Callable[[Rgb, Rgb, Indices], NDArray[np.float64]]
"""See `ridge.identity`."""
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Slider:
    """One parameter of an attack."""

    name: str
    """The function's argument."""
    label: str
    """For people; the first letter large."""
    values: tuple[float, ...]
    """Every value it takes, rising; whole numbers where the function wants them."""
    start: float
    """One of `values`."""
    unit: str = ""

    def text(self, value: float) -> str:
        """A value with its unit: `4 px`."""
        return f"{value:g} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Setting:
    """Parameters at which the battery runs an attack, and the name it has in reports."""

    name: str
    values: Mapping[str, float]
    is_quick: bool = False
    """Part of `--quick`."""


@dataclass(frozen=True, slots=True)
class AdjustableAttack:
    """An attack without training, with adjustable parameters: a release in, a picture out."""

    name: str
    title: str
    words: str
    """One plain sentence."""
    function: Callable[..., F32]
    """Of a picture, the mask where `needs_mask`, and the sliders' values."""
    sliders: tuple[Slider, ...]
    settings: tuple[Setting, ...]
    """Each of values of the sliders."""
    is_slow: bool = False
    """Takes seconds where each candidate gives another release."""
    needs_mask: bool = False

    def run(self, picture: F32, mask: Mask, settings: Mapping[str, float]) -> F32:
        """Attack a release.

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
            unknown = set(settings) - {slider.name for slider in self.sliders}
            raise ValueError(f"{self.name} knows no {unknown}")
        values = {
            slider.name: slider.values[slider.values.index(settings[slider.name])]
            for slider in self.sliders
        }
        return self.function(picture, *((mask,) if self.needs_mask else ()), **values)

    def settings_text(self, settings: Mapping[str, float]) -> str:
        """Values in slider order: `blur to undo 6 px, noise 0.001`."""
        return ", ".join(
            f"{slider.label.lower()} {slider.text(settings[slider.name])}"
            for slider in self.sliders
        )


@dataclass(frozen=True, slots=True)
class FixedAttack:
    """An attack without training, at one of the battery's settings."""

    name: str
    words: str
    run: Callable[[F32, Mask], F32]
    """Release float32 (H, W, 3) 0..255 and its mask (H, W) to a picture of the same shape."""
    is_quick: bool


@dataclass(frozen=True, slots=True)
class LearnedAttack(Generic[F]):
    """An attack that trains on releases of its own."""

    name: str
    words: str
    run: F
    needs_torch: bool = False


def _unchanged(picture: F32) -> F32:
    return picture


_RADII: Final = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)
_GAINS: Final = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0)
_SIGMA: Final = Slider(
    "sigma_px", "Blur to undo", (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0), 6.0, "px"
)
_BASELINE: Final = AdjustableAttack(
    "raw",
    "None",
    "The release as it is.",
    _unchanged,
    (),
    (Setting("raw", {}, is_quick=True),),
)
_FILTERS: Final = (
    AdjustableAttack(
        "unsharp",
        "Unsharp mask",
        "Sharpens: adds what a blur of this radius takes away, as often as the amount says.",
        unsharp,
        (
            Slider("radius_px", "Radius", _RADII, 4.0, "px"),
            Slider("amount", "Amount", (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0), 4.0, "×"),
        ),
        (
            Setting("unsharp-1-2", {"radius_px": 1, "amount": 2}),
            Setting("unsharp-2-4", {"radius_px": 2, "amount": 4}, is_quick=True),
            Setting("unsharp-4-8", {"radius_px": 4, "amount": 8}),
            Setting("unsharp-8-8", {"radius_px": 8, "amount": 8}, is_quick=True),
            Setting("unsharp-16-4", {"radius_px": 16, "amount": 4}),
        ),
    ),
    AdjustableAttack(
        "high-pass",
        "High-pass filter",
        "Shows fine detail alone, amplified.",
        high_pass,
        (
            Slider("radius_px", "Radius", _RADII, 3.0, "px"),
            Slider("gain", "Gain", _GAINS, 10.0, "×"),
        ),
        (Setting("high-pass", {"radius_px": 3, "gain": 10}, is_quick=True),),
    ),
    AdjustableAttack(
        "clahe",
        "Local contrast (CLAHE)",
        "Stretches the contrast of each part of the picture on its own.",
        clahe,
        (
            Slider("limit", "Limit", (1.0, 2.0, 4.0, 8.0, 16.0, 40.0), 8.0),
            Slider("tiles", "Tiles a side", (2, 4, 6, 8, 12), 4),
        ),
        (Setting("clahe", {"limit": 8, "tiles": 4}),),
    ),
    AdjustableAttack(
        "wiener",
        "Wiener filter",
        "Undoes a blur of known width, as far as the noise it assumes allows.",
        wiener,
        (_SIGMA, Slider("noise", "Noise", (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1), 1e-3)),
        (
            Setting("wiener-4", {"sigma_px": 4, "noise": 1e-3}, is_quick=True),
            Setting("wiener-10", {"sigma_px": 10, "noise": 1e-4}),
        ),
    ),
    AdjustableAttack(
        "richardson-lucy",
        "Richardson–Lucy deconvolution",
        "Undoes a blur of known width, a little more in each round.",
        richardson_lucy,
        (_SIGMA, Slider("iterations", "Rounds", (1, 2, 5, 10, 20, 40), 10)),
        (
            Setting("richardson-lucy-4", {"sigma_px": 4, "iterations": 20}),
            Setting("richardson-lucy-10", {"sigma_px": 10, "iterations": 20}),
        ),
        is_slow=True,
    ),
    AdjustableAttack(
        "blind",
        "Blind deconvolution",
        "Undoes a blur that it has to guess first.",
        blind,
        (Slider("rounds", "Rounds", (1, 2, 5, 10, 20), 5),),
        (Setting("blind", {"rounds": 10}),),
        is_slow=True,
    ),
    AdjustableAttack(
        "total-variation",
        "Total variation",
        "Takes grain away and amplifies the outlines that are left.",
        total_variation,
        (Slider("weight", "Weight", (0.01, 0.02, 0.05, 0.1, 0.2, 0.5), 0.05),),
        (Setting("total-variation", {"weight": 0.05}),),
        is_slow=True,
    ),
    AdjustableAttack(
        "jpeg-ghost",
        "JPEG ghost",
        "Shows what saving once more as JPEG would change.",
        jpeg_ghost,
        (Slider("quality", "Quality", (20, 40, 60, 75, 90), 60),),
        (Setting("jpeg-ghost", {"quality": 60}),),
    ),
    AdjustableAttack(
        "refill",
        "Lethe's own fill, taken away",
        "Computes Lethe's fill again, takes it away, and amplifies what is left.",
        without_fill,
        (Slider("gain", "Gain", _GAINS, 10.0, "×"),),
        (Setting("refill", {"gain": 10}, is_quick=True),),
        is_slow=True,
        needs_mask=True,
    ),
)


def _fixed(attack: AdjustableAttack) -> Iterator[FixedAttack]:
    for setting in attack.settings:
        text = attack.settings_text(setting.values)
        yield FixedAttack(
            setting.name,
            f"{attack.words} {text.capitalize()}." if text else attack.words,
            partial(attack.run, settings=setting.values),
            setting.is_quick,
        )


ADJUSTABLE: Final = {attack.name: attack for attack in (*_FILTERS, _BASELINE)}
"""By name; sharpening first, since it is what most people try."""
CLASSICAL: Final = {
    fixed.name: fixed for attack in (_BASELINE, *_FILTERS) for fixed in _fixed(attack)
}
"""The same at every setting of the battery, by the setting's name."""
_INVERSIONS: Final[tuple[LearnedAttack[Inversion], ...]] = (
    LearnedAttack(
        "ridge-inverse",
        "A linear program that learned, from other subjects, to draw what was hidden.",
        ridge.inverse,
    ),
    LearnedAttack(
        "network-inverse",
        "A small neural network that learned to draw what was hidden.",
        network.inverse,
        needs_torch=True,
    ),
)
_IDENTIFICATIONS: Final[tuple[LearnedAttack[Identification], ...]] = (
    LearnedAttack(
        "ridge-identity",
        "A linear program that learned who is who from other releases of them.",
        ridge.identity,
    ),
    LearnedAttack(
        "network-identity",
        "A small neural network that learned who is who.",
        network.identity,
        needs_torch=True,
    ),
)
INVERSIONS: Final = {attack.name: attack for attack in _INVERSIONS}
"""Learned attacks that draw the original."""
IDENTIFICATIONS: Final = {attack.name: attack for attack in _IDENTIFICATIONS}
"""Learned attacks that name the subject."""
LEARNED: Final[Mapping[str, LearnedAttack[Inversion] | LearnedAttack[Identification]]] = {
    **INVERSIONS,
    **IDENTIFICATIONS,
}
