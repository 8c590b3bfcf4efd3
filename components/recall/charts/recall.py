"""The figures about recall: engine values in, a figure and the sentence that it shows out.

Every bound is one-sided with 95 % confidence, and drawn as an interval: a share without its
interval invites comparing what cannot be told apart. `components.recall.charts.times` has the
figures over time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from components.app.palette import COLOURS, MARKS
from components.recall.charts.axes import (
    LEGEND,
    MARK_PX,
    ROW_PX,
    TARGET_LINE,
    Chart,
    blank,
    bounds,
    bounds_words,
    draw,
    escaped,
    found_words,
    percent_axis,
    recall_axis,
    rows_axis,
    saying,
)
from components.recall.charts.reliability import calibration_groups, reliability
from components.recall.charts.times import Run, sample_over_time, trend
from components.recall.words import at_most, goal, lines
from engine.category import Category
from engine.evaluation.scores.counts import SIZES_PX, size_class
from engine.evaluation.scores.proportion import Proportion
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

_RECALL = "Recall (% of labels found)"
_TWO_PANELS_PX = 420
_NO_LEGEND_PX = 8
_SIZE_ORDER = [size_class(side) for side in (0, *SIZES_PX)]


def recall_lines(summary: Mapping[str, Any], target: float) -> Chart:
    """Recall of each category with both bounds, against the target.

    Args:
        summary: a report, as `engine.evaluation.scores.recall.report` gives it.
        target: the share to prove, 0..1.
    """
    told = lines(summary)
    labels = [
        f"{one.category.value.capitalize()}<br>{counted(one.coverage.total, 'label')}"
        for one in told
    ]
    figure = blank(len(told) * (ROW_PX + 12))
    for row, one in enumerate(told):
        if one.is_blind:
            _write(figure, row, f"{one.word}: {found_words(one.coverage)}")
            continue
        words = f"{one.category.value.capitalize()}: {found_words(one.coverage)}"
        _mark(figure, one.category, row, one.coverage, f"{words}<br>{bounds_words(one.coverage)}")
    figure.add_vline(
        x=target * 100,
        line=TARGET_LINE,
        annotation={"text": f"target {goal(target)}"},
        annotation_position="top left",
    )
    lowers = [one.coverage.lower() for one in told if not one.is_blind]
    figure.update_xaxes(recall_axis([*lowers, target], _RECALL))
    figure.update_yaxes(rows_axis(labels))
    alt = " ".join(
        f"{one.category.value.capitalize()}: {found_words(one.coverage)}, "
        f"{bounds_words(one.coverage)}, {one.word}."
        for one in told
    )
    return Chart(figure, f"Recall by category against the target of {goal(target)}. {alt}")


def groups(of_lines: Sequence[Mapping[str, Any]], category: Category) -> Chart:
    """Recall of one category by the values of one attribute, slices too small to tell made hollow.

    Args:
        of_lines: of a report's `groups`; those of other categories are left out.
        category: whose labels.
    """
    chosen = in_row_order(line for line in of_lines if line["category"] == category.value)
    if not chosen:
        return saying(f"No group of {category.value} labels to compare.")
    tallies = [Proportion(line["found"], line["labels"]) for line in chosen]
    figure = blank(len(chosen) * ROW_PX, _NO_LEGEND_PX)
    for row, (line, proportion) in enumerate(zip(chosen, tallies, strict=True)):
        said = f"{escaped(line['value'])}: {found_words(proportion)}<br>{bounds_words(proportion)}"
        hollow = not line["enough"]
        _mark(figure, category, row, proportion, said + "<br>too few" * hollow, hollow=hollow)
    lowers = [proportion.lower() for proportion in tallies]
    figure.update_xaxes(recall_axis(lowers, _RECALL))
    figure.update_yaxes(rows_axis([_row_name(line) for line in chosen]))
    parts = [
        f"{line['value']}: {found_words(proportion)}, {bounds_words(proportion)}"
        + ("" if line["enough"] else ", too few to say anything")
        for line, proportion in zip(chosen, tallies, strict=True)
    ]
    names = " and ".join(sorted({str(line["by"]) for line in chosen}))
    return Chart(figure, f"Recall of {category.value} labels by {names}. {'; '.join(parts)}.")


def in_row_order(of_lines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Lines of a report's `groups` by attribute and value; sizes from small to large."""

    def place(line: Mapping[str, Any]) -> tuple[str, int, str]:
        by, value = str(line["by"]), str(line["value"])
        is_size = by == "size" and value in _SIZE_ORDER
        return by, _SIZE_ORDER.index(value) if is_size else 0, value

    return sorted(of_lines, key=place)


