"""Chart specification: axes, series with intervals, reference lines, and the same in words.

Two renderers draw it: `engine.evaluation.report.charts.drawing` as SVG, and
`components.recall.charts.plot` with plotly. Every text is plain, and each renderer escapes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engine.category import Category
from engine.evaluation.report.numbers import at_least, at_most
from engine.evaluation.scores.proportion import Proportion
from engine.wording import counted

MARK_PX = 11
ROW_PX = 44
HIGHEST_START = 90.0
"""A recall axis never begins above this, so that no tenth of a per cent looks like a cliff."""
_FULL_AXIS_BELOW = 50.0
_STEP = 10.0

Line: TypeAlias = Literal["solid", "dash", "dot"]
Interval: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """Range and title of an axis, with the unit of its values."""

    low: float
    high: float
    title: str = ""
    unit: str = ""
    """Follows each number: ` %`."""
    rows: tuple[str, ...] = ()
    """Names of the rows 0, 1, …, the first on top; empty for an axis of numbers."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series."""

    x: float
    y: float
    interval: Interval | None = None
    words: str = ""
    """Shown where a pointer rests on it."""


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one colour: marks, a line, both, or bars. One without points keeps its place."""

    points: tuple[Point, ...]
    category: Category | None = None
    """Gives colour and mark; None is neutral."""
    name: str = ""
    """In the legend; empty is not in it."""
    line: Line | None = None
    mark_px: int = 0
    """0 draws no marks."""
    is_hollow: bool = False
    interval_along: Literal["x", "y"] = "y"
    bar_width: float = 0.0
    """Above 0 draws bars from 0 to y, in units of x, with y written above."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A dashed line across the whole panel."""

    along: Literal["x", "y"]
    """The axis that `value` lies on."""
    value: float
    words: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Words in a panel."""

    text: str
    y: float
    x: float | None = None
    """None begins at the left edge. Of words below (x, y) a number: they reach from there inwards,
    for beside the axis its own numbers stand."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes with what lies in them."""

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    height_px: int
    references: tuple[Reference, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """Panels one above the other, and the same in words for those who cannot see them."""

    panels: tuple[Panel, ...]
    alt: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A share with its one-sided bounds, to be drawn in a row of its own."""

    name: str
    proportion: Proportion
    category: Category
    words: str
    note: str = ""
    """Written instead of the mark."""
    is_hollow: bool = False


def rows_panel(rows: Sequence[Row], x: Axis, references: tuple[Reference, ...] = ()) -> Panel:
    """Rows of recall with both bounds (a forest plot)."""
    notes = [row.note or ("" if row.proportion.total else "no labels") for row in rows]
    series = tuple(
        Series(
            () if note else (_bounded(row, index),),
            row.category,
            mark_px=MARK_PX,
            is_hollow=row.is_hollow,
            interval_along="x",
        )
        for index, (row, note) in enumerate(zip(rows, notes, strict=True))
    )
    return Panel(
        x,
        Axis(-0.5, len(rows) - 0.5, rows=tuple(row.name for row in rows)),
        series,
        ROW_PX * len(rows),
        references,
        tuple(Note(note, index) for index, note in enumerate(notes) if note),
    )


def percent_axis(title: str, low: float = 0.0, high: float = 100.0) -> Axis:
    """An axis of per cent, 0..100."""
    return Axis(low, high, title, " %")


def recall_axis(shares: Iterable[float | None], what: str) -> Axis:
    """An axis of per cent up to 100; one that does not begin at 0 says so in its title.

    Args:
        shares: everything that has to fit, 0..1; None of nothing.
        what: what the per cent are of.
    """
    lowest = min((share * 100 for share in shares if share is not None), default=0.0)
    if lowest < _FULL_AXIS_BELOW:
        return percent_axis(what)
    start = min(math.floor((lowest - 1) / _STEP) * _STEP, HIGHEST_START)
    return percent_axis(f"{what}; axis starts at {start:g} %", start)


def bounds(proportion: Proportion) -> Interval:
    """Both one-sided bounds in per cent; from 0 to 0 of nothing."""
    return 100 * (proportion.lower() or 0.0), 100 * (proportion.upper() or 0.0)


def wilson(proportion: Proportion) -> Interval:
    """The two-sided score interval in per cent; everything of nothing."""
    low, high = proportion.wilson() or (0.0, 1.0)
    return 100 * low, 100 * high


def bounds_words(proportion: Proportion) -> str:
    """Both bounds in words."""
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


def percent(proportion: Proportion) -> float:
    """The share in per cent, 0 of nothing."""
    return 100 * (proportion.share or 0.0)


def _bounded(row: Row, index: int) -> Point:
    return Point(percent(row.proportion), index, bounds(row.proportion), row.words)
