"""Time series charts: recall over evaluations, and the miss rate of the audit sample."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from components.app.palette import COLOURS, MARKS
from components.recall.charts.axes import (
    ACCENT,
    LEGEND,
    NEUTRAL,
    TARGET_LINE,
    Chart,
    blank,
    date_axis,
    error_bars,
    escaped,
    message,
    plotly_axis,
    shortened,
)
from components.recall.words import at_least, at_most, goal, spaced
from engine.category import DETECTABLE, Category
from engine.evaluation.report.charts.recall import RECALL
from engine.evaluation.report.charts.spec import (
    MARK_PX,
    found_words,
    percent_axis,
    recall_axis,
)
from engine.evaluation.scores.proportion import Proportion
from engine.wording import counted

_INNER_PX = 260
_SAMPLE_PX = 220
_SET_LINES = ("solid", "dot", "dash", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished evaluation as a point of the trend."""

    number: int
    name: str
    at: datetime
    fingerprint: str
    """Of the data set: runs over different ones cannot be compared."""
    policy: str
    """Fingerprint."""
    target: float
    recall: Mapping[Category, Proportion]
    """By coverage."""


def in_order(runs: Sequence[Run]) -> list[Run]:
    """Sort runs by date, the oldest first."""
    return sorted(runs, key=lambda run: (run.at, run.number))


def set_numbers(runs: Sequence[Run]) -> dict[str, int]:
    """Number the data sets by fingerprint, in the order of their first run."""
    fingerprints = dict.fromkeys(run.fingerprint for run in in_order(runs))
    return {fingerprint: number for number, fingerprint in enumerate(fingerprints, start=1)}


def trend(runs: Sequence[Run]) -> Chart:
    """Line chart of recall with its lower bound over evaluations, joined within a data set.

    Args:
        runs: in any order. The newest one's target is drawn.
    """
    ordered = in_order(runs)
    labelled = [
        category for category in DETECTABLE if any(_recall(run, category).total for run in ordered)
    ]
    if not labelled:
        return message("No finished evaluation with labels yet.")
    detected = [
        category for category in labelled if any(_recall(run, category).found for run in ordered)
    ]
    numbers, target = set_numbers(ordered), ordered[-1].target
    figure = make_subplots(
        rows=1,
        cols=len(labelled),
        shared_yaxes=True,
        horizontal_spacing=0.04,
        subplot_titles=[category.value.capitalize() for category in labelled],
        figure=blank(_INNER_PX),
    )
    for column, category in enumerate(labelled, start=1):
        if category not in detected:
            _say_none_found(figure, column)
            continue
        for fingerprint, number in numbers.items():
            series = [
                run
                for run in ordered
                if run.fingerprint == fingerprint and _recall(run, category).total
            ]
            if series:
                name = f"set {number}" if len(numbers) > 1 else ""
                _trend_line(figure, series, category, (number, name), column)
    figure.add_hline(y=target * 100, line=TARGET_LINE)
    lowers = [_recall(run, category).lower() for run in ordered for category in detected]
    axis = plotly_axis(recall_axis([*lowers, target], RECALL))
    figure.update_yaxes(axis | {"title": None})
    figure.update_yaxes(title=axis["title"], row=1, col=1)
    figure.update_xaxes(date_axis([run.at for run in ordered], "When evaluated (UTC)"))
    return Chart(figure, _trend_words(ordered, labelled, numbers))


