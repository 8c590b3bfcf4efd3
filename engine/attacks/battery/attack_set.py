"""Attack set of a category: staged subjects to attack, and those an attacker trains on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.attacks.battery.methods import Method
from engine.attacks.subjects.composites import (
    SEEN_PX,
    StagedPicture,
    augmented,
    releases_of,
    stage,
    surroundings,
)
from engine.attacks.subjects.patches import Patches, Subjects
from engine.category import DETECTABLE

FOLDS: Final = 5
NOBODY: Final = -1
"""Owner of a training picture whose subject is not under attack."""

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class AttackSet:
    """Staged pictures of one category, the same for every method."""

    subjects: Subjects
    staged: tuple[StagedPicture, ...]
    """Subject by subject, what is under attack."""
    folds: Indices
    """(N,), 0..FOLDS-1."""
    copies: Patches
    """uint8 (T, S, S, 3): subjects in other shots, for training."""
    rehearsed: tuple[StagedPicture, ...]
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
        return releases_of(self.staged, method)

    def for_training(self, method: Method) -> NDArray[np.uint8]:
        """Windows that an attacker who knows the method makes, uint8 (T, W, W, 3)."""
        return releases_of(self.rehearsed, method)


def attack_set(subjects: Subjects, *, copies: int, spare_copies: int, seed: int) -> AttackSet:
    """Paste subjects into scenes, for attack and for training.

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
    subject_owners = np.repeat(np.arange(len(subjects)), copies)
    spare_owners = np.repeat(np.arange(len(subjects.spare)), spare_copies)
    shots = [augmented(subjects.patches[index], rng) for index in subject_owners]
    shots += [augmented(subjects.spare[index], rng) for index in spare_owners]
    training_patches = np.stack(shots)
    owners = np.concatenate([subject_owners, np.full(len(spare_owners), NOBODY)])
    return AttackSet(
        subjects, staged, folds, training_patches, stage(training_patches, scenes, rng), owners
    )
