"""Choosing how something is hidden, and how it is attacked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import streamlit as st

from engine.attacks.algorithms.catalogue import ADJUSTABLE, AdjustableAttack, Slider
from engine.attacks.battery.methods import FILLS, Kind, Method, blur, pixelate
from engine.attacks.demonstration import Attack

BLUR, PIXELATE = "blur", "pixelate"
_TITLES = {name: method.title for name, method in FILLS.items()} | {
    BLUR: "Blur, to see it fail",
    PIXELATE: "Pixelation, to see it fail",
}
BLUR_PER_CENT = (4, 6, 8, 10, 12, 15, 20, 25, 30, 40)
CELLS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24)


@dataclass(frozen=True, slots=True)
class ChosenAttack:
    """An attack at one setting."""

    attack: AdjustableAttack
    settings: Mapping[str, float]

    @property
    def key(self) -> tuple[str, ...]:
        """Says which."""
        return (self.attack.name, *(f"{name}={value:g}" for name, value in self.settings.items()))

    @property
    def run(self) -> Attack:
        """As `demonstrate` wants it."""
        return partial(self.attack.run, settings=dict(self.settings))

    @property
    def words(self) -> str:
        """Name and settings: `Wiener filter, blur to undo 6 px, noise 0.001`."""
        settings = self.attack.settings_text(self.settings)
        return f"{self.attack.title}, {settings}" if settings else self.attack.title


def choose_removal() -> Method:
    """The controls for how it is hidden; blur and pixelation with their strength."""
    name = st.selectbox(
        "Removal",
        list(_TITLES),
        format_func=lambda option: _TITLES[option],
        key="irreversibility_removal",
    )
    if name == BLUR:
        per_cent = st.select_slider(
            "Strength, % of the mask's shorter side",
            BLUR_PER_CENT,
            6,
            key="irreversibility_blur",
        )
        return blur(per_cent / 100)
    if name == PIXELATE:
        cells = st.select_slider(
            "Cells along the shorter side", CELLS, 8, key="irreversibility_cells"
        )
        return pixelate(cells)
    return FILLS[name]


def removal_words(method: Method) -> str:
    """For a caption."""
    return method.title if method.kind is Kind.FILL else f"{method.title}; Lethe does not offer it"


def choose_attack() -> ChosenAttack:
    """The controls for the attack and its sliders."""
    name = st.selectbox(
        "Attack",
        list(ADJUSTABLE),
        format_func=lambda option: ADJUSTABLE[option].title,
        key="irreversibility_attack",
    )
    attack = ADJUSTABLE[name]
    columns = st.columns(max(len(attack.sliders), 1))
    settings = {}
    for column, slider in zip(columns, attack.sliders, strict=False):
        with column:
            settings[slider.name] = _slid(attack, slider)
    return ChosenAttack(attack, settings)


def _slid(attack: AdjustableAttack, slider: Slider) -> float:
    return float(
        st.select_slider(
            f"{slider.label}, {slider.unit}" if slider.unit == "px" else slider.label,
            slider.values,
            slider.start,
            format_func=slider.text,
            key=f"irreversibility_{attack.name}_{slider.name}",
        )
    )
