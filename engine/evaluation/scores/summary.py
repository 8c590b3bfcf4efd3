"""Summary of an evaluation: what `lethe evaluate --json` writes and the store keeps, as types.

Every share is 0..1, and None of nothing. Summaries stored before something was measured lack it:
they read with that field None (or 0), and write back without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from engine.category import Category
from engine.evaluation.data.uncounted import Uncounted
from engine.evaluation.scores.error_causes import FalseNegativeCause
from engine.evaluation.scores.proportion import Proportion

TargetStatus: TypeAlias = Literal["met", "missed", "not_proven", "not_measured"]


class _Values(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Spread(_Values):
    """Mean and 95th percentile of a share of each picture."""

    mean: float | None
    p95: float | None


class Quantiles(_Values):
    """Median, 90th percentile and maximum of a number of boxes."""

    median: int | None
    p90: int | None
    worst: int | None


class ReviewLoad(_Values):
    """Pictures that a person must look at."""

    all: float | None
    with_labels: float | None = Field(alias="with")
    without_labels: float | None = Field(alias="without")
    audit: float | None
    """Expected sample checks on top."""


class Reviewed(_Values):
    """Pictures that go to a person."""

    pictures: int
    share: float | None
    boxes: Quantiles
    doubts: Quantiles


class FreePictures(_Values):
    """Pictures free of all that is looked for."""

    pictures: int
    touched: int
    to_a_person: int


class CostSummary(_Values):
    """Cost of recall."""

    to_a_person: Reviewed
    removed: Spread
    removed_at_most: Spread
    free: FreePictures


class Found(_Values):
    """Labels found under one rule."""

    found: int
    recall: float | None


class Coverage(Found):
    """Labels found by coverage, with one-sided 95 % bounds."""

    lower95: float | None
    upper95: float | None
    lower95_groups: float | None
    lower95_bootstrap: float | None
    groups: int
    whole_groups: int

    @property
    def lower_by_group(self) -> float | None:
        """Lower bound by group: the lower of exact and bootstrap; None of nothing.

        The bound of groups drawn again is blind to misses it never saw.
        """
        bounds = (self.lower95_groups, self.lower95_bootstrap)
        return min((bound for bound in bounds if bound is not None), default=None)


class Doubtful(_Values):
    """Share of complete pictures with a box of the category to review, with and without labels."""

    with_labels: float | None = Field(alias="with")
    without_labels: float | None = Field(alias="without")


class CategorySummary(_Values):
    """Results of one category."""

    labels: int
    iou: Found
    coverage: Coverage
    automatic: Found
    false_per_picture: float | None
    complete_pictures: int = 0
    doubtful: Doubtful
    misses: Mapping[str, int]
    false_alarms: Mapping[str, int]
    verdict: TargetStatus
    certain: bool
    uncounted: Uncounted | None = None

    def proportion(self, rule: Found) -> Proportion:
        """Labels found under a rule, of all that count."""
        return Proportion(rule.found, self.labels)

    @property
    def has_nothing(self) -> bool:
        """True when people looked for it in these pictures and there was nothing of it."""
        return not self.labels and bool(self.complete_pictures)

    @property
    def has_only_uncounted(self) -> bool:
        """True when boxes of it are there, and none of them counts."""
        boxes = self.uncounted or Uncounted()
        return not self.labels and any((boxes.ignored, boxes.unread, boxes.lost))

    @property
    def is_blind(self) -> bool:
        """True when there are labels and nobody looked for any of them."""
        return (
            bool(self.labels)
            and self.misses.get(FalseNegativeCause.NOBODY_LOOKED, 0) == self.labels
        )


class GroupSummary(_Values):
    """Recall of one category's labels in one group."""

    by: str
    value: str
    category: Category
    labels: int
    found: int
    recall: float | None
    lower95: float | None
    enough: bool

    @property
    def proportion(self) -> Proportion:
        """Labels found, of all."""
        return Proportion(self.found, self.labels)


class Summary(_Values):
    """Results of an evaluation."""

    pictures: int
    unread: int
    problems: int
    target: float
    review_load: ReviewLoad
    excess_masked: Spread
    margins_masked: Spread | None = None
    cost: CostSummary | None = None
    categories: Mapping[Category, CategorySummary]
    uncounted: Mapping[str, int] | None = None
    turned: int = 0
    groups: tuple[GroupSummary, ...]
    policy: str
    weights: tuple[str, ...]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Summary:
        """Read what `to_json` wrote, perhaps long ago."""
        return cls.model_validate(values)

    def to_json(self) -> dict[str, Any]:
        """Plain values under the documented keys."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
