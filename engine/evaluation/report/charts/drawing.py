"""Draw chart specifications as one SVG element, side by side."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from engine.evaluation.report.charts.spec import (
    Axis,
    ChartSpec,
    Note,
    Panel,
    Point,
    Reference,
    Series,
)
from engine.evaluation.report.svg import Scale, bar, curve, drawing, line, marker, text

_WIDTH_PX = 720
_COLUMN_PX = (238, 420)
_TOP_PX = 42
_BETWEEN_PX = 42
_LINE_PX = 15
_WORD_PX = 6.4
_LEGEND_PX = 18
_NUMBERS_PX, _NAMES_PX, _BARE_PX = 58, 96, 36
_RIGHT_PX = 24
_SMALLER = 0.62
"""Panels on paper, of their height on the screen; rows stay as high as their names need."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_STEPS = 5


def draw_charts(name: str, title: str, charts: Sequence[ChartSpec]) -> str:
    """An `svg` element with a column for each chart.

    Args:
        name: unique in the page.
        title: what it shows, for those who cannot see it.
        charts: at least one.
    """
    column = min(max(_WIDTH_PX / len(charts), _COLUMN_PX[0]), _COLUMN_PX[1])
    parts, bottoms = [], []
    for index, chart in enumerate(charts):
        left, top = column * index, float(_TOP_PX)
        parts.append(text((left + 8, 16), chart.title, "strong"))
        margin = max(_margin(panel.y) for panel in chart.panels)
        for panel in chart.panels:
            height = panel.height_px * (1.0 if panel.y.rows else _SMALLER)
            x = Scale(panel.x.low, panel.x.high, left + margin, left + column - _RIGHT_PX)
            downwards = (top, top + height) if panel.y.rows else (top + height, top)
            parts += _panel(panel, x, Scale(panel.y.low, panel.y.high, *downwards))
            top += height + _BETWEEN_PX + _LINE_PX * len(_wrapped(panel.x.title, x))
        named = [series for panel in chart.panels for series in panel.series if series.name]
        for series in named:
            parts += _legend(series, (left + 8, top))
            top += _LEGEND_PX
        bottoms.append(top)
    return drawing(name, (round(column * len(charts)), round(max(bottoms))), title, parts)


def ticks(axis: Axis) -> list[float]:
    """Round numbers of an axis, at most six."""
    rough = (axis.high - axis.low) / _MOST_STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))
    first = math.ceil(axis.low / step - 1e-9)
    last = math.floor(axis.high / step + 1e-9)
    return [round(number * step, 9) for number in range(first, last + 1)]


def _margin(y: Axis) -> int:
    if not y.rows:
        return _NUMBERS_PX
    return _NAMES_PX if any(y.rows) else _BARE_PX


def _panel(panel: Panel, x: Scale, y: Scale) -> Iterator[str]:
    yield from _grid(panel.x, x, y)
    yield from _names(panel.y.rows, x, y) if panel.y.rows else _upright_grid(panel.y, x, y)
    for reference in panel.references:
        yield from _reference(reference, x, y)
    for series in panel.series:
        yield from _series(series, x, y, panel.x.unit)
    for note in panel.notes:
        yield _note(note, x, y)


def _grid(axis: Axis, x: Scale, y: Scale) -> Iterator[str]:
    bottom = max(y.start_px, y.end_px)
    for value in ticks(axis):
        at = x.at(value)
        yield line((at, y.start_px), (at, y.end_px), "grid")
        if axis.title:
            yield text((at, bottom + 15), f"{value:g}{axis.unit}", "soft", anchor="middle")
    middle = (x.start_px + x.end_px) / 2
    for number, words in enumerate(_wrapped(axis.title, x), start=2):
        yield text((middle, bottom + 2 + _LINE_PX * number), words, "soft", anchor="middle")


def _wrapped(words: str, x: Scale) -> list[str]:
    return textwrap.wrap(words, int((x.end_px - x.start_px + _RIGHT_PX) / _WORD_PX))


