"""Threshold trade-off: recall against pictures to review, as `review_at` moves."""

from __future__ import annotations

from collections.abc import Sequence

from engine.category import Category
from engine.evaluation.report.charts.spec import (
    MARK_PX,
    Axis,
    ChartSpec,
    Line,
    Note,
    Panel,
    Point,
    Reference,
    Series,
    bounds,
    bounds_words,
    found_words,
    percent,
    percent_axis,
    recall_axis,
)
from engine.evaluation.report.numbers import at_most, exactly
from engine.evaluation.scores import tradeoff
from engine.evaluation.scores.proportion import Proportion
from engine.wording import counted

_HEIGHT_PX = 156
_LEAST_LOAD = 10.0


def trade_off_chart(
    points: Sequence[tradeoff.Point], now: tradeoff.Point, category: Category, target: float
) -> ChartSpec:
    """What moving `review_at` gives and costs: recall against review load, and load by threshold.

    Args:
        points: at least one, from `engine.evaluation.scores.tradeoff.curve`.
        now: the threshold to mark.
        category: whose threshold moves.
        target: the share to prove, 0..1.
    """
    curve = tuple(
        Point(percent(step.review_load), percent(step.detection), words=_words(step))
        for step in points
    )
    mark = Point(
        percent(now.review_load), percent(now.detection), bounds(now.detection), words=_words(now)
    )
    shares = [step.detection.share for step in points] + [now.detection.lower(), target]
    loads = [_load(points, name, category) for name in ("with", "without")]
    goal = Reference("y", target * 100, f"target {exactly(target)}")
    most = max(*(point.x for point in curve), _LEAST_LOAD)
    return ChartSpec(
        (
            Panel(
                percent_axis("Labelled pictures to review (%)", 0.0, min(most * 1.15, 100.0)),
                recall_axis(shares, "Recall (%)"),
                (
                    Series(curve, category, line="solid", mark_px=5),
                    Series((mark,), category, mark_px=MARK_PX + 4),
                ),
                _HEIGHT_PX,
                (goal,),
                (Note(f"asking from {now.review_at:g}", bounds(now.detection)[0], mark.x),),
            ),
            Panel(
                Axis(0.0, 1.0, "Score from which a person is asked (0\u00a0to\u00a01)"),
                percent_axis("Pictures to review (%)"),
                tuple(series for series in loads if series.points),
                _HEIGHT_PX,
                (Reference("x", now.review_at),),
            ),
        ),
        f"Recall of {category.value} against review load, as the score from which a person is "
        f"asked moves. Now {_plain(now)}, target {exactly(target)}. At the lowest step "
        f"{_plain(points[0])}. At the highest {_plain(points[-1])}.",
    )


def _load(points: Sequence[tradeoff.Point], name: str, category: Category) -> Series:
    loads: list[tuple[float, Proportion]] = [
        (step.review_at, getattr(step, f"review_{name}")) for step in points
    ]
    words = f"{name} {category.value}"
    line: Line = "solid" if name == "with" else "dot"
    return Series(
        tuple(
            Point(
                at,
                percent(load),
                words=f"asks from {at:g}\n{words}: {at_most(load.share)} to review",
            )
            for at, load in loads
            if load.total
        ),
        category,
        f"{words} ({counted(loads[0][1].total, 'picture')})",
        line,
    )


def _words(step: tradeoff.Point) -> str:
    load = step.review_load
    return (
        f"asking from {step.review_at:g}: recall {found_words(step.detection)},\n"
        f"{bounds_words(step.detection)},\n"
        f"{at_most(load.share)} of {counted(load.total, 'picture')} to review"
    )


def _plain(step: tradeoff.Point) -> str:
    return _words(step).replace("\n", " ")
