"""Trial of one method in one category: score matrices of every attack, and T1 and T3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.attacks.algorithms.catalogue import (
    CLASSICAL,
    IDENTIFICATIONS,
    INVERSIONS,
    LEARNED,
)
from engine.attacks.battery.attack_set import NOBODY, AttackSet, attack_set
from engine.attacks.battery.methods import Kind, Method
from engine.attacks.battery.non_interference import (
    Case,
    Changed,
    hiding_with,
    non_interference,
    outside_untouched,
)
from engine.attacks.battery.score import require_finite, similarities
from engine.attacks.subjects.patches import Subjects

F64 = NDArray[np.float64]
Rgb = NDArray[np.uint8]
CONTROL_CASES: Final = 4
"""Staged pictures on which T1 is repeated for what is no fill of ours."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """Parameters of an attack set; the same for every method."""

    copies: int
    spare_copies: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Scores of every attack on one method in one category."""

    method: Method
    scores: dict[str, F64]
    """By attack: (N, N), row for the release, column for the candidate."""
    folds: NDArray[np.intp]
    t1: Changed
    t3: Changed


def run_trial(
    subjects: Subjects, preparation: Preparation, method: Method, attacks: tuple[str, ...]
) -> Trial:
    """Hide the subjects by `method`, then attack.

    Args:
        subjects: of one category.
        preparation: training copies and seed.
        method: what is attacked.
        attacks: names from `CLASSICAL` and `LEARNED`.

    Raises:
        NotFinite: an attack gave a value that is no number.
    """
    cv2.setNumThreads(1)
    attacked = attack_set(
        subjects,
        copies=preparation.copies,
        spare_copies=preparation.spare_copies,
        seed=preparation.seed,
    )
    windows = attacked.under_attack(method)
    scores = {name: _classical(attacked, windows, name) for name in attacks if name in CLASSICAL}
    scores |= _learned(attacked, windows, method, attacks)
    cases = _cases(attacked)
    if method.kind is not Kind.FILL:
        cases = cases[:CONTROL_CASES]
    hiding = hiding_with(method)
    return Trial(
        method,
        scores,
        attacked.folds,
        non_interference(cases, hiding),
        outside_untouched(cases, hiding),
    )


def _classical(attacked: AttackSet, windows: Rgb, name: str) -> F64:
    attack, mask = CLASSICAL[name], attacked.mask
    outputs = [attack.run(window.astype(np.float32), mask)[attacked.inner] for window in windows]
    return _compared(attacked, np.stack(outputs), name)


def _compared(attacked: AttackSet, outputs: NDArray[np.float32], name: str) -> F64:
    require_finite(outputs, name)
    return similarities(outputs, attacked.subjects.patches)


def _learned(
    attacked: AttackSet, windows: Rgb, method: Method, attacks: tuple[str, ...]
) -> dict[str, F64]:
    wanted = [name for name in attacks if name in LEARNED]
    if not wanted:
        return {}
    training, scores = attacked.for_training(method), {}
    is_owned = attacked.owners != NOBODY
    for name in wanted:
        if name in INVERSIONS:
            invert = INVERSIONS[name].run
            drawings = invert(windows, attacked.folds, training, attacked.copies, attacked.owners)
            scores[name] = _compared(attacked, drawings, name)
        else:
            scores[name] = IDENTIFICATIONS[name].run(
                windows, training[is_owned], attacked.owners[is_owned]
            )
            require_finite(scores[name], name)
    return scores


def _cases(attacked: AttackSet) -> tuple[Case, ...]:
    """Cases for T1 and T3 from staged pictures, each paired with the next."""
    following = (*attacked.staged[1:], attacked.staged[0])
    return tuple(
        Case(staged.image, staged.mask, next_staged.image.rgb, staged.seed)
        for staged, next_staged in zip(attacked.staged, following, strict=True)
    )
