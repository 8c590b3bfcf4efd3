"""Recall of each category with its one-sided bounds, against the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.category import Category
from engine.evaluation.report.charts.spec import (
    ChartSpec,
    Reference,
    Row,
    bounds_words,
    found_words,
    recall_axis,
    rows_panel,
)
from engine.evaluation.report.numbers import exactly
from engine.evaluation.scores.proportion import Proportion
from engine.wording import counted

RECALL = "Recall (% of labels found)"


@dataclass(frozen=True, slots=True)
class CategoryRecall:
    """What the chart says about one category."""

    category: Category
    coverage: Proportion
    status: str
    is_blind: bool
    """True when nobody looked for it: then it is written and leaves the scale to the others."""


def recall_chart(categories: Sequence[CategoryRecall], target: float) -> ChartSpec:
    """Recall by category with both bounds (a forest plot).

    Args:
        categories: a row each, from the top.
        target: the share to prove, 0..1.
    """
    rows = [_row(category) for category in categories]
    lowers = [part.coverage.lower() for part in categories if not part.is_blind]
    goal = Reference("x", target * 100, f"target {exactly(target)}")
    alt = " ".join(
        f"{part.category.value.capitalize()}: {found_words(part.coverage)}, "
        f"{bounds_words(part.coverage)}, {part.status}."
        for part in categories
    )
    return ChartSpec(
        (rows_panel(rows, recall_axis([*lowers, target], RECALL), (goal,)),),
        f"Recall by category against the target of {exactly(target)}. {alt}",
    )


def _row(part: CategoryRecall) -> Row:
    name = part.category.value.capitalize()
    words = f"{name}: {found_words(part.coverage)}\n{bounds_words(part.coverage)}"
    return Row(
        f"{name}\n{counted(part.coverage.total, 'label')}",
        part.coverage,
        part.category,
        words,
        note=f"{part.status}: {found_words(part.coverage)}" if part.is_blind else "",
    )
