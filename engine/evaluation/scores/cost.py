"""Cost of recall: review load, pixels removed, and pictures that needed nothing.

Recall alone can be had by asking about everything and removing everything, so it is never told
without this. Everything here is counts, or lists of one number a picture, and adds: a median of
medians would be no median.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.coverage import share_removed
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.scores.proportion import NONE, Proportion
from engine.geometry import Size
from engine.plan import Region
from engine.policy import Policy
from engine.triage import Route

_DIGITS = 9
"""A share of a number of pictures may come out a hair above a whole one, and must not."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Histogram of boxes per picture."""

    pictures: Mapping[int, int] = field(default_factory=dict)
    """Pictures, at least 1, by their number of boxes, in ascending order."""

    @property
    def total(self) -> int:
        """All pictures."""
        return sum(self.pictures.values())

    def at(self, share: float) -> int | None:
        """Quantile of boxes per picture (nearest rank, so some picture's); None of nothing.

        Args:
            share: above 0, up to 1; 0.5 gives the median, 1 the worst.
        """
        if not 0.0 < share <= 1.0:
            raise ValueError(f"share must lie in 0..1, above 0, got {share}")
        rank, cumulative = math.ceil(round(share * self.total, _DIGITS)), 0
        for boxes, pictures in self.pictures.items():
            cumulative += pictures
            if cumulative >= rank:
                return boxes
        return None

    @classmethod
    def of(cls, boxes: Iterable[int]) -> Histogram:
        """From the number of boxes of each picture."""
        return cls(dict(sorted(Counter(boxes).items())))

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(dict(sorted((Counter(self.pictures) + Counter(other.pictures)).items())))


@dataclass(frozen=True, slots=True)
class PictureCost:
    """Cost of one picture under one policy."""

    is_reviewed: bool
    """True when it goes to a person, the sample check apart."""
    boxes: int
    """Regions that this person is shown, certain or not."""
    review_regions: int
    """Those of them that the person must decide about."""
    removed: float
    """Share of the picture under masks that are removed without asking, 0..1."""
    removed_at_most: float
    """The same when every region to review is removed too, 0..1."""
    is_free: bool
    """True when it is labelled completely for all that is looked for and shows none of it, not
    even an ignored box: whatever happens to it is needless."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of some pictures."""

    review_load: Proportion = NONE
    """Pictures that go to a person, the sample check apart, of all."""
    boxes: Histogram = field(default_factory=Histogram)
    """All regions shown, of pictures that go to a person."""
    review_regions: Histogram = field(default_factory=Histogram)
    """Regions to decide about, of pictures that go to a person."""
    removed: tuple[float, ...] = ()
    """Share of each picture removed without asking, in ascending order."""
    removed_at_most: tuple[float, ...] = ()
    """The same with regions to review removed too."""
    free_touched: Proportion = NONE
    """Pictures free of all that is looked for: those of which pixels go without asking, of all."""
    free_reviewed: Proportion = NONE
    """The same pictures: those that go to a person, of all."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            review_load=self.review_load + other.review_load,
            boxes=self.boxes + other.boxes,
            review_regions=self.review_regions + other.review_regions,
            removed=tuple(sorted(self.removed + other.removed)),
            removed_at_most=tuple(sorted(self.removed_at_most + other.removed_at_most)),
            free_touched=self.free_touched + other.free_touched,
            free_reviewed=self.free_reviewed + other.free_reviewed,
        )


def cost_of(picture: LabelledPicture, route: Route, policy: Policy, size: Size) -> PictureCost:
    """Cost of a picture.

    Args:
        picture: with its labels.
        route: where the policy sends its detections.
        policy: says what is looked for.
        size: of the upright picture, in which masks lie.
    """
    wanted = frozenset(policy.looked_for)
    return PictureCost(
        is_reviewed=bool(route.reasons),
        boxes=len(route.proposed),
        review_regions=len(route.review_regions),
        removed=_share(route.regions, size),
        removed_at_most=_share(route.proposed, size),
        is_free=wanted <= picture.labelled_for
        and not any(label.category in wanted for label in picture.labels),
    )


def add_up(pictures: Iterable[PictureCost]) -> Cost:
    """Sum of the costs of pictures."""
    costs = tuple(pictures)
    reviewed = [cost for cost in costs if cost.is_reviewed]
    free = [cost for cost in costs if cost.is_free]
    return Cost(
        review_load=Proportion(len(reviewed), len(costs)),
        boxes=Histogram.of(cost.boxes for cost in reviewed),
        review_regions=Histogram.of(cost.review_regions for cost in reviewed),
        removed=tuple(sorted(cost.removed for cost in costs)),
        removed_at_most=tuple(sorted(cost.removed_at_most for cost in costs)),
        free_touched=Proportion(sum(cost.removed > 0 for cost in free), len(free)),
        free_reviewed=Proportion(sum(cost.is_reviewed for cost in free), len(free)),
    )


def _share(regions: Sequence[Region], size: Size) -> float:
    return share_removed([region.rect for region in regions], size)
