"""Review and masking budgets of policies, and the cost of thresholds on calibration pictures.

A promise about recall alone is kept best by marking everything. So each named policy has a budget:
thresholds are the safest that keep it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engine.category import DETECTABLE, Category
from engine.coverage import share_removed
from models.train.calibration.fusing import Likelihood
from models.train.calibration.matching import Proposal, Proposals
from models.train.calibration.thresholds import Control, Limits, control


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a policy may cost, on average over pictures; each is a share or a count."""

    limits: Limits
    """Of each category. False regions are counted before those are dropped that lie under surer
    ones, so there are somewhat more than in a plan."""
    to_a_person: float
    """Share of pictures that go to a person, for a box or because most of them would be removed."""
    needless: tuple[float, ...]
    """Shares of pictures in which something is removed without asking that is nothing, ascending:
    each category gets the smallest for which few enough pictures go to a person."""


BUDGETS: Final = {
    "cautious": Budget(
        Limits(false_regions=3.0, false_share=0.15, price=100.0, free_regions=1.0, free_share=0.05),
        to_a_person=1.0,
        needless=(0.10,),
    ),
    "balanced": Budget(
        Limits(false_regions=2.0, false_share=0.05, price=60.0, free_regions=0.4, free_share=0.02),
        to_a_person=0.40,
        needless=tuple(round(0.05 + 0.0125 * step, 4) for step in range(21)),
    ),
    "fast": Budget(
        Limits(false_regions=0.5, false_share=0.01),
        to_a_person=0.10,
        needless=(0.10, 0.20, 0.30),
    ),
}
"""By the name of the policy; chosen on calibration pictures alone."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A picture with the probability of each proposal."""

    picture: Proposals
    likely: Mapping[Category, Sequence[float]]
    """In the order of `picture.of(category)`."""

    def above(self, category: Category, threshold: float) -> tuple[tuple[Proposal, float], ...]:
        """The proposals of a category with at least this probability."""
        pairs = zip(self.picture.of(category), self.likely[category], strict=True)
        return tuple((proposal, score) for proposal, score in pairs if score >= threshold)

    def goes_to_a_person(self, thresholds: Mapping[Category, Control], most: float) -> bool:
        """Whether a box needs review, or more than this share would be removed without asking."""
        removed_rects, review_count = [], 0
        for category, chosen in thresholds.items():
            for proposal, score in self.above(category, chosen.review_at):
                if score >= chosen.auto_redact_at:
                    removed_rects.append(proposal.region.rect)
                else:
                    review_count += 1
        return review_count > 0 or share_removed(removed_rects, self.picture.size) > most

    def boxes(self, thresholds: Mapping[Category, Control]) -> int:
        """How many boxes a person would see."""
        return sum(
            len(self.above(category, chosen.review_at)) for category, chosen in thresholds.items()
        )

    def removed(self, thresholds: Mapping[Category, Control]) -> float:
        """Share of the picture under the masks of everything that is proposed, 0..1."""
        rects = [
            proposal.region.rect
            for category, chosen in thresholds.items()
            for proposal, _ in self.above(category, chosen.review_at)
        ]
        return share_removed(rects, self.picture.size)


@dataclass(frozen=True, slots=True)
class Cost:
    """What thresholds cost on the pictures they were chosen with."""

    pictures: int
    to_a_person: float
    """Share of pictures."""
    boxes: tuple[float, float]
    """Of a picture that goes to a person: median and 90th percentile; 0 where none does."""
    removed: float
    """Mean share of a picture under masks."""

    @property
    def sentence(self) -> str:
        """For a person who chooses between policies."""
        median, most = self.boxes
        boxes = f", with {median:.0f} boxes each (median; one in ten has more than {most:.0f})"
        boxes = boxes if self.to_a_person else ""
        return (
            f"Of {self.pictures} calibration pictures {self.to_a_person:.0%} would go to a "
            f"person{boxes}, and {self.removed:.0%} of a picture would be removed on average, "
            "counting what a person may still keep."
        )


def cost(pictures: Sequence[Scored], thresholds: Mapping[Category, Control], most: float) -> Cost:
    """Add up what thresholds cost.

    Args:
        pictures: the pictures.
        thresholds: of each category.
        most: where more of a picture than this share would be removed, a person is asked.
    """
    reviewed = [picture for picture in pictures if picture.goes_to_a_person(thresholds, most)]
    boxes = [picture.boxes(thresholds) for picture in reviewed] or [0]
    median, most = np.percentile(boxes, [50, 90]).tolist()
    removed = [picture.removed(thresholds) for picture in pictures] or [0.0]
    return Cost(
        pictures=len(pictures),
        to_a_person=len(reviewed) / max(len(pictures), 1),
        boxes=(median, most),
        removed=float(np.mean(removed)),
    )


def within_budget(
    pictures: Sequence[Proposals], likelihood: Likelihood, budget: Budget, most: float
) -> tuple[dict[Category, Control], Cost]:
    """Choose every category's thresholds so that together they keep a budget, if any do.

    Each category begins with the largest share of needless removals, with which fewest people are
    asked. Then, as long as few enough pictures go to a person, the category in which that asks for
    the fewest more gets the next smaller share. `most` as for `cost`.

    Raises:
        TrainingRefused: as `control`.
    """
    scored = [
        Scored(picture, {category: likelihood(picture, category) for category in DETECTABLE})
        for picture in pictures
    ]
    choices = {
        category: [
            control(pictures, category, likelihood, replace(budget.limits, needless=needless))
            for needless in budget.needless
        ]
        for category in DETECTABLE
    }
    controls = {category: options.pop() for category, options in choices.items()}
    spent = cost(scored, controls, most)
    while smaller := {category: options[-1] for category, options in choices.items() if options}:
        costs = {
            category: cost(scored, controls | {category: option}, most)
            for category, option in smaller.items()
        }
        best = min(costs, key=lambda category: costs[category].to_a_person)
        if costs[best].to_a_person > budget.to_a_person:
            break
        controls[best], spent = choices[best].pop(), costs[best]
    return controls, spent
