"""What other thresholds would do: recall against the work they make for people.

Computed from what was found down to a low score, without looking again; nothing with a score below
`FLOOR` was kept. A changed policy is evaluated again before anybody trusts it, on other pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.category import Category
from engine.errors import InvalidDataset
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.scores.findings import FLOOR, PredictionRecord
from engine.evaluation.scores.matching import NEVER, hidden_from, inside
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
    """One category with its `review_at` here; `auto_redact_at` is the policy's."""

    review_at: float
    detection: Proportion
    """Labels removed or shown as doubts, by coverage, of all."""
    asked_with: Proportion
    """Complete pictures with a label of the category: those with a doubt of it, of all."""
    asked_without: Proportion
    """The same of complete pictures free of it."""

    @property
    def asked(self) -> Proportion:
        """Complete pictures with a doubt of the category, of all."""
        return self.asked_with + self.asked_without


def curve(
    pairs: Iterable[tuple[LabelledPicture, PredictionRecord]], policy: Policy, category: Category
) -> tuple[Point, ...]:
    """How detection recall and the doubts of a category move with its `review_at`.

    Args:
        pairs: pictures with what was found in them; those whose labels do not fit are left out.
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
        own = [one.box for one in labels if one.category is category and not one.is_ignored]
        way = _lowest(findings, policy, category)
        if category in picture.counted:
            every = inside((*way.proposed, *way.pieces), findings.size)
            found = [one for one in every if one.category is category]
            found.sort(key=lambda one: -(one.score or 0.0))
            hidden_at += [hidden_from(box, found) for box in own]
        if category in picture.labelled_for:
            asked_at[bool(own)].append(_asked_from(way, category))
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


def _lowest(findings: PredictionRecord, policy: Policy, category: Category) -> Route:
    """What becomes of the picture where everything of this category that was found counts.

    What goes without asking, and so what is dropped as adding nothing, is the same at any
    `review_at`.
    """
    lowest = policy.with_thresholds(
        category, review_at=0.0, auto_redact_at=policy.thresholds(category).auto_redact_at
    )
    return route(findings.found, findings.standing, lowest, findings.size)


def _asked_from(way: Route, category: Category) -> float:
    """The highest `review_at` at which a person is asked about this category in this picture."""
    scores = [one.score or 0.0 for one in way.review_regions if one.category is category]
    return max(scores, default=NEVER)


def _reaching(scores: Sequence[float], threshold: float) -> Proportion:
    return Proportion(sum(score >= threshold for score in scores), len(scores))
