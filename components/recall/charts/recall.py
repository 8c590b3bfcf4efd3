"""Recall charts of the screen, drawn from the specifications that reports draw too.

Every bound is one-sided with 95 % confidence, and drawn as an interval: a share without its
interval invites comparing what cannot be told apart. `components.recall.charts.times` has the
charts over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components.recall.charts.axes import Chart, draw, message, shortened
from components.recall.charts.plot import plot
from components.recall.charts.reliability import calibration_groups, reliability
from components.recall.charts.times import Run, sample_over_time, trend
from components.recall.words import lines
from engine.category import Category
from engine.evaluation.report.charts.recall import RECALL, CategoryRecall, recall_chart
from engine.evaluation.report.charts.spec import (
    ChartSpec,
    Row,
    bounds_words,
    found_words,
    recall_axis,
    rows_panel,
)
from engine.evaluation.report.charts.trade_off import trade_off_chart
from engine.evaluation.report.parts import value_order
from engine.evaluation.scores.summary import GroupSummary, Summary
from engine.evaluation.scores.tradeoff import Point
from engine.wording import counted

__all__ = [
    "Chart",
    "Run",
    "calibration_groups",
    "draw",
    "groups",
    "in_row_order",
    "recall_lines",
    "reliability",
    "sample_over_time",
    "trade_off",
    "trend",
]


def recall_lines(summary: Summary, target: float) -> Chart:
    """Recall of each category with both bounds, against the target.

    Args:
        summary: of one evaluation.
        target: the share to prove, 0..1.
    """
    parts = [
        CategoryRecall(line.category, line.coverage, line.word, line.is_blind)
        for line in lines(summary)
    ]
    return plot(recall_chart(parts, target))


def groups(of_lines: Sequence[GroupSummary], category: Category) -> Chart:
    """Recall of one category by the values of one attribute, slices too small to tell made hollow.

    Args:
        of_lines: of a report's `groups`; those of other categories are left out.
        category: whose labels.
    """
    chosen = in_row_order(line for line in of_lines if line.category is category)
    if not chosen:
        return message(f"No group of {category.value} labels to compare.")
    rows = [_group_row(line, category) for line in chosen]
    axis = recall_axis([row.proportion.lower() for row in rows], RECALL)
    parts = [
        f"{line.value}: {found_words(row.proportion)}, {bounds_words(row.proportion)}"
        + ", too few to say anything" * row.is_hollow
        for line, row in zip(chosen, rows, strict=True)
    ]
    names = " and ".join(sorted({str(line.by) for line in chosen}))
    words = f"Recall of {category.value} labels by {names}. {'; '.join(parts)}."
    return plot(ChartSpec((rows_panel(rows, axis),), words))


def in_row_order(of_lines: Iterable[GroupSummary]) -> list[GroupSummary]:
    """Sort rows of a report's `groups` by attribute and value; sizes from small to large."""
    return sorted(of_lines, key=lambda line: (line.by, *value_order(line)))


def trade_off(
    points: Sequence[Point], category: Category, review_at: float, target: float
) -> Chart:
    """What moving `review_at` gives and costs: recall against review load, and load by threshold.

    Args:
        points: from `engine.evaluation.scores.tradeoff.curve`.
        category: whose threshold moves.
        review_at: the threshold to mark, at the nearest step.
        target: the share to prove, 0..1.
    """
    if not points or not points[0].detection.total:
        return message(f"No {category.value} label to see what thresholds would do.")
    if not points[0].review_load.total:
        return message(
            f"No picture is labelled completely for {category.value}, so nobody can say how many "
            "boxes to review are for nothing."
        )
    now = min(points, key=lambda point: abs(point.review_at - review_at))
    return plot(trade_off_chart(points, now, category, target))


def _group_row(line: GroupSummary, category: Category) -> Row:
    proportion = line.proportion
    value, is_few = shortened(str(line.value)), not line.enough
    words = f"{value}: {found_words(proportion)}\n{bounds_words(proportion)}"
    return Row(
        f"{value}\n{counted(proportion.total, 'label')}" + ", too few" * is_few,
        proportion,
        category,
        words + "\ntoo few" * is_few,
        is_hollow=is_few,
    )
