"""Figures about scores: whether they can be taken at their word.

Intervals here are Wilson's, two-sided with 95 %: nothing is signed on them, they show how far a
share may be off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plotly.subplots import make_subplots

from components.app.palette import COLOURS, MARKS
from components.recall.charts.axes import (
    LEGEND,
    MARK_PX,
    NEUTRAL,
    ROW_PX,
    Chart,
    blank,
    error_bars,
    escaped,
    found_words,
    percent_axis,
    rows_axis,
    saying,
)
from components.recall.words import at_least, at_most
from engine.category import Category
from engine.evaluation.scores.calibration import Bin
from engine.evaluation.scores.counts import Slice
from engine.evaluation.scores.proportion import Proportion
from engine.wording import counted


def reliability(bins: Sequence[Bin], category: Category) -> Chart:
    """Whether a score of 0.7 means that 7 of 10 such detections are on a label.

    Args:
        bins: from `engine.evaluation.scores.calibration.reliability`.
        category: whose detections.
    """
    if not bins:
        return saying(f"No {category.value} detection on a completely labelled picture.")
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.06,
        row_heights=[0.76, 0.24],
        figure=blank(400),
    )
    scores = [one.mean_score for one in bins]
    said = [
        f"scores {one.label}, mean {one.mean_score:.2f}<br>"
        f"on a label: {found_words(one.on_labels, 'detection')}<br>{_wilson_words(one.on_labels)}"
        for one in bins
    ]
    figure.add_scatter(
        x=[0, 1],
        y=[0, 100],
        mode="lines",
        line={"color": NEUTRAL, "dash": "dash", "width": 1.5},
        name="score can be taken at its word",
        hoverinfo="skip",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=scores,
        y=[100 * (one.on_labels.share or 0.0) for one in bins],
        mode="markers",
        cliponaxis=False,
        marker={"color": COLOURS[category], "symbol": MARKS[category], "size": MARK_PX},
        error_y=_wilson_bars([one.on_labels for one in bins], COLOURS[category]),
        name=f"{category.value} detections",
        hoverinfo="text",
        hovertext=said,
        row=1,
        col=1,
    )
    figure.add_bar(
        x=scores,
        y=[one.on_labels.total for one in bins],
        width=0.07,
        marker={"color": COLOURS[category], "opacity": 0.55},
        text=[one.on_labels.total for one in bins],
        textposition="outside",
        cliponaxis=False,
        showlegend=False,
        hoverinfo="text",
        hovertext=said,
        row=2,
        col=1,
    )
    figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_xaxes(title="Score the detector gave (0 to 1)", row=2, col=1)
    figure.update_yaxes(percent_axis("On a label (%)", 0.0, 100.0), row=1, col=1)
    most = max(one.on_labels.total for one in bins)
    figure.update_yaxes(title="Detections", range=[0, most * 1.35], nticks=3, row=2, col=1)
    figure.update_layout(showlegend=True, legend=LEGEND | {"y": 1.02})
    parts = "; ".join(
        f"{one.label}: {found_words(one.on_labels, 'detection')} at a mean score of "
        f"{one.mean_score:.2f}"
        for one in bins
    )
    return Chart(
        figure, f"Share of {category.value} detections that are on a label, by score. {parts}."
    )


def calibration_groups(by_slice: Mapping[Slice, Bin], category: Category) -> Chart:
    """By group of pictures: the mean score beside the share that is on a label.

    Args:
        by_slice: from `engine.evaluation.scores.calibration.by_group`.
        category: whose detections.
    """
    if not by_slice:
        return saying(f"No {category.value} detection in groups of pictures.")
    bins = list(by_slice.values())
    named = [(part.value, one) for part, one in by_slice.items()]
    rows = list(range(len(bins)))
    said = [
        f"{escaped(name)}: mean score {one.mean_score:.2f}<br>"
        f"on a label: {found_words(one.on_labels, 'detection')}<br>{_wilson_words(one.on_labels)}"
        for name, one in named
    ]
    figure = blank(len(bins) * ROW_PX)
    figure.add_scatter(
        x=[100 * one.mean_score for one in bins],
        y=rows,
        mode="markers",
        marker={
            "symbol": "line-ns-open",
            "size": 20,
            "color": NEUTRAL,
            "line": {"width": 3, "color": NEUTRAL},
        },
        name="mean score × 100",
        hoverinfo="text",
        hovertext=said,
    )
    figure.add_scatter(
        x=[100 * (one.on_labels.share or 0.0) for one in bins],
        y=rows,
        mode="markers",
        marker={"color": COLOURS[category], "symbol": MARKS[category], "size": MARK_PX},
        error_x=_wilson_bars([one.on_labels for one in bins], COLOURS[category]),
        name="on a label",
        hoverinfo="text",
        hovertext=said,
    )
    figure.update_xaxes(percent_axis("Detections on a label (%)", 0.0, 100.0))
    figure.update_yaxes(
        rows_axis(
            [
                f"{escaped(name)}<br>{counted(one.on_labels.total, 'detection')}"
                for name, one in named
            ]
        )
    )
    figure.update_layout(showlegend=True, legend=LEGEND)
    parts = "; ".join(
        f"{name}: mean score {one.mean_score:.2f}, on a label "
        f"{found_words(one.on_labels, 'detection')}"
        for name, one in named
    )
    return Chart(figure, f"Scores of {category.value} detections by group of pictures. {parts}.")


def _wilson_bars(tallies: Sequence[Proportion], colour: str) -> dict[str, Any]:
    intervals = [one.wilson() or (0.0, 1.0) for one in tallies]
    return error_bars(
        [100 * (one.share or 0.0) for one in tallies],
        [100 * low for low, _ in intervals],
        [100 * high for _, high in intervals],
        color=colour,
    )


def _wilson_words(proportion: Proportion) -> str:
    low, high = proportion.wilson() or (0.0, 1.0)
    return f"between {at_least(low)} and {at_most(high)} (two-sided, 95 %)"
