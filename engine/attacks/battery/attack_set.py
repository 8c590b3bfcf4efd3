"""One category set up for attack: releases to break, and those an attacker trains on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.attacks.battery.methods import Method
from engine.attacks.subjects.composites import (
    SEEN_PX,
    Staged,
    released,
    stage,
    surroundings,
    varied,
)
from engine.attacks.subjects.patches import Patches, Subjects
from engine.category import DETECTABLE

FOLDS: Final = 5
NOBODY: Final = -1
"""Owner of a training picture whose subject is not under attack."""

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class AttackSet:
    """Every method is attacked on the same staged pictures, so that methods can be compared."""

    subjects: Subjects
    staged: tuple[Staged, ...]
    """Subject by subject, what is under attack."""
    folds: Indices
    """(N,), 0..FOLDS-1."""
    copies: Patches
    """uint8 (T, S, S, 3): subjects in other shots, for training."""
    rehearsed: tuple[Staged, ...]
    """The copies, staged elsewhere."""
    owners: Indices
    """(T,): the subject of each copy, or `NOBODY` for a spare one."""

    @property
    def inner(self) -> tuple[slice, slice]:
        """The subject within a window that an attack is given."""
        return (slice(SEEN_PX, -SEEN_PX), slice(SEEN_PX, -SEEN_PX))

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(W, W), the mask within such a window."""
        side = self.subjects.side_px + 2 * SEEN_PX
        mask = np.zeros((side, side), np.bool_)
        mask[self.inner] = True
        return mask

    def under_attack(self, method: Method) -> NDArray[np.uint8]:
        """Windows of the releases, uint8 (N, W, W, 3)."""
        return released(self.staged, method)

    def for_training(self, method: Method) -> NDArray[np.uint8]:
        """Windows that an attacker who knows the method makes, uint8 (T, W, W, 3)."""
        return released(self.rehearsed, method)


def attack_set(subjects: Subjects, *, copies: int, spare_copies: int, seed: int) -> AttackSet:
    """Stage subjects.

    Args:
        subjects: of one category.
        copies: training shots of each subject.
        spare_copies: training shots of each spare one.
        seed: everything drawn depends on it and on the category alone.
    """
    rng = np.random.default_rng((seed, DETECTABLE.index(subjects.category), len(subjects)))
    scenes = surroundings(subjects, rng)
    staged = stage(subjects.patches, scenes, rng)
    folds = rng.permutation(np.arange(len(subjects)) % FOLDS)
    own = np.repeat(np.arange(len(subjects)), copies)
    spare = np.repeat(np.arange(len(subjects.spare)), spare_copies)
    shots = [varied(subjects.patches[index], rng) for index in own]
    shots += [varied(subjects.spare[index], rng) for index in spare]
    made = np.stack(shots)
    owners = np.concatenate([own, np.full(len(spare), NOBODY)])
    return AttackSet(subjects, staged, folds, made, stage(made, scenes, rng), owners)
