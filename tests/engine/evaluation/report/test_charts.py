"""A chart specification drawn on paper shows what it says."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from engine.category import DETECTABLE, Category
from engine.evaluation.report.charts.drawing import draw_charts, ticks
from engine.evaluation.report.charts.recall import CategoryRecall, recall_chart
from engine.evaluation.report.charts.reliability import reliability_chart
from engine.evaluation.report.charts.spec import Axis, ChartSpec
from engine.evaluation.report.charts.trade_off import trade_off_chart
from engine.evaluation.scores.calibration import Bin
from engine.evaluation.scores.proportion import NONE, Proportion
from engine.evaluation.scores.tradeoff import Point

LOW, HIGH = Proportion(150, 170), Proportion(1190, 1204)
BINS = (Bin("0.2 to 0.3", 0.25, Proportion(3, 10)), Bin("0.9 to 1.0", 0.95, Proportion(40, 40)))
POINTS = tuple(
    Point(at, Proportion(found, 100), Proportion(asked, 40), Proportion(asked // 2, 60))
    for at, found, asked in ((0.05, 99, 30), (0.2, 97, 20), (0.35, 90, 4))
)
CHARTS = {
    "recall": recall_chart(
        [
            CategoryRecall(Category.FACE, HIGH, "not proven", is_blind=False),
            CategoryRecall(Category.TATTOO, NONE, "not measured", is_blind=False),
            CategoryRecall(Category.JEWELRY, Proportion(0, 80), "not looked for", is_blind=True),
        ],
        0.99,
    ),
    "reliability": reliability_chart(BINS, Category.TATTOO),
    "trade-off": trade_off_chart(POINTS, POINTS[1], Category.JEWELRY, 0.99),
}


def drawn(*charts: ChartSpec) -> ET.Element:
    return ET.fromstring(draw_charts("name", "Title", charts))  # noqa: S314 -- made above


def marks(root: ET.Element, kind: str) -> list[ET.Element]:
    return [part for part in root.iter() if kind in part.get("class", "").split()]


def words(root: ET.Element) -> list[str]:
    return [part.text or "" for part in root.iter("text")]


@pytest.mark.parametrize("chart", CHARTS.values(), ids=list(CHARTS))
def test_every_point_has_its_mark_bar_or_line(chart):
    root = drawn(chart)

    series = [series for panel in chart.panels for series in panel.series]
    dots = sum(len(one.points) for one in series if one.mark_px)
    bars = sum(len(one.points) for one in series if one.bar_width)
    intervals = sum(bool(point.interval) for one in series for point in one.points)
    legend = sum(bool(one.name) and not one.line for one in series)
    assert len(marks(root, "solid")) == dots + bars + legend
    assert len(marks(root, "bar")) == bars
    assert len(marks(root, "interval")) == intervals
    assert len(marks(root, "target")) == sum(len(panel.references) for panel in chart.panels)


@pytest.mark.parametrize("chart", CHARTS.values(), ids=list(CHARTS))
def test_titles_names_and_notes_are_written(chart):
    text = " ".join(words(drawn(chart)))

    for panel in chart.panels:
        assert all(part in text for name in panel.y.rows for part in name.split("\n"))
        assert all(word in text for word in (panel.x.title + " " + panel.y.title).split(" "))
        assert all(note.text in text for note in panel.notes)
        assert all(series.name in text for series in panel.series)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_nothing_lies_outside_the_drawing(count):
    root = drawn(*[CHARTS["trade-off"], CHARTS["reliability"], CHARTS["trade-off"]][:count])

    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for part in root.iter():
        assert all(0 <= float(part.get(key, 0)) <= width for key in ("x", "x1", "x2", "cx"))
        assert all(0 <= float(part.get(key, 0)) <= height for key in ("y", "y1", "y2", "cy"))


def test_recall_below_the_scale_is_an_arrow_with_its_value():
    (panel,) = recall_chart(
        [CategoryRecall(Category.TATTOO, LOW, "missed", is_blind=False)], 0.99
    ).panels

    root = drawn(ChartSpec((replace(panel, x=Axis(90.0, 100.0, unit=" %")),), ""))

    assert "← 88.2 %" in words(root)
    assert not marks(root, "solid")


def test_an_interval_is_drawn_where_its_numbers_lie():
    low, high = (100 * (end or 0.0) for end in (HIGH.lower(), HIGH.upper()))
    (panel,) = recall_chart([CategoryRecall(Category.FACE, HIGH, "?", is_blind=False)], 0.99).panels

    root = drawn(ChartSpec((panel,), ""))

    (bar,) = marks(root, "interval")
    (target,) = marks(root, "target")
    grid = {line.get("x1") for line in marks(root, "grid")}
    left, right = min(map(float, grid)), max(map(float, grid))
    at = [left + (value - 90) / 10 * (right - left) for value in (low, high, 99)]
    drawn_at = [float(bar.get("x1", 0)), float(bar.get("x2", 0)), float(target.get("x1", 0))]
    assert drawn_at == pytest.approx(at, abs=0.1)


def test_categories_have_marks_of_their_own():
    shapes = {
        (mark.tag, mark.get("points", "").count(" "), mark.get("points", "")[:9])
        for category in DETECTABLE
        for mark in marks(drawn(reliability_chart(BINS, category)), "solid")[:1]
    }

    assert len(shapes) == len(DETECTABLE)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (90, 100, [90, 92, 94, 96, 98, 100]),
        (99.75, 100, [99.75, 99.8, 99.85, 99.9, 99.95, 100]),
        (0, 54, [0, 20, 40]),
        (0, 1.35, [0, 0.5, 1]),
    ],
)
def test_ticks_are_round_and_few(low, high, expected):
    assert ticks(Axis(low, high)) == expected
