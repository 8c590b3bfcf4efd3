"""Inter-rater agreement: which boxes two reviewers of one picture both marked.

Boxes of one category are matched one to one, from an IoU of a half on, so that as many as possible
have a partner (Hungarian method). Agreement is positive specific agreement, which between two
raters is the F1 score and the Dice coefficient (Dice 1945; Fleiss 1975): twice the matched boxes by
the boxes of both. There is no count of boxes that both left out, so kappa cannot be had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.evaluation.scores.matching import MATCH_IOU, assigned, iou_matrix
from engine.plan import Origin, Region


@dataclass(frozen=True, slots=True)
class BoxAgreement:
    """Boxes of two reviewers, counted; pictures add with `+`."""

    matched: int = 0
    only_first: int = 0
    only_second: int = 0
    iou_sum: float = 0.0
    """Over the matched boxes."""

    def __add__(self, other: BoxAgreement) -> BoxAgreement:
        return BoxAgreement(
            self.matched + other.matched,
            self.only_first + other.only_first,
            self.only_second + other.only_second,
            self.iou_sum + other.iou_sum,
        )

    @property
    def is_complete(self) -> bool:
        """True when each box of either has a partner, also where there is no box."""
        return not self.only_first and not self.only_second

    @property
    def dice(self) -> float | None:
        """2 matched / (2 matched + only first + only second), 0..1; None where there is no box."""
        boxes = 2 * self.matched + self.only_first + self.only_second
        return 2 * self.matched / boxes if boxes else None

    @property
    def mean_iou(self) -> float | None:
        """Over the matched boxes; None where there is none."""
        return self.iou_sum / self.matched if self.matched else None


NO_BOXES = BoxAgreement()
"""Nothing counted yet."""


@dataclass(frozen=True, slots=True)
class MatchedRegions:
    """Two reviewers' regions of one picture, side by side."""

    pairs: tuple[tuple[Region, Region], ...]
    """The first reviewer's and the second's."""
    only_first: tuple[Region, ...]
    only_second: tuple[Region, ...]

    @property
    def agreement(self) -> BoxAgreement:
        """The counts."""
        return BoxAgreement(
            len(self.pairs),
            len(self.only_first),
            len(self.only_second),
            sum(first.box.iou(second.box) for first, second in self.pairs),
        )

    @property
    def union(self) -> tuple[Region, ...]:
        """Regions that cover all that either reviewer marked; a pair is one, the hull of both."""
        return (*(_hull(*pair) for pair in self.pairs), *self.only_first, *self.only_second)


def matched_regions(first: Sequence[Region], second: Sequence[Region]) -> MatchedRegions:
    """Match two reviewers' regions of one picture, category by category."""
    affinity = iou_matrix([one.box for one in first], [one.box for one in second])
    for row, mine in enumerate(first):
        for column, other in enumerate(second):
            if mine.category is not other.category or affinity[row, column] < MATCH_IOU:
                affinity[row, column] = 0.0
    partners = assigned(affinity)
    taken = set(partners.values())
    return MatchedRegions(
        tuple((first[row], second[column]) for row, column in partners.items()),
        tuple(one for row, one in enumerate(first) if row not in partners),
        tuple(one for column, one in enumerate(second) if column not in taken),
    )


def _hull(first: Region, second: Region) -> Region:
    """Around both boxes; the model's where either reviewer kept what it proposed."""
    kept = second if first.origin is Origin.REVIEWER else first
    return replace(kept, box=first.box.hull(second.box))
