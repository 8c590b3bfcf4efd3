"""What all figures about recall share: ground, axes, intervals, and how they reach the screen.

Figures fix no text colour and no background, so that Streamlit's theme reads well in light and in
dark. A category is told by its name and the shape of its mark, never by colour alone.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from components.recall.words import at_least, at_most
from engine.evaluation.scores.proportion import Proportion
from engine.wording import counted

NEUTRAL = "#8A9499"
"""Lines that belong to no category; seen on light and on dark ground."""
ACCENT = "#2B8C89"
"""What is seen, where no category is meant."""
TARGET_LINE = {"color": NEUTRAL, "dash": "dash", "width": 1.5}
LEGEND = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"}
ROW_PX = 44
MARK_PX = 11
HIGHEST_START = 90.0
"""A recall axis never begins above this, so that no tenth of a per cent looks like a cliff."""
_FULL_AXIS_BELOW = 50.0
_STEP = 10.0
_LONGEST = 34
"""Characters of a data set's own words that fit beside a figure."""
_CLEAR = "rgba(0,0,0,0)"
_ABOVE_PX = 34
_BELOW_PX = 50
_ROOM = 0.08
_ROOM_OF_ONE = timedelta(hours=12)
_DAYS_ENOUGH = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, and what it says for those who do not see it."""

    figure: go.Figure
    alt: str


def draw(chart: Chart, key: str) -> None:
    """Put a chart on the page.

    Args:
        chart: from `components.recall.charts.recall`.
        key: of the element; names the exported file too.
    """
    st.plotly_chart(
        chart.figure,
        width="stretch",
        key=key,
        alt=chart.alt,
        config={
            "displaylogo": False,
            "displayModeBar": "hover",
            # Plotly's own set of buttons has one that sends the figure to its cloud.
            "modeBarButtons": [["toImage"]],
            "showSendToCloud": False,
            "plotlyServerURL": "",
            "scrollZoom": False,
            "doubleClick": False,
            "toImageButtonOptions": {"format": "png", "filename": f"lethe_{key}", "scale": 3},
        },
    )


def blank(inner_px: float, above_px: float = _ABOVE_PX) -> go.Figure:
    """A figure with nothing in it, over whatever the page's ground is.

    Args:
        inner_px: height between the axes.
        above_px: room for a legend or titles.
    """
    figure = go.Figure()
    figure.update_layout(
        height=inner_px + above_px + _BELOW_PX,
        margin={"l": 10, "r": 16, "t": above_px, "b": _BELOW_PX},
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        dragmode=False,
        hovermode="closest",
        showlegend=False,
    )
    figure.update_xaxes(automargin=True, zeroline=False)
    figure.update_yaxes(automargin=True, zeroline=False)
    return figure


def saying(sentence: str) -> Chart:
    """A figure that has nothing to draw and says so."""
    figure = blank(2 * ROW_PX)
    figure.add_annotation(text=escaped(sentence, 120), showarrow=False, xref="paper", yref="paper")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return Chart(figure, sentence)


def recall_axis(shares: Iterable[float | None], what: str) -> dict[str, Any]:
    """An axis of per cent up to 100; one that does not begin at 0 says so in its title.

    Args:
        shares: everything that has to fit, 0..1; None of nothing.
        what: what the per cent are of.
    """
    known = [share * 100 for share in shares if share is not None]
    lowest = min(known, default=0.0)
    start = 0.0
    if lowest >= _FULL_AXIS_BELOW:
        start = min(math.floor((lowest - 1) / _STEP) * _STEP, HIGHEST_START)
    title = what if start == 0 else f"{what}; axis starts at {start:g} %"
    return percent_axis(title, start, 100.0)


def percent_axis(title: str, start: float, end: float) -> dict[str, Any]:
    """An axis of per cent with room for marks at both ends."""
    room = (end - start) * 0.02
    return {
        "title": {"text": title},
        "range": [start - room, end + room],
        "ticksuffix": " %",
        "showgrid": True,
        "zeroline": False,
    }


def rows_axis(labels: Sequence[str]) -> dict[str, Any]:
    """An axis of rows, the first on top; two rows may have the same label."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(labels))),
        "ticktext": list(labels),
        "range": [len(labels) - 0.5, -0.5],
        "showgrid": False,
        "zeroline": False,
    }


def date_axis(moments: Sequence[date], title: str) -> dict[str, Any]:
    """An axis of time with room at both ends: Plotly stretches a single moment to microseconds.

    Args:
        moments: days, or moments in UTC.
        title: what happened then.
    """
    times = [
        one.replace(tzinfo=None) if isinstance(one, datetime) else datetime.combine(one, time())
        for one in moments
    ]
    first, last = min(times), max(times)
    room = (last - first) * _ROOM or _ROOM_OF_ONE
    is_long = last - first >= _DAYS_ENOUGH
    return {
        "title": {"text": title},
        "type": "date",
        "range": [(first - room).isoformat(), (last + room).isoformat()],
        "tickformat": "%-d %b<br>%Y" if is_long else "%H:%M<br>%-d %b",
        "nticks": 5,
        "showgrid": False,
    }


def bounds(tallies: Sequence[Proportion], **look: object) -> dict[str, Any]:
    """Both one-sided bounds as error bars, in per cent; a bar without length of nothing."""
    shares = [100 * (one.share or 0.0) for one in tallies]
    lowers = [100 * (one.lower() or 0.0) for one in tallies]
    uppers = [100 * (one.upper() or 0.0) for one in tallies]
    return error_bars(shares, lowers, uppers, **look)


def error_bars(
    middles: Sequence[float], lowers: Sequence[float], uppers: Sequence[float], **look: object
) -> dict[str, Any]:
    """Plotly's error bars from `lowers` to `uppers`."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(high - at, 0.0) for at, high in zip(middles, uppers, strict=True)],
        "arrayminus": [max(at - low, 0.0) for at, low in zip(middles, lowers, strict=True)],
        "thickness": 2,
        "width": 5,
        **look,
    }


def bounds_words(proportion: Proportion) -> str:
    """Both bounds for a hover or an alternative text."""
    if not proportion.total:
        return "nothing counted"
    return (
        f"at least {at_least(proportion.lower())} and at most {at_most(proportion.upper())} "
        "(one-sided bounds, 95 % each)"
    )


def found_words(proportion: Proportion, noun: str = "label") -> str:
    """`98.8 % (1190 of 1204 labels)`."""
    if not proportion.total:
        return f"no {noun}s"
    return f"{at_least(proportion.share)} ({proportion.found} of {counted(proportion.total, noun)})"


def escaped(text: str, longest: int = _LONGEST) -> str:
    """A data set's own words for a figure, where `<a href>` and `<br>` would mean something."""
    short = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return html.escape(short, quote=False)