def trade_off(
    points: Sequence[Point], category: Category, review_at: float, target: float
) -> Chart:
    """What moving `review_at` gives and costs: recall against doubts, and doubts by threshold.

    Args:
        points: from `engine.evaluation.scores.tradeoff.curve`.
        category: whose threshold moves.
        review_at: the threshold to mark, at the nearest step.
        target: the share to prove, 0..1.
    """
    if not points or not points[0].detection.total:
        return saying(f"No {category.value} label to see what thresholds would do.")
    if not points[0].asked.total:
        return saying(
            f"No picture is labelled completely for {category.value}, so nobody can say how many "
            "doubts are for nothing."
        )
    now = min(points, key=lambda one: abs(one.review_at - review_at))
    figure = make_subplots(rows=2, cols=1, vertical_spacing=0.26, figure=blank(_TWO_PANELS_PX))
    loads = [100 * (one.asked.share or 0.0) for one in points]
    now_load = 100 * (now.asked.share or 0.0)
    colour, symbol = COLOURS[category], MARKS[category]
    figure.add_scatter(
        x=loads,
        y=[100 * (one.detection.share or 0.0) for one in points],
        mode="lines+markers",
        line={"color": colour},
        marker={"color": colour, "symbol": symbol, "size": 5},
        hoverinfo="text",
        hovertext=[_point_words(one) for one in points],
        showlegend=False,
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=[now_load],
        y=[100 * (now.detection.share or 0.0)],
        mode="markers",
        cliponaxis=False,
        marker={"color": colour, "symbol": symbol, "size": MARK_PX + 4},
        error_y=bounds([now.detection], color=colour),
        hoverinfo="text",
        hovertext=[_point_words(now)],
        showlegend=False,
        row=1,
        col=1,
    )
    figure.add_annotation(
        x=now_load,
        y=100 * (now.detection.lower() or 0.0),
        text=f"asking from {now.review_at:g}",
        showarrow=False,
        yanchor="top",
        row=1,
        col=1,
    )
    figure.add_hline(
        y=target * 100,
        line=TARGET_LINE,
        annotation={"text": f"target {goal(target)}"},
        annotation_position="bottom left",
        row=1,
        col=1,
    )
    with_, without = [one.asked_with for one in points], [one.asked_without for one in points]
    _load_line(figure, points, with_, f"with {category.value}", (colour, "solid"))
    _load_line(figure, points, without, f"without {category.value}", (colour, "dot"))
    figure.add_vline(x=now.review_at, line=TARGET_LINE, row=2, col=1)
    shares = [one.detection.share for one in points] + [now.detection.lower(), target]
    asked = "Labelled pictures with a doubt (%)"
    most = max(max(loads, default=0.0), 10.0)
    figure.update_xaxes(percent_axis(asked, 0.0, min(most * 1.15, 100.0)), row=1, col=1)
    figure.update_yaxes(recall_axis(shares, "Recall (%)"), row=1, col=1)
    figure.update_xaxes(title="Score from which a person is asked (0 to 1)", row=2, col=1)
    figure.update_yaxes(percent_axis("Pictures with a doubt (%)", 0.0, 100.0), row=2, col=1)
    figure.update_layout(showlegend=True, legend=LEGEND | {"y": 0.385})
    lowest, highest = points[0], points[-1]
    return Chart(
        figure,
        f"Recall of {category.value} against doubts, as the score from which a person is asked "
        f"moves. Now {_plain(_point_words(now))}, target {goal(target)}. "
        f"At the lowest step {_plain(_point_words(lowest))}. "
        f"At the highest {_plain(_point_words(highest))}.",
    )


def _mark(
    figure: go.Figure,
    category: Category,
    row: int,
    proportion: Proportion,
    said: str,
    *,
    hollow: bool = False,
) -> None:
    """One interval in its row, or a few words where nothing was counted."""
    if not proportion.total:
        _write(figure, row, "no labels")
        return
    figure.add_scatter(
        x=[100 * (proportion.share or 0.0)],
        y=[row],
        mode="markers",
        marker={
            "color": COLOURS[category],
            "symbol": MARKS[category] + "-open" * hollow,
            "size": MARK_PX,
            "line": {"width": 2, "color": COLOURS[category]},
        },
        error_x=bounds([proportion], color=COLOURS[category]),
        hoverinfo="text",
        hovertext=[said],
    )


def _write(figure: go.Figure, row: int, words: str) -> None:
    """Words in a row instead of a mark."""
    # a trace, since Plotly draws no axis where there is none
    figure.add_scatter(x=[None], y=[row], hoverinfo="skip")
    figure.add_annotation(
        text=words, x=0.02, xref="x domain", y=row, showarrow=False, xanchor="left"
    )


def _row_name(line: Mapping[str, Any]) -> str:
    few = "" if line["enough"] else ", too few"
    return f"{escaped(str(line['value']))}<br>{counted(line['labels'], 'label')}{few}"


def _load_line(
    figure: go.Figure,
    points: Sequence[Point],
    tallies: Sequence[Proportion],
    name: str,
    look: tuple[str, str],
) -> None:
    colour, dash = look
    if not tallies[0].total:
        return
    figure.add_scatter(
        x=[one.review_at for one in points],
        y=[100 * (one.share or 0.0) for one in tallies],
        mode="lines",
        line={"color": colour, "dash": dash},
        name=f"{name} ({counted(tallies[0].total, 'picture')})",
        hoverinfo="text",
        hovertext=[
            f"asks from {point.review_at:g}<br>{name}: a doubt in {at_most(one.share)}"
            for point, one in zip(points, tallies, strict=True)
        ],
        row=2,
        col=1,
    )


def _point_words(one: Point) -> str:
    return (
        f"asking from {one.review_at:g}: recall {found_words(one.detection)},<br>"
        f"{bounds_words(one.detection)},<br>"
        f"a doubt in {at_most(one.asked.share)} of {counted(one.asked.total, 'picture')}"
    )


def _plain(said: str) -> str:
    return said.replace("<br>", " ")
