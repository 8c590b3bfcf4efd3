"""Figures carry the right numbers, say them in words, and leave the theme its colours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from components.app.palette import COLOURS, MARKS
from components.recall.charts import recall as charts
from components.recall.charts.axes import plotly_axis
from components.recall.charts.recall import Run
from engine.category import DETECTABLE, Category
from engine.evaluation.report.charts.spec import HIGHEST_START, recall_axis
from engine.evaluation.scores.calibration import Bin
from engine.evaluation.scores.counts import CategoryCounts, Counts, Slice
from engine.evaluation.scores.error_causes import FalseNegativeCause
from engine.evaluation.scores.proportion import NONE, Proportion
from engine.evaluation.scores.recall import summary
from engine.evaluation.scores.summary import GroupSummary, Summary
from engine.evaluation.scores.tradeoff import Point
from engine.policy import Policy

FACES = Proportion(1190, 1204)
START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def reported(*tallies: Proportion, blind: bool = False) -> Summary:
    """A report with these labels found, by category; of the last one nobody looked for any."""
    counts = {
        category: CategoryCounts(coverage=proportion, iou=proportion, automatic=proportion)
        for category, proportion in zip(DETECTABLE, tallies, strict=True)
    }
    if blind:
        last = DETECTABLE[-1]
        missed = {FalseNegativeCause.NOBODY_LOOKED: tallies[-1].total}
        counts[last] = counts[last] + CategoryCounts(false_negative_causes=missed)
    return summary(Counts(counts), Policy(), target=0.99, unread=0, problems=0)


def line(value: str, found: int, labels: int, by: str = "skin_tone") -> GroupSummary:
    return GroupSummary(
        by=by,
        value=value,
        category=Category.FACE,
        labels=labels,
        found=found,
        recall=found / labels,
        lower95=None,
        enough=labels >= 59,
    )


def run(number: int, found: int, fingerprint: str = "a" * 12) -> Run:
    return Run(
        number=number,
        name=f"run {number}",
        at=START + timedelta(days=number),
        fingerprint=fingerprint,
        policy="p" * 12,
        target=0.99,
        recall={Category.FACE: Proportion(found, 200)},
    )


def point(review_at: float, found: int, asked: int) -> Point:
    return Point(
        review_at, Proportion(found, 100), Proportion(asked, 40), Proportion(asked // 2, 60)
    )


POINTS = (point(0.05, 99, 30), point(0.2, 97, 20), point(0.35, 90, 4))
BINS = (Bin("0.2 to 0.3", 0.25, Proportion(3, 10)), Bin("0.9 to 1.0", 0.95, Proportion(40, 40)))
EVERY_CHART = {
    "lines": charts.recall_lines(reported(FACES, Proportion(9, 10), NONE), 0.99),
    "blind": charts.recall_lines(reported(FACES, NONE, Proportion(0, 80), blind=True), 0.99),
    "trend": charts.trend([run(1, 190), run(2, 195)]),
    "one run": charts.trend([run(1, 190)]),
    "no runs": charts.trend([]),
    "trade-off": charts.trade_off(POINTS, Category.FACE, 0.2, 0.99),
    "no points": charts.trade_off((), Category.FACE, 0.2, 0.99),
    "groups": charts.groups([line("1", 60, 60), line("2", 3, 4)], Category.FACE),
    "no groups": charts.groups([], Category.FACE),
    "reliability": charts.reliability(BINS, Category.FACE),
    "no detections": charts.reliability((), Category.FACE),
    "scores": charts.calibration_groups({Slice("source", "web"): BINS[0]}, Category.FACE),
    "no scores": charts.calibration_groups({}, Category.FACE),
    "sample": charts.sample_over_time([(date(2026, 11, 1), Proportion(9, 10))], 0.99),
    "no sample": charts.sample_over_time([], 0.99),
}


def reach(trace: Any, axis: str = "x") -> list[tuple[float, float]]:
    """Where the error bars of a trace begin and end."""
    bars, middles = trace[f"error_{axis}"], trace[axis]
    return [
        (middle - low, middle + high)
        for middle, low, high in zip(middles, bars.arrayminus, bars.array, strict=True)
    ]


def written(figure: Any) -> str:
    return json.dumps(figure.to_plotly_json(), default=str)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "template":
                yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


@pytest.mark.parametrize("chart", EVERY_CHART.values(), ids=list(EVERY_CHART))
def test_no_figure_fixes_a_text_colour_or_a_background(chart):
    told = dict(leaves(chart.figure.to_plotly_json()))

    assert not [path for path in told if "font.color" in path or "tickcolor" in path]
    assert told[".layout.paper_bgcolor"] == told[".layout.plot_bgcolor"] == "rgba(0,0,0,0)"


@pytest.mark.parametrize("chart", EVERY_CHART.values(), ids=list(EVERY_CHART))
def test_every_figure_has_a_sentence_without_markup(chart):
    assert chart.alt.endswith(".")
    assert "<br>" not in chart.alt
    assert "None" not in chart.alt


@pytest.mark.parametrize("name", [name for name in EVERY_CHART if not name.startswith("no ")])
def test_every_axis_says_what_it_measures(name):
    layout = EVERY_CHART[name].figure.layout.to_plotly_json()
    values = [axis for key, axis in layout.items() if key.startswith("xaxis") and axis.get("range")]

    titles = [axis["title"]["text"] for axis in values if axis.get("title")]
    assert titles
    assert all(any(sign in title for sign in ("%", "0 to 1", "UTC")) for title in titles)


def test_every_category_has_a_mark_of_its_own():
    assert set(MARKS) == set(COLOURS)
    assert len(set(MARKS.values())) == len(Category)


def test_recall_is_drawn_with_both_bounds_of_each_category():
    chart = EVERY_CHART["lines"]

    faces, tattoos, _ = chart.figure.data
    assert faces.x[0] == pytest.approx(100 * 1190 / 1204)
    assert reach(faces)[0] == pytest.approx((100 * FACES.lower(), 100 * FACES.upper()))
    assert (faces.marker.symbol, tattoos.marker.symbol) == ("circle", "square")
    assert "Face: 98.8 % (1190 of 1204 labels), at least 98.1 % and at most 99.3 %" in chart.alt
    assert "Tattoo: 90.0 % (9 of 10 labels)" in chart.alt
    assert "Jewelry: no labels" in chart.alt
    assert "target of 99 %" in chart.alt
    assert "one-sided" in faces.hovertext[0]


def test_a_category_nobody_looked_for_is_written_and_leaves_the_scale_to_the_others():
    chart = EVERY_CHART["blind"]

    words = [note.text for note in chart.figure.layout.annotations]
    assert "nobody looked for it: 0.0 % (0 of 80 labels)" in words
    assert chart.figure.layout.xaxis.range[0] > 80
    assert "Jewelry: 0.0 % (0 of 80 labels)" in chart.alt


@pytest.mark.parametrize(
    ("shares", "start"),
    [((), 0), ((None,), 0), ((0.0, 1.0), 0), ((0.49,), 0), ((0.6,), 50), ((0.999, 1.0), 90)],
    ids=["nothing", "not measured", "everything", "low", "middle", "high"],
)
def test_a_recall_axis_says_where_it_starts_and_never_starts_high(shares, start):
    axis = plotly_axis(recall_axis(shares, "Recall (%)"))

    says = f"axis starts at {start} %"
    assert (says in axis["title"]["text"]) is (start > 0)
    assert axis["range"][0] <= start <= HIGHEST_START
    assert axis["range"][1] >= 100


def test_groups_too_small_are_hollow_and_say_so():
    chart = charts.groups([line("dark", 60, 60), line("light", 3, 4)], Category.FACE)

    large, small = chart.figure.data
    assert (large.marker.symbol, small.marker.symbol) == ("circle", "circle-open")
    rows = chart.figure.layout.yaxis.ticktext
    assert rows == ("dark<br>60 labels", "light<br>4 labels, too few")
    assert chart.alt.count("too few to say anything") == 1
    assert "light: 75.0 % (3 of 4 labels)" in chart.alt
    assert reach(small)[0] == pytest.approx(
        (100 * Proportion(3, 4).lower(), 100 * Proportion(3, 4).upper())
    )


def test_sizes_are_drawn_from_small_to_large():
    values = ["128 px and more", "16 to 31 px", "under 16 px", "64 to 127 px"]

    chart = charts.groups([line(value, 1, 60, by="size") for value in values], Category.FACE)

    rows = [label.partition("<br>")[0] for label in chart.figure.layout.yaxis.ticktext]
    assert rows == ["under 16 px", "16 to 31 px", "64 to 127 px", "128 px and more"]


def test_groups_of_other_categories_are_left_out():
    assert "No group of tattoo" in charts.groups([line("1", 60, 60)], Category.TATTOO).alt


@pytest.mark.parametrize("value", ['<a href="http://outside/">x</a>', "<br>" * 30, "%{y}"])
def test_words_of_a_data_set_are_no_markup_in_a_figure(value):
    chart = charts.groups([line(value, 60, 60), line("2", 60, 60)], Category.FACE)

    assert "<a" not in written(chart.figure)
    assert all(one.hovertemplate is None for one in chart.figure.data)
    assert max(map(len, chart.figure.layout.yaxis.ticktext)) < 400


def test_two_rows_with_one_label_stay_two_rows():
    long = "x" * 50

    chart = charts.groups([line(long + "1", 60, 60), line(long + "2", 59, 60)], Category.FACE)

    assert [one.y[0] for one in chart.figure.data] == [0, 1]


def test_runs_over_different_data_sets_are_not_joined():
    runs = [run(3, 198), run(1, 190), run(2, 180, "b" * 12), run(4, 180, "b" * 12)]

    chart = charts.trend(runs)

    one, other = chart.figure.data
    assert [len(one.x), len(other.x)] == [2, 2]
    assert list(one.x) == [START + timedelta(days=1), START + timedelta(days=3)]
    assert list(one.y) == pytest.approx([95, 99])
    assert one.line.dash != other.line.dash
    assert (one.text[0], other.text[0]) == ("set 1", "set 2")
    assert "2 data sets, which are not joined" in chart.alt


def test_a_trend_shows_the_lower_bound_below_each_point():
    chart = charts.trend([run(1, 190), run(2, 196)])

    (faces,) = chart.figure.data
    lowers = [100 * Proportion(found, 200).lower() for found in (190, 196)]
    assert [low for low, _ in reach(faces, "y")] == pytest.approx(lowers)
    assert list(faces.error_y.array) == [0, 0]
    assert "98.0 % (196 of 200 labels) in evaluation 2, at least 95.4 %" in chart.alt
    assert "from 95.0 % in evaluation 1 on the same data set" in chart.alt


def test_a_category_never_found_is_written_instead_of_drawn_at_the_bottom():
    chart = charts.trend([run(1, 0), run(2, 0)])

    assert "none found" in written(chart.figure)
    assert "0.0 % (0 of 200 labels)" in chart.alt


def test_a_single_run_has_an_axis_of_a_day():
    first, last = EVERY_CHART["one run"].figure.layout.xaxis.range

    assert datetime.fromisoformat(last) - datetime.fromisoformat(first) == timedelta(days=1)


def test_the_trade_off_marks_the_step_nearest_to_the_threshold():
    chart = charts.trade_off(POINTS, Category.FACE, 0.22, 0.99)

    curve, now, with_faces, without = chart.figure.data
    assert list(curve.x) == pytest.approx([45, 30, 6])
    assert list(curve.y) == pytest.approx([99, 97, 90])
    assert (now.x[0], now.y[0]) == pytest.approx((30, 97))
    assert reach(now, "y")[0] == pytest.approx(
        (100 * Proportion(97, 100).lower(), 100 * Proportion(97, 100).upper())
    )
    assert list(with_faces.y) == pytest.approx([75, 50, 10])
    assert list(without.y) == pytest.approx([25, 100 * 10 / 60, 100 * 2 / 60])
    assert with_faces.line.dash != without.line.dash
    assert "asking from 0.2: recall 97.0 % (97 of 100 labels)" in chart.alt
    assert "30.0 % of 100 pictures to review" in chart.alt


@pytest.mark.parametrize(
    ("review_at", "inwards", "level_words"),
    [(0.35, "left", "right"), (0.05, "right", "left")],
    ids=["a mark at the left axis", "a mark at the right end"],
)
def test_words_of_a_trade_off_lie_on_no_number_of_an_axis_and_not_on_each_other(
    review_at, inwards, level_words
):
    chart = charts.trade_off(POINTS, Category.FACE, review_at, 0.99)

    notes = {note.text: note for note in chart.figure.layout.annotations}
    assert notes[f"asking from {review_at}"].xanchor == inwards
    target = notes["target 99 %"]
    assert (target.x, target.xref) == (int(level_words == "right"), "x domain")
    assert target.xanchor == level_words


def test_pictures_labelled_in_part_have_no_trade_off():
    chart = charts.trade_off((Point(0.2, Proportion(9, 10), NONE, NONE),), Category.FACE, 0.2, 0.99)

    assert "labelled completely for face" in chart.alt


def test_reliability_has_wilson_intervals_and_the_number_of_detections():
    chart = EVERY_CHART["reliability"]

    diagonal, shares, bars = chart.figure.data
    assert (tuple(diagonal.x), tuple(diagonal.y)) == ((0, 1), (0, 100))
    assert list(shares.y) == [30, 100]
    low, high = Proportion(3, 10).wilson()
    assert reach(shares, "y")[0] == pytest.approx((100 * low, 100 * high))
    assert list(bars.y) == [10, 40]
    assert "0.2 to 0.3: 30.0 % (3 of 10 detections) at a mean score of 0.25" in chart.alt


def test_scores_by_group_stand_beside_the_share_on_labels():
    chart = EVERY_CHART["scores"]

    means, shares = chart.figure.data
    assert (means.x[0], shares.x[0]) == (25, 30)
    assert means.marker.symbol != shares.marker.symbol
    assert "web: mean score 0.25, on a label 30.0 % (3 of 10 detections)" in chart.alt


def test_the_sample_adds_up_day_by_day_in_any_order():
    days = [(date(2026, 11, 3), Proportion(20, 20)), (date(2026, 11, 1), Proportion(9, 10))]

    chart = charts.sample_over_time([*days, (date(2026, 11, 2), NONE)], 0.99)

    upper, seen = chart.figure.data
    assert list(seen.y) == pytest.approx([10, 100 / 30])
    assert list(upper.y) == pytest.approx(
        [100 * (1 - Proportion(9, 10).lower()), 100 * (1 - Proportion(29, 30).lower())]
    )
    assert chart.figure.layout.yaxis.range[0] <= 0
    assert "until 3 Nov 2026: something missed in 1 of 30 pictures (3.4 %)" in chart.alt
    assert "not proven to be under the 1 % that the target allows" in chart.alt


def test_a_sample_large_and_clean_enough_is_under_what_the_target_allows():
    chart = charts.sample_over_time([(date(2026, 11, 1), Proportion(300, 300))], 0.99)

    assert ", under the 1 %" in chart.alt


def test_a_drawn_chart_has_its_words_and_no_button_that_sends_it_away():
    def page() -> None:
        from components.recall.charts import recall as charts
        from tests.app.test_charts import EVERY_CHART

        charts.draw(EVERY_CHART["lines"], "recall_lines")

    app = AppTest.from_function(page).run()

    assert not app.exception
    (drawn,) = app.get("plotly_chart")
    config = json.loads(drawn.proto.config)
    assert config["modeBarButtons"] == [["toImage"]]
    assert config["showSendToCloud"] is False
    assert config["displaylogo"] is False
    assert config["toImageButtonOptions"]["filename"] == "lethe_recall_lines"
    assert drawn.proto.alt == EVERY_CHART["lines"].alt
