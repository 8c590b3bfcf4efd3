"""Subjects of the battery: one distinct patch each.

Each patch fills a mask from edge to edge. What stood around it in its own picture is left behind,
since surroundings are public and would give a subject away without any attack.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.category import Category
from engine.errors import LetheError

LEAST_SUBJECTS = 12
"""Fewer cannot be told from chance: a rank-1 bound and a permutation test need candidates."""

Patches = NDArray[np.uint8]


class UnusableSubjects(LetheError):
    """The pictures named cannot serve as subjects."""


def _none() -> Patches:
    return np.zeros((0, 0, 0, 3), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Subjects:
    """Candidates of one category: every attack has to find the right one among them."""

    category: Category
    patches: Patches
    """uint8 (N, S, S, 3), RGB, S a multiple of 16."""
    source: str
    """Where they come from, in words for a report; names no file."""
    spare: Patches = field(default_factory=_none)
    """uint8 (M, S, S, 3): further subjects, for learned attacks to train on; may be empty."""
    scenes: Patches = field(default_factory=_none)
    """uint8 (K, H, H, 3): surroundings that belong to none of `patches`; empty: made up."""

    def __post_init__(self) -> None:
        count, height, width = self.patches.shape[:3]
        if height != width or height % 16:
            raise ValueError(f"patches must be square on the 16 px grid, got {height} x {width}")
        if count < LEAST_SUBJECTS:
            raise UnusableSubjects(
                f"{self.source}: {count} subjects of category {self.category} can be used, and "
                f"{LEAST_SUBJECTS} are the least that can be told from chance. Name more pictures "
                "or leave the category out with --categories."
            )
        for patches in (self.patches, self.spare, self.scenes):
            patches.flags.writeable = False

    def __len__(self) -> int:
        return len(self.patches)

    @property
    def side_px(self) -> int:
        """Side of a patch."""
        return int(self.patches.shape[1])
