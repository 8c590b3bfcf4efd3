"""The figures of a report, each with the sentence that says the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.category import DETECTABLE, Category
from engine.evaluation.report.charts.drawing import draw_charts
from engine.evaluation.report.charts.recall import CategoryRecall, recall_chart
from engine.evaluation.report.charts.reliability import reliability_chart
from engine.evaluation.report.charts.spec import ChartSpec, percent_axis
from engine.evaluation.report.charts.trade_off import trade_off_chart
from engine.evaluation.report.document import Figure
from engine.evaluation.report.facts import Facts
from engine.evaluation.report.numbers import PLURAL
from engine.evaluation.scores.calibration import Bin, expected_error
from engine.evaluation.scores.tradeoff import Point

_CLOSE_UP = 90.0


@dataclass(frozen=True, slots=True)
class Curve:
    """What other thresholds would do to one category, and where the policy stands."""

    points: Sequence[Point]
    now: Point

    @property
    def steps(self) -> list[Point]:
        """Every point, the policy's own included, from the lowest threshold."""
        others = [point for point in self.points if point.review_at != self.now.review_at]
        return sorted([*others, self.now], key=lambda point: point.review_at)


def recall_figure(facts: Facts, statuses: Mapping[Category, str]) -> Figure:
    """Recall of each category with its bounds, beside the target; close up too where that helps."""
    chart = recall_chart(
        [
            CategoryRecall(
                category,
                facts.coverage(category),
                statuses[category],
                is_blind=category not in facts.policy.looked_for or category in facts.blind,
            )
            for category in DETECTABLE
        ],
        facts.target,
    )
    return _figure(
        "recall",
        "Recall and bounds by category",
        [chart, *_close_up(chart, facts.target)],
        "Recall by coverage (mark) with its one-sided 95 % bounds (bar); the dashed line is the "
        "target. An arrow says that recall lies below the scale.",
    )


def reliability_figure(bins: Mapping[Category, Sequence[Bin]]) -> Figure:
    """Scores against the share of detections on labels, a column for each category."""
    return _figure(
        "calibration",
        "Calibration by category",
        [
            replace(
                reliability_chart(parts, category),
                title=f"{PLURAL[category]}, error {expected_error(parts) or 0.0:.3f}",
            )
            for category, parts in bins.items()
        ],
        "Upright: share of detections on a label, with two-sided 95 % Wilson intervals, and below "
        "the number of detections. Across: their mean score. On the dashed line a score means "
        "what it says; below it the detector is too sure of itself.",
    )


def threshold_figure(curves: Mapping[Category, Curve], target: float) -> Figure:
    """Recall against the pictures a person is asked about, a column for each category."""
    return _figure(
        "thresholds",
        "Recall against review load",
        [
            replace(
                trade_off_chart(curve.steps, curve.now, category, target), title=PLURAL[category]
            )
            for category, curve in curves.items()
        ],
        "Above: recall by coverage against completely labelled pictures with a box of the "
        "category to review; the scales differ. Below: those pictures by threshold. The large mark "
        "with its one-sided 95 % bounds and the dashed upright line are the policy as evaluated, "
        "the dashed line across is the target.",
    )


def _figure(name: str, title: str, charts: Sequence[ChartSpec], caption: str) -> Figure:
    description = " ".join(chart.alt for chart in charts if chart.alt)
    return Figure(name, description, caption, draw_charts(name, title, charts))


def _close_up(chart: ChartSpec, target: float) -> tuple[ChartSpec, ...]:
    (panel,) = chart.panels
    start = min(_CLOSE_UP, 100 * target)
    if panel.x.low >= start:
        return ()
    x = percent_axis(f"the same from {start:g} % up", start)
    names = replace(panel.y, rows=("",) * len(panel.y.rows))
    return (ChartSpec((replace(panel, x=x, y=names),), alt=""),)
