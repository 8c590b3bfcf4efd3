"""Figures over time: how recall moves from evaluation to evaluation, and what the sample shows."""

from __future__ import annotations

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
    """One finished evaluation in a trend."""

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
    """The oldest first."""
    return sorted(runs, key=lambda run: (run.at, run.number))


def set_numbers(runs: Sequence[Run]) -> dict[str, int]:
    """A short number for each data set, by its fingerprint, in the order they were measured."""
    first_seen = dict.fromkeys(run.fingerprint for run in in_order(runs))
    return {fingerprint: number for number, fingerprint in enumerate(first_seen, start=1)}


def trend(runs: Sequence[Run]) -> Chart:
    """Recall with its lower bound over evaluations; those of one data set are joined.

    Args:
        runs: in any order. The newest one's target is drawn.
    """
    ordered = in_order(runs)
    shown = [one for one in DETECTABLE if any(_of(run, one).total for run in ordered)]
    if not shown:
        return message("No finished evaluation with labels yet.")
    seen = [one for one in shown if any(_of(run, one).found for run in ordered)]
    numbers, target = set_numbers(ordered), ordered[-1].target
    figure = make_subplots(
        rows=1,
        cols=len(shown),
        shared_yaxes=True,
        horizontal_spacing=0.04,
        subplot_titles=[one.value.capitalize() for one in shown],
        figure=blank(_INNER_PX),
    )
    for column, category in enumerate(shown, start=1):
        if category not in seen:
            _say_none_found(figure, column)
            continue
        for fingerprint, number in numbers.items():
            own = [
                run
                for run in ordered
                if run.fingerprint == fingerprint and _of(run, category).total
            ]
            if own:
                name = f"set {number}" if len(numbers) > 1 else ""
                _trend_line(figure, own, category, (number, name), column)
    figure.add_hline(y=target * 100, line=TARGET_LINE)
    lowers = [_of(run, one).lower() for run in ordered for one in seen]
    axis = plotly_axis(recall_axis([*lowers, target], RECALL))
    figure.update_yaxes(axis | {"title": None})
    figure.update_yaxes(title=axis["title"], row=1, col=1)
    figure.update_xaxes(date_axis([run.at for run in ordered], "When evaluated (UTC)"))
    return Chart(figure, _trend_words(ordered, shown, numbers))


def sample_over_time(points: Sequence[tuple[date, Proportion]], target: float) -> Chart:
    """The share of checked pictures with something missed, all up to each day.

    Args:
        points: a day (or moment), and the pictures checked then: those with nothing missed, of all.
        target: the share to prove, 0..1; what may be missed is the rest.
    """
    ordered = sorted((one for one in points if one[1].total), key=lambda one: str(one[0]))
    if not ordered:
        return message("No picture of the sample was checked yet.")
    sums = list(
        accumulate((proportion for _, proportion in ordered), lambda one, other: one + other)
    )
    days = [day for day, _ in ordered]
    missed = [100 * (1 - (one.share or 0.0)) for one in sums]
    uppers = [100 * (1 - (one.lower() or 0.0)) for one in sums]
    said = [f"{_day(day)}: {_missed_words(one)}" for day, one in zip(days, sums, strict=True)]
    figure = blank(_SAMPLE_PX)
    figure.add_scatter(
        x=days,
        y=uppers,
        mode="lines+markers",
        line={"color": NEUTRAL, "dash": "dot", "shape": "hv"},
        marker={"symbol": "triangle-down", "size": 8, "color": NEUTRAL},
        name="at most (upper bound, 95 %)",
        hoverinfo="text",
        hovertext=said,
    )
    figure.add_scatter(
        x=days,
        y=missed,
        mode="lines+markers",
        line={"color": ACCENT, "shape": "hv"},
        marker={"symbol": "circle", "size": 8, "color": ACCENT},
        name="seen so far",
        hoverinfo="text",
        hovertext=said,
    )
    may = 1 - target
    figure.add_hline(
        y=100 * may,
        line=TARGET_LINE,
        annotation={"text": f"target: at most {may * 100:g} %"},
        annotation_position="top left",
    )
    most = max(*uppers, 100 * may)
    figure.update_xaxes(date_axis(days, "When checked (UTC)"))
    axis = percent_axis("Pictures with a miss (%)", 0.0, min(most * 1.2, 100.0))
    figure.update_yaxes(plotly_axis(axis))
    figure.update_layout(showlegend=True, legend=LEGEND)
    verdict = "under" if uppers[-1] <= 100 * may else "not proven to be under"
    return Chart(
        figure,
        f"Of pictures checked by sample until {_day(days[-1])}: {_missed_words(sums[-1])}, "
        f"{verdict} the {may * 100:g} % that the target allows.",
    )


def _trend_line(
    figure: go.Figure, runs: Sequence[Run], category: Category, set_: tuple[int, str], column: int
) -> None:
    number, name = set_
    tallies = [_of(run, category) for run in runs]
    shares = [100 * (one.share or 0.0) for one in tallies]
    lowers = [100 * (one.lower() or 0.0) for one in tallies]
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
            f"{category.value}: {escaped(found_words(one))}<br>"
            f"at least {at_least(one.lower())} (one-sided bound, 95 %)"
            for run, one in zip(runs, tallies, strict=True)
        ],
        row=1,
        col=column,
    )


def _say_none_found(figure: go.Figure, column: int) -> None:
    """Words instead of marks at 0 %, which would press all that differs into the upper edge."""
    figure.add_scatter(x=[], y=[], row=1, col=column)  # an axis without traces has no ground
    figure.add_annotation(
        text="0 %: none found<br>in any evaluation",
        showarrow=False,
        x=0.5,
        y=0.5,
        xref=f"x{column if column > 1 else ''} domain",
        yref="y domain",
    )


def _trend_words(runs: Sequence[Run], shown: Sequence[Category], numbers: Mapping[str, int]) -> str:
    sets = counted(len(numbers), "data set")
    start = f"Recall over {counted(len(runs), 'evaluation')} on {sets}"
    apart = ", which are not joined" if len(numbers) > 1 else ""
    return f"{start}{apart}. " + " ".join(
        _category_words([run for run in runs if _of(run, one).total], one) for one in shown
    )


def _category_words(runs: Sequence[Run], category: Category) -> str:
    newest = runs[-1]
    alike = [run for run in runs if run.fingerprint == newest.fingerprint]
    proportion = _of(newest, category)
    before = (
        f", from {at_least(_of(alike[0], category).share)} in evaluation {alike[0].number} "
        "on the same data set"
        if len(alike) > 1
        else ""
    )
    return (
        f"{category.value.capitalize()}: {spaced(found_words(proportion))} in evaluation "
        f"{newest.number}, "
        f"at least {at_least(proportion.lower())}{before}; target {goal(newest.target)}."
    )


def _missed_words(clean: Proportion) -> str:
    missed = clean.total - clean.found
    lower = clean.lower() or 0.0
    return (
        f"something missed in {missed} of {counted(clean.total, 'picture')} "
        f"({at_most(missed / clean.total)}), at most {at_most(1 - lower)} (one-sided bound, 95 %)"
    )


def _of(run: Run, category: Category) -> Proportion:
    return run.recall.get(category, Proportion())


def _day(moment: date) -> str:
    return f"{moment.day} {moment:%b %Y}"
