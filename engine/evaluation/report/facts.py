"""Input of the report: subject, predictions, scores and summary, with common queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.category import DETECTABLE, Category
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.scores.counts import Counts
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import Scored
from engine.evaluation.scores.summary import CategorySummary, Summary
from engine.plan import Reason, ReasonKind
from engine.policy import Policy


@dataclass(frozen=True, slots=True)
class Subject:
    """What was evaluated, under which policy, and how to do it again."""

    name: str
    """Of the data set."""
    fingerprint: str
    """Of the data set."""
    pictures: int
    """In the data set, before anything was left out."""
    problems: tuple[str, ...]
    """Parts of the data set not used as written. Only their number is told: they name files."""
    unread: tuple[str, ...]
    """One sentence, without a name, for each picture that could not be looked at or scored."""
    policy: Policy
    target: float
    """Recall asked of every category, 0..1."""
    made_on: str
    """A date, as it is to be shown."""
    command: str
    """What makes the same report again."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The subject with its results."""

    subject: Subject
    pairs: Sequence[tuple[LabelledPicture, PredictionRecord]]
    scored: Scored
    summary: Summary
    counts: Counts
    """Of `scored`."""

    @property
    def policy(self) -> Policy:
        """Whose thresholds apply."""
        return self.subject.policy

    @property
    def target(self) -> float:
        """Recall asked of every category."""
        return self.subject.target

    @property
    def blind(self) -> tuple[Category, ...]:
        """Categories that the policy wants and no detector could look for."""
        standing = {reason for _, findings in self.pairs for reason in findings.standing}
        return tuple(
            category
            for category in self.policy.looked_for
            if Reason(ReasonKind.NO_DETECTOR, category.value) in standing
        )

    @property
    def detected(self) -> tuple[Category, ...]:
        """Categories that the policy wants and a detector looked for."""
        return tuple(category for category in self.policy.looked_for if category not in self.blind)

    def of(self, category: Category) -> CategorySummary:
        """The summary's part about one category."""
        return self.summary.categories[category]

    def coverage(self, category: Category) -> Proportion:
        """Labels found by coverage, of all that count."""
        part = self.of(category)
        return part.proportion(part.coverage)

    def groups(self, category: Category) -> Proportion:
        """Groups of which every label was found, of all."""
        coverage = self.of(category).coverage
        return Proportion(coverage.whole_groups, coverage.groups)

    @property
    def labelled(self) -> tuple[Category, ...]:
        """Categories with at least one label that counts."""
        return tuple(category for category in DETECTABLE if self.of(category).labels)

    @property
    def has_nothing(self) -> bool:
        """True when people looked for everything wanted, and there was nothing of it."""
        return not self.labelled and all(
            self.of(category).has_nothing for category in self.policy.looked_for
        )
