"""Choosing how something is hidden, and how it is attacked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import streamlit as st

from engine.attacks.algorithms.sliders import ADJUSTABLE, Adjustable, Slider
from engine.attacks.battery.methods import FILLS, Kind, Method
from engine.attacks.demonstration import Attack

BLUR, PIXELATE = "blur", "pixelate"
_TITLES = {
    "pushpull": "Lethe: push-pull, the default",
    "telea": "Lethe: Telea",
    "solid": "Lethe: black box",
    BLUR: "Blur, to see it fail",
    PIXELATE: "Pixelation, to see it fail",
}
_BLURS = (4, 6, 8, 10, 12, 15, 20, 25, 30, 40)
_CELLS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24)


@dataclass(frozen=True, slots=True)
class ChosenAttack:
    """An attack at one setting."""

    attack: Adjustable
    settings: Mapping[str, float]

    @property
    def key(self) -> tuple[str, ...]:
        """Says which."""
        return (self.attack.name, *(f"{name}={one:g}" for name, one in self.settings.items()))

    @property
    def run(self) -> Attack:
        """As `demonstrate` wants it."""
        return partial(self.attack.run, settings=dict(self.settings))

    @property
    def words(self) -> str:
        """Name and settings: `Wiener filter, blur to undo 6 px, noise 0.001`."""
        parts = [
            f"{slider.label.lower()} {_value(slider, self.settings[slider.name])}"
            for slider in self.attack.sliders
        ]
        return ", ".join([self.attack.title, *parts])


def choose_removal() -> Method:
    """The controls for how it is hidden; blur and pixelation with their strength."""
    name = st.selectbox(
        "Removal",
        list(_TITLES),
        format_func=lambda one: _TITLES[one],
        key="irreversibility_removal",
    )
    if name == BLUR:
        per_cent = st.select_slider(
            "Strength, % of the mask's shorter side",
            _BLURS,
            6,
            key="irreversibility_blur",
        )
        return Method(BLUR, Kind.CONTROL, "A blur of the original.", per_cent / 100)
    if name == PIXELATE:
        cells = st.select_slider(
            "Cells along the shorter side", _CELLS, 8, key="irreversibility_cells"
        )
        return Method(PIXELATE, Kind.CONTROL, "A mosaic of the original.", cells)
    return FILLS[name]


def removal_words(method: Method) -> str:
    """For a caption."""
    if method.kind is Kind.FILL:
        return _TITLES[method.name]
    if method.name == BLUR:
        return f"Blur, {method.amount:.0%}; Lethe does not offer it"
    return f"Pixelation, {method.amount:g} cells; Lethe does not offer it"


def choose_attack() -> ChosenAttack:
    """The controls for the attack and its sliders."""
    name = st.selectbox(
        "Attack",
        list(ADJUSTABLE),
        format_func=lambda one: ADJUSTABLE[one].title,
        key="irreversibility_attack",
    )
    attack = ADJUSTABLE[name]
    columns = st.columns(max(len(attack.sliders), 1))
    settings = {}
    for column, slider in zip(columns, attack.sliders, strict=False):
        with column:
            settings[slider.name] = _slid(attack, slider)
    return ChosenAttack(attack, settings)


def _slid(attack: Adjustable, slider: Slider) -> float:
    return float(
        st.select_slider(
            f"{slider.label}, {slider.unit}" if slider.unit == "px" else slider.label,
            slider.values,
            slider.start,
            format_func=partial(_value, slider),
            key=f"irreversibility_{attack.name}_{slider.name}",
        )
    )


def _value(slider: Slider, value: float) -> str:
    return f"{value:g} {slider.unit}".strip()
