"""The growth that was measured: a table with exponents, and one figure."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from engine.evaluation.report.charts.drawing import draw_charts
from engine.evaluation.report.charts.spec import Axis, ChartSpec, Panel, Point, Reference, Series
from engine.evaluation.report.svg import as_file
from tests.growth.fit import FITTED, LINEAR, Growth

FIGURE = "growth.svg"
_HEIGHT_PX = 200
_WORDS = f"""\
Pictures are synthetic, in stores that the public import made; half of them are released. Times are
processor seconds of this process (user and system), which other work on the machine changes little;
*Home*, *Review*, *Release*, *Recall* and *Audit* are what these pages ask the store for when they
are opened. The exponent is the slope over the {FITTED} largest sizes, both axes in powers of ten: 1
where twice the size takes twice the time. Up to {LINEAR} is called linear."""


def markdown(measured: Sequence[Growth], reasons: Mapping[str, str]) -> str:
    """The document; `reasons` say why what grows faster than its size does so."""
    steep = [one for one in measured if not one.is_linear]
    said = (
        [f"- {one.name}: {reasons.get(one.name, 'not explained yet.')}" for one in steep]
        if steep
        else ["Nothing grows faster than its size."]
    )
    now = f"{datetime.now(UTC):%Y-%m-%d}"
    load = f"{os.cpu_count()} cores with a load of {os.getloadavg()[0]:.0f}"
    made = f"Made by `make growth` on {now}, {load}."
    lines = [
        "# How time grows",
        "",
        made,
        "",
        _WORDS,
        "",
        f"![{alt(measured)}]({FIGURE})",
        "",
        *table(measured),
        "",
        "## Above linear",
        "",
        *said,
        "",
    ]
    return "\n".join(lines)


def table(measured: Sequence[Growth]) -> list[str]:
    """A line for each thing: from where to where it was measured, and how it grew."""
    head = ["| | From | To | Seconds | Exponent |", "| --- | ---: | ---: | ---: | ---: |"]
    return head + rows(measured)


def rows(measured: Sequence[Growth]) -> list[str]:
    """The lines of the table alone."""
    return [
        f"| {one.name} | {one.points[0][0]:,} | {one.points[-1][0]:,} {one.unit} | "
        f"{one.points[0][1]:.3g} to {one.points[-1][1]:.3g} | {one.exponent:.2f} |"
        for one in measured
    ]


def alt(measured: Sequence[Growth]) -> str:
    """The figure in a sentence."""
    told = ", ".join(f"{one.name} {one.exponent:.2f}" for one in measured)
    return f"Processor seconds by size, both in powers of ten; exponents: {told}."


def figure(measured: Sequence[Growth]) -> str:
    """The same as an SVG file, a column for each unit."""
    units = dict.fromkeys(one.unit for one in measured)
    charts = [_chart(unit, [one for one in measured if one.unit == unit]) for unit in units]
    return as_file(draw_charts("growth", alt(measured), charts))


def _chart(unit: str, measured: Sequence[Growth]) -> ChartSpec:
    """A panel for each thing that grows with a unit."""
    return ChartSpec(tuple(_panel(one) for one in measured), "", unit.capitalize())


def _panel(growth: Growth) -> Panel:
    points = [_in_powers(x, y) for x, y in growth.points]
    low = math.floor(min(point.y for point in points))
    high = max(math.ceil(max(point.y for point in points)), low + 1)
    line = Series(tuple(points), line="solid", mark_px=9)
    first, last = points[0].x, points[-1].x
    limit = Reference("y", 0.0, "1 s") if low <= 0 <= high else None
    return Panel(
        Axis(math.floor(first), max(math.ceil(last), math.floor(first) + 1), f"{growth.name}, "
             f"exponent {growth.exponent:.2f}: {growth.unit} as a power of ten"),
        Axis(low, high, "seconds, power of ten"),
        (line,),
        _HEIGHT_PX,
        () if limit is None else (limit,),
    )  # fmt: skip


def _in_powers(x: float, y: float) -> Point:
    return Point(math.log10(x), math.log10(max(y, 1e-6)))