def sample_over_time(points: Sequence[tuple[date, Proportion]], target: float) -> Chart:
    """Step chart of the cumulative miss rate of the audit sample, with its upper bound.

    Args:
        points: a day (or moment), and the pictures checked then: those with nothing missed, of all.
        target: the share to prove, 0..1; what may be missed is the rest.
    """
    ordered = sorted((point for point in points if point[1].total), key=lambda point: str(point[0]))
    if not ordered:
        return message("No picture of the sample was checked yet.")
    days = [day for day, _ in ordered]
    sums = list(accumulate((proportion for _, proportion in ordered), operator.add))
    missed = [100 * (1 - (total.share or 0.0)) for total in sums]
    uppers = [100 * (1 - (total.lower() or 0.0)) for total in sums]
    texts = [f"{_day(day)}: {_missed_words(total)}" for day, total in zip(days, sums, strict=True)]
    figure = blank(_SAMPLE_PX)
    for values, name, colour, dash, symbol in (
        (uppers, "at most (upper bound, 95 %)", NEUTRAL, "dot", "triangle-down"),
        (missed, "seen so far", ACCENT, "solid", "circle"),
    ):
        figure.add_scatter(
            x=days,
            y=values,
            mode="lines+markers",
            line={"color": colour, "dash": dash, "shape": "hv"},
            marker={"symbol": symbol, "size": 8, "color": colour},
            name=name,
            hoverinfo="text",
            hovertext=texts,
        )
    limit = 100 * (1 - target)
    figure.add_hline(
        y=limit,
        line=TARGET_LINE,
        annotation={"text": f"target: at most {limit:g} %"},
        annotation_position="top left",
    )
    highest = max(*uppers, limit)
    figure.update_xaxes(date_axis(days, "When checked (UTC)"))
    axis = percent_axis("Pictures with a miss (%)", 0.0, min(highest * 1.2, 100.0))
    figure.update_yaxes(plotly_axis(axis))
    figure.update_layout(showlegend=True, legend=LEGEND)
    verdict = "under" if uppers[-1] <= limit else "not proven to be under"
    return Chart(
        figure,
        f"Of pictures checked by sample until {_day(days[-1])}: {_missed_words(sums[-1])}, "
        f"{verdict} the {limit:g} % that the target allows.",
    )


def _trend_line(
    figure: go.Figure,
    runs: Sequence[Run],
    category: Category,
    data_set: tuple[int, str],
    column: int,
) -> None:
    number, name = data_set
    recalls = [_recall(run, category) for run in runs]
    shares = [100 * (recall.share or 0.0) for recall in recalls]
    lowers = [100 * (recall.lower() or 0.0) for recall in recalls]
    figure.add_scatter(
        x=[run.at for run in runs],
        y=shares,
        mode="lines+markers+text",
        cliponaxis=False,
        text=[name, *[""] * (len(runs) - 1)],
        textposition="bottom right",
        line={"color": COLOURS[category], "dash": _SET_LINES[(number - 1) % len(_SET_LINES)]},
        marker={"color": COLOURS[category], "symbol": MARKS[category], "size": MARK_PX - 1},
        error_y=error_bars(shares, lowers, shares, color=COLOURS[category]),
        name=f"{category.value}, set {number}",
        hoverinfo="text",
        hovertext=[
            f"{run.number} · {escaped(shortened(run.name))}, {_day(run.at)}, set {number}<br>"
            f"{category.value}: {escaped(found_words(recall))}<br>"
            f"at least {at_least(recall.lower())} (one-sided bound, 95 %)"
            for run, recall in zip(runs, recalls, strict=True)
        ],
        row=1,
        col=column,
    )


def _say_none_found(figure: go.Figure, column: int) -> None:
    """Note instead of marks at 0 %, which would squeeze all differences into the upper edge."""
    figure.add_scatter(x=[], y=[], row=1, col=column)  # an axis without traces has no ground
    figure.add_annotation(
        text="0 %: none found<br>in any evaluation",
        showarrow=False,
        x=0.5,
        y=0.5,
        xref=f"x{column if column > 1 else ''} domain",
        yref="y domain",
    )


def _trend_words(
    runs: Sequence[Run], categories: Sequence[Category], numbers: Mapping[str, int]
) -> str:
    sets = counted(len(numbers), "data set") + ", which are not joined" * (len(numbers) > 1)
    return f"Recall over {counted(len(runs), 'evaluation')} on {sets}. " + " ".join(
        _category_words([run for run in runs if _recall(run, category).total], category)
        for category in categories
    )


def _category_words(runs: Sequence[Run], category: Category) -> str:
    newest = runs[-1]
    alike = [run for run in runs if run.fingerprint == newest.fingerprint]
    recall = _recall(newest, category)
    change = (
        f", from {at_least(_recall(alike[0], category).share)} in evaluation {alike[0].number} "
        "on the same data set"
        if len(alike) > 1
        else ""
    )
    return (
        f"{category.value.capitalize()}: {spaced(found_words(recall))} in evaluation "
        f"{newest.number}, "
        f"at least {at_least(recall.lower())}{change}; target {goal(newest.target)}."
    )


def _missed_words(clean: Proportion) -> str:
    missed = clean.total - clean.found
    lower = clean.lower() or 0.0
    return (
        f"something missed in {missed} of {counted(clean.total, 'picture')} "
        f"({at_most(missed / clean.total)}), at most {at_most(1 - lower)} (one-sided bound, 95 %)"
    )


def _recall(run: Run, category: Category) -> Proportion:
    return run.recall.get(category, Proportion())


def _day(moment: date) -> str:
    return f"{moment.day} {moment:%b %Y}"
