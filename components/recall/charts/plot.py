"""Draw chart specifications with plotly.

Figures fix no text colour and no background, so that Streamlit's theme reads well in light and in
dark. A category is told by its name and the shape of its mark, never by colour alone.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from components.app.palette import COLOURS, MARKS
from components.recall.charts.axes import (
    LEGEND,
    NEUTRAL,
    TARGET_LINE,
    Chart,
    blank,
    error_bars,
    escaped,
    plotly_axis,
)
from components.recall.words import spaced
from engine.evaluation.report.charts.spec import Axis, ChartSpec, Note, Panel, Reference, Series

_TITLED_GAP_PX, _GAP_PX = 104, 26
_LEGEND_ROOM_PX = 34
_BARE_ROOM_PX = 8


def plot(spec: ChartSpec) -> Chart:
    """A chart with the words of its specification, for `draw`."""
    heights = [panel.height_px for panel in spec.panels]
    gap = max(
        (_TITLED_GAP_PX if panel.x.title else _GAP_PX for panel in spec.panels[:-1]), default=0
    )
    inner = sum(heights) + gap * (len(heights) - 1)
    has_words = any(
        series.name or reference.words
        for panel in spec.panels
        for series in panel.series
        for reference in panel.references or (Reference("x", 0),)
    )
    figure = make_subplots(
        rows=len(heights),
        cols=1,
        vertical_spacing=gap / inner,
        row_heights=heights,
        figure=blank(inner, _LEGEND_ROOM_PX if has_words else _BARE_ROOM_PX),
    )
    legend_top = 1.0
    for row, panel in enumerate(spec.panels, start=1):
        _add_panel(figure, panel, row)
        if row > 1 and any(series.name for series in panel.series):
            below = sum(heights[row - 1 :]) + gap * (len(heights) - row)
            legend_top = below / inner
    named = any(series.name for panel in spec.panels for series in panel.series)
    figure.update_layout(showlegend=named, legend=LEGEND | {"y": legend_top})
    return Chart(figure, spaced(spec.alt))


def _add_panel(figure: go.Figure, panel: Panel, row: int) -> None:
    place = {"row": row, "col": 1}
    for series in panel.series:
        figure.add_trace(_trace(series), **place)
    for note in panel.notes:
        words, at = escaped(note.text), _place_of(note, panel.x)
        figure.add_annotation(text=words, y=note.y, showarrow=False, **at, **place)
    side = "right" if all(_is_left(note, panel.x) for note in panel.notes) else "left"
    for reference in panel.references:
        _add_reference(figure, reference, side, place)
    figure.update_xaxes(plotly_axis(panel.x), **place)
    figure.update_yaxes(plotly_axis(panel.y), **place)


def _place_of(note: Note, x: Axis) -> dict[str, Any]:
    if note.x is None:
        return {"x": 0.02, "xref": "x domain", "xanchor": "left"}
    return {"x": note.x, "xanchor": "left" if _is_left(note, x) else "right", "yanchor": "top"}


def _is_left(note: Note, x: Axis) -> bool:
    return note.x is None or note.x <= (x.low + x.high) / 2


def _add_reference(
    figure: go.Figure, reference: Reference, side: str, place: dict[str, Any]
) -> None:
    """Words of a level line stand on the side where no note of the panel is."""
    add, position = (
        (figure.add_vline, "top left")
        if reference.along == "x"
        else (figure.add_hline, f"bottom {side}")
    )
    words = (
        {"annotation": {"text": escaped(reference.words)}, "annotation_position": position}
        if reference.words
        else {}
    )
    add(**{reference.along: reference.value}, line=TARGET_LINE, **words, **place)


def _trace(series: Series) -> go.Scatter | go.Bar:
    colour = COLOURS[series.category] if series.category else NEUTRAL
    words = [escaped(point.words) for point in series.points]
    common: dict[str, Any] = {
        "x": [point.x for point in series.points],
        "y": [point.y for point in series.points],
        "name": escaped(series.name),
        "showlegend": bool(series.name),
        "hoverinfo": "text" if any(words) else "skip",
        "hovertext": words,
        "cliponaxis": False,
    }
    if series.bar_width:
        return go.Bar(
            common,
            width=series.bar_width,
            marker={"color": colour, "opacity": 0.55},
            text=common["y"],
            textposition="outside",
        )
    modes = ["lines"] * bool(series.line) + ["markers"] * bool(series.mark_px)
    return go.Scatter(
        common,
        mode="+".join(modes) or "none",
        line={"color": colour, "dash": series.line or "solid"}
        | ({} if series.category else {"width": 1.5}),
        marker={
            "color": colour,
            "symbol": (MARKS[series.category] + "-open" * series.is_hollow)
            if series.category
            else "line-ns-open",
            "size": series.mark_px,
            "line": {"width": 2 * series.is_hollow if series.category else 3, "color": colour},
        },
        **_intervals(series, colour),
    )


def _intervals(series: Series, colour: str) -> dict[str, Any]:
    spans = [point.interval for point in series.points if point.interval]
    if not spans:
        return {}
    along = series.interval_along
    middles = [getattr(point, along) for point in series.points if point.interval]
    lows, highs = zip(*spans, strict=True)
    return {f"error_{along}": error_bars(middles, lows, highs, color=colour)}
