"""The figures of `docs/evaluation.json`, made by `make evaluation`: counts, and what they prove.

A file of another shape is refused; the document is not made from guesses.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, NonNegativeInt, ValidationError

from docs.build.errors import StaleSource
from engine.category import Category
from engine.evaluation.scores.proportion import Proportion


class Coverage(BaseModel):
    """Labels hidden by masks, and lower bounds that take groups of alike pictures as one."""

    found: NonNegativeInt
    lower95_groups: float | None
    lower95_bootstrap: float | None = None


class Automatic(BaseModel):
    """Labels removed with no person."""

    found: NonNegativeInt


class CategoryRecall(BaseModel):
    """One category."""

    labels: NonNegativeInt
    coverage: Coverage
    automatic: Automatic
    verdict: Literal["met", "missed", "not_proven", "not_measured"]

    @property
    def recall(self) -> Proportion:
        """Removed or shown to a person, of all labels."""
        return Proportion(self.coverage.found, self.labels)


class ReviewLoad(BaseModel):
    """Share of pictures that go to a person."""

    all: float


class Evaluation(BaseModel):
    """What the process document says of recall."""

    made_on: str
    dataset: str
    """Fingerprint."""
    policy: str
    """Fingerprint."""
    pictures: NonNegativeInt
    target: float
    review_load: ReviewLoad
    categories: dict[Category, CategoryRecall]

    def group_bound(self, category: Category) -> float | None:
        """What groups of alike pictures prove of a target met by labels; None if they prove it."""
        coverage = self.categories[category].coverage
        bounds = (coverage.lower95_groups, coverage.lower95_bootstrap)
        lowest = min((bound for bound in bounds if bound is not None), default=None)
        if self.categories[category].verdict != "met" or lowest is None or lowest >= self.target:
            return None
        return lowest


def read(report: str) -> Evaluation:
    """The evaluation in a report that `lethe evaluate --json` wrote.

    Raises:
        StaleSource: it is none.
    """
    try:
        return Evaluation.model_validate_json(report)
    except ValidationError as error:
        raise StaleSource(
            f"docs/evaluation.json is no evaluation; `make evaluation` makes it ({error})"
        ) from error
