"""One method in one category, under every attack: score matrices, and T1 and T3 beside them."""

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
    hiding_by,
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
    """How a category is set up; the same for every method."""

    copies: int
    spare_copies: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What came of it."""

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
    stage = attack_set(
        subjects,
        copies=preparation.copies,
        spare_copies=preparation.spare_copies,
        seed=preparation.seed,
    )
    seen = stage.under_attack(method)
    scores = {name: _classical(stage, seen, name) for name in attacks if name in CLASSICAL}
    scores |= _learned(stage, seen, method, attacks)
    cases = _cases(stage)
    few = cases if method.kind is Kind.FILL else cases[:CONTROL_CASES]
    hiding = hiding_by(method)
    return Trial(
        method, scores, stage.folds, non_interference(few, hiding), outside_untouched(few, hiding)
    )


def _classical(stage: AttackSet, seen: Rgb, name: str) -> F64:
    attack, mask = CLASSICAL[name], stage.mask
    outputs = [attack.run(window.astype(np.float32), mask)[stage.inner] for window in seen]
    return _compared(stage, np.stack(outputs), name)


def _compared(stage: AttackSet, outputs: NDArray[np.float32], name: str) -> F64:
    require_finite(outputs, name)
    return similarities(outputs, stage.subjects.patches)


def _learned(
    stage: AttackSet, seen: Rgb, method: Method, attacks: tuple[str, ...]
) -> dict[str, F64]:
    wanted = [name for name in attacks if name in LEARNED]
    if not wanted:
        return {}
    training, scores = stage.for_training(method), {}
    known = stage.owners != NOBODY
    for name in wanted:
        if name in INVERSIONS:
            invert = INVERSIONS[name].run
            guessed = invert(seen, stage.folds, training, stage.copies, stage.owners)
            scores[name] = _compared(stage, guessed, name)
        else:
            scores[name] = IDENTIFICATIONS[name].run(seen, training[known], stage.owners[known])
            require_finite(scores[name], name)
    return scores


def _cases(stage: AttackSet) -> tuple[Case, ...]:
    """The staged pictures; the next one is the other picture of each."""
    after = (*stage.staged[1:], stage.staged[0])
    return tuple(
        Case(one.image, one.mask, other.image.rgb, one.seed)
        for one, other in zip(stage.staged, after, strict=True)
    )