def _upright_grid(axis: Axis, x: Scale, y: Scale) -> Iterator[str]:
    for value in ticks(axis):
        at = y.at(value)
        yield line((x.start_px, at), (x.end_px, at), "grid")
        yield text((x.start_px - 6, at + 4), f"{value:g}{axis.unit}", "soft", anchor="end")
    yield text((x.start_px - _NUMBERS_PX + 8, y.end_px - 8), axis.title, "soft")


def _names(rows: Sequence[str], x: Scale, y: Scale) -> Iterator[str]:
    for index, name in enumerate(rows):
        left, middle = x.start_px - _NAMES_PX + 8, y.at(index)
        head, _, rest = name.partition("\n")
        yield text((left, middle - 2), head, "strong")
        yield text((left, middle + 14), rest, "soft")


def _reference(reference: Reference, x: Scale, y: Scale) -> Iterator[str]:
    if reference.along == "x":
        at = x.at(reference.value)
        yield line((at, y.start_px), (at, y.end_px), "target")
        top = min(y.start_px, y.end_px)
        yield text((at, top - 6), reference.words, "soft", anchor="end")
        return
    at = y.at(reference.value)
    yield line((x.start_px, at), (x.end_px, at), "target")
    yield text((x.end_px - 4, at + 14), reference.words, "soft", anchor="end")


def _series(series: Series, x: Scale, y: Scale, unit: str) -> Iterator[str]:
    kind = _kind(series)
    if series.line:
        path = [(x.at(point.x), y.at(point.y)) for point in series.points]
        yield curve(path, f"{kind} {series.line}-line")
    for point in series.points:
        at = x.at(point.x), y.at(point.y)
        if series.bar_width:
            half = series.bar_width / 2
            yield bar((x.at(point.x - half), at[1]), (x.at(point.x + half), y.at(0)), kind)
            yield text((at[0], at[1] - 3), f"{point.y:g}", "soft small", anchor="middle")
        yield from _interval(series, point, x, y)
        if point.x < x.low:
            down = math.floor(point.x * 10) / 10
            yield text((x.start_px + 4, at[1] + 18), f"← {down:g}{unit}", "soft")
        elif series.mark_px:
            yield _mark(series, at, series.mark_px / 2)


def _interval(series: Series, point: Point, x: Scale, y: Scale) -> Iterator[str]:
    if point.interval is None:
        return
    across, upright = (point.x, point.x), (point.y, point.y)
    if series.interval_along == "y":
        upright = point.interval
    elif point.interval[1] > x.low:
        across = point.interval
    else:
        return
    ends = [(x.at(at_x), y.at(at_y)) for at_x, at_y in zip(across, upright, strict=True)]
    yield line(ends[0], ends[1], f"interval {_kind(series)}")


def _mark(series: Series, at: tuple[float, float], radius: float) -> str:
    """Marker of a category; a vertical stroke without one."""
    if series.category:
        return marker(at, series.category, 0.9 * radius, is_hollow=series.is_hollow)
    x, y = at
    return line((x, y - radius), (x, y + radius), f"interval {_kind(series)}")


def _kind(series: Series) -> str:
    return series.category.value if series.category else "neutral"


def _note(note: Note, x: Scale, y: Scale) -> str:
    if note.x is None:
        return text((x.start_px + 6, y.at(note.y) + 4), note.text, "soft")
    at = x.at(note.x)
    anchor = "end" if at > (x.start_px + x.end_px) / 2 else "start"
    return text((at, y.at(note.y) + 28), note.text, "soft", anchor=anchor)


def _legend(series: Series, at: tuple[float, float]) -> Iterator[str]:
    left, middle = at
    if series.line:
        yield curve([(left, middle), (left + 20, middle)], f"{_kind(series)} {series.line}-line")
    else:
        yield _mark(series, (left + 10, middle), 5.0)
    yield text((left + 26, middle + 4), series.name, "soft")
