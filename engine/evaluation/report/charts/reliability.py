"""Reliability diagram: scores against the share of detections on labels, with their number.

Intervals are Wilson's, two-sided with 95 %: nothing is signed on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.category import Category
from engine.evaluation.report.charts.spec import (
    MARK_PX,
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
from engine.evaluation.report.numbers import at_least, at_most
from engine.evaluation.scores.calibration import Bin
from engine.evaluation.scores.proportion import Proportion

_BAR_WIDTH = 0.07
_HEIGHTS_PX = (290, 86)


def reliability_chart(bins: Sequence[Bin], category: Category) -> ChartSpec:
    """Reliability diagram of one category, with the number of detections below."""
    words = [
        f"scores {part.label}, mean {part.mean_score:.2f}\non a label: "
        f"{found_words(part.on_labels, 'detection')}\n{wilson_words(part.on_labels)}"
        for part in bins
    ]
    shares = tuple(
        Point(part.mean_score, percent(part.on_labels), wilson(part.on_labels), text)
        for part, text in zip(bins, words, strict=True)
    )
    numbers = tuple(
        Point(part.mean_score, part.on_labels.total, words=text)
        for part, text in zip(bins, words, strict=True)
    )
    most = max(part.on_labels.total for part in bins)
    ideal = Series((Point(0, 0), Point(1, 100)), name="score can be taken at its word", line="dash")
    alt = "; ".join(
        f"{part.label}: {found_words(part.on_labels, 'detection')} at a mean score of "
        f"{part.mean_score:.2f}"
        for part in bins
    )
    return ChartSpec(
        (
            Panel(
                Axis(0.0, 1.0),
                percent_axis("On a label (%)"),
                (ideal, Series(shares, category, f"{category.value} detections", mark_px=MARK_PX)),
                _HEIGHTS_PX[0],
            ),
            Panel(
                Axis(0.0, 1.0, "Score the detector gave (0\u00a0to\u00a01)"),
                Axis(0.0, most * 1.35, "Detections"),
                (Series(numbers, category, bar_width=_BAR_WIDTH),),
                _HEIGHTS_PX[1],
            ),
        ),
        f"Share of {category.value} detections that are on a label, by score. {alt}.",
    )


def wilson_words(proportion: Proportion) -> str:
    """The two-sided interval in words."""
    low, high = proportion.wilson() or (0.0, 1.0)
    return f"between {at_least(low)} and {at_most(high)} (two-sided, 95 %)"
