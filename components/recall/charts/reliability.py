"""Charts about scores: whether they can be taken at their word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.recall.charts.axes import Chart, message, shortened
from components.recall.charts.plot import plot
from engine.category import Category
from engine.evaluation.report.charts.reliability import reliability_chart, wilson_words
from engine.evaluation.report.charts.spec import (
    MARK_PX,
    ROW_PX,
    Axis,
    ChartSpec,
    Panel,
    Point,
    Series,
    found_words,
    percent,
    percent_axis,
    wilson,
)
from engine.evaluation.scores.calibration import Bin
from engine.evaluation.scores.counts import Slice
from engine.wording import counted


def reliability(bins: Sequence[Bin], category: Category) -> Chart:
    """Whether a score of 0.7 means that 7 of 10 such detections are on a label.

    Args:
        bins: from `engine.evaluation.scores.calibration.reliability`.
        category: whose detections.
    """
    if not bins:
        return message(f"No {category.value} detection on a completely labelled picture.")
    return plot(reliability_chart(bins, category))


def calibration_groups(by_slice: Mapping[Slice, Bin], category: Category) -> Chart:
    """By group of pictures: the mean score beside the share that is on a label.

    Args:
        by_slice: from `engine.evaluation.scores.calibration.bins_by_slice`.
        category: whose detections.
    """
    if not by_slice:
        return message(f"No {category.value} detection in groups of pictures.")
    means, shares, names, parts = [], [], [], []
    for row, (part, scores) in enumerate(by_slice.items()):
        found = found_words(scores.on_labels, "detection")
        name = shortened(part.value)
        words = (
            f"{name}: mean score {scores.mean_score:.2f}\non a label: {found}\n"
            f"{wilson_words(scores.on_labels)}"
        )
        means.append(Point(100 * scores.mean_score, row, words=words))
        shares.append(Point(percent(scores.on_labels), row, wilson(scores.on_labels), words))
        names.append(f"{name}\n{counted(scores.on_labels.total, 'detection')}")
        parts.append(f"{part.value}: mean score {scores.mean_score:.2f}, on a label {found}")
    panel = Panel(
        percent_axis("Detections on a label (%)"),
        Axis(-0.5, len(names) - 0.5, rows=tuple(names)),
        (
            Series(tuple(means), name="mean score × 100", mark_px=20),
            Series(tuple(shares), category, "on a label", mark_px=MARK_PX, interval_along="x"),
        ),
        ROW_PX * len(names),
    )
    return plot(
        ChartSpec(
            (panel,),
            f"Scores of {category.value} detections by group of pictures. {'; '.join(parts)}.",
        )
    )
