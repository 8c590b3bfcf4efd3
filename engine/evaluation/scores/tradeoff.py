"""Trade-off curve over thresholds: recall against review load.

Computed from prediction records, without running the models again; they hold no detection with a
score below `FLOOR`. A changed policy is evaluated again before anybody trusts it, on other
pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.category import Category
from engine.errors import InvalidDataset
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.scores.matching import NEVER, hidden_from, inside
from engine.evaluation.scores.prediction_record import FLOOR, PredictionRecord
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.scoring import upright_labels
from engine.policy import Policy
from engine.triage import Route, route

STEPS = (
    *(FLOOR, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08),
    *(round(0.1 + 0.025 * step, 3) for step in range(36)),
)
"""Thresholds from `FLOOR` to 0.975, close where rare things' probabilities are."""


@dataclass(frozen=True, slots=True)
class Point:
    """Operating point of one category at one `review_at`."""

    review_at: float
    detection: Proportion
    """Labels removed or shown to a person, by coverage, of all."""
    review_with: Proportion
    """Complete pictures with a label of the category: those with a region of it to review."""
    review_without: Proportion
    """The same of complete pictures free of it."""

    @property
    def review_load(self) -> Proportion:
        """Complete pictures with a region of the category to review, of all."""
        return self.review_with + self.review_without


def curve(
    pairs: Iterable[tuple[LabelledPicture, PredictionRecord]], policy: Policy, category: Category
) -> tuple[Point, ...]:
    """Detection recall and review load of a category at each `review_at`.

    Args:
        pairs: pictures with their records; those whose labels do not fit are left out.
        policy: its `auto_redact_at` stays; steps above it are left out.
        category: whose threshold moves.
    """
    hidden_at: list[float] = []
    asked_at: dict[bool, list[float]] = {True: [], False: []}
    for picture, findings in pairs:
        try:
            labels = upright_labels(picture, findings)
        except InvalidDataset:
            continue
        boxes = [
            label.box for label in labels if label.category is category and not label.is_ignored
        ]
        lowest = _lowest_route(findings, policy, category)
        if category in picture.counted:
            regions = inside((*lowest.proposed, *lowest.pieces), findings.size)
            candidates = [region for region in regions if region.category is category]
            candidates.sort(key=lambda region: -(region.score or 0.0))
            hidden_at += [hidden_from(box, candidates) for box in boxes]
        if category in picture.labelled_for:
            scores = [
                region.score or 0.0
                for region in lowest.review_regions
                if region.category is category
            ]
            asked_at[bool(boxes)].append(max(scores, default=NEVER))
    auto_redact_at = policy.thresholds(category).auto_redact_at
    return tuple(
        Point(
            step,
            _reaching(hidden_at, step),
            _reaching(asked_at[True], step),
            _reaching(asked_at[False], step),
        )
        for step in STEPS
        if step <= auto_redact_at
    )


def _lowest_route(findings: PredictionRecord, policy: Policy, category: Category) -> Route:
    """Triage of a picture with a `review_at` of 0 for this category.

    What goes without asking, and so what is dropped as adding nothing, is the same at any
    `review_at`.
    """
    lowest = policy.with_thresholds(
        category, review_at=0.0, auto_redact_at=policy.thresholds(category).auto_redact_at
    )
    return route(findings.found, findings.standing, lowest, findings.size)


def _reaching(scores: Sequence[float], threshold: float) -> Proportion:
    return Proportion(sum(score >= threshold for score in scores), len(scores))
