"""What all figures about recall share: ground, axes, intervals, and how they reach the screen.

Figures fix no text colour and no background, so that Streamlit's theme reads well in light and in
dark. A category is told by its name and the shape of its mark, never by colour alone.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from components.recall.words import spaced
from engine.evaluation.report.charts.spec import ROW_PX, Axis

NEUTRAL = "#8A9499"
"""Lines that belong to no category; seen on light and on dark ground."""
ACCENT = "#2B8C89"
"""What is seen, where no category is meant."""
TARGET_LINE = {"color": NEUTRAL, "dash": "dash", "width": 1.5}
LEGEND = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"}
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


def message(sentence: str) -> Chart:
    """A figure that has nothing to draw and says so."""
    figure = blank(2 * ROW_PX)
    figure.add_annotation(text=escaped(sentence), showarrow=False, xref="paper", yref="paper")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return Chart(figure, sentence)


def plotly_axis(axis: Axis) -> dict[str, Any]:
    """An axis for plotly: numbers with room for marks at both ends, or named rows."""
    if axis.rows:
        return {
            "tickmode": "array",
            "tickvals": list(range(len(axis.rows))),  # two rows may have the same name
            "ticktext": [escaped(name) for name in axis.rows],
            "range": [axis.high, axis.low],
            "showgrid": False,
        }
    room = (axis.high - axis.low) * 0.02
    title = {"title": {"text": spaced(axis.title)}} if axis.title else {"showticklabels": False}
    return title | {
        "range": [axis.low - room, axis.high + room],
        "ticksuffix": axis.unit,
        "showgrid": True,
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


def shortened(text: str, longest: int = _LONGEST) -> str:
    """A data set's own words, cut to what fits beside a figure."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def escaped(text: str) -> str:
    """Plain text for a figure, where `<a href>` and `<br>` would mean something."""
    return html.escape(spaced(text), quote=False).replace("\n", "<br>")
