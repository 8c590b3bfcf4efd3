"""The figures of a report, each with the sentence that says the same in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.category import DETECTABLE, Category
from engine.evaluation.report.document import Figure
from engine.evaluation.report.facts import Facts
from engine.evaluation.report.numbers import PLURAL, at_least, exactly, of
from engine.evaluation.report.svg import Axis, curve, drawing, line, marker, text
from engine.evaluation.scores.calibration import Bin, expected_error
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.tradeoff import Point
from engine.wording import counted

WIDTH = 720
_ROW = 44
_CLOSE_UP_FROM = 0.9
_PANEL = 170
_PANEL_EVERY = 238
_PANEL_LEFT = 50
_PANEL_TOP = 34


@dataclass(frozen=True, slots=True)
class Curve:
    """What other thresholds would do to one category, and where the policy stands."""

    points: Sequence[Point]
    now: Point


def forest(facts: Facts) -> Figure:
    """Recall of each category with its bounds, beside the target; whole, and close up."""
    bottom = 34 + _ROW * len(DETECTABLE)
    whole = Axis(0.0, 1.0, 128, 396)
    close = Axis(min(_CLOSE_UP_FROM, facts.target), 1.0, 450, 696)
    parts = [
        text((whole.start_px, 18), "The whole range", "soft"),
        text((close.start_px, 18), f"The same from {exactly(close.low)} up", "soft"),
    ]
    for axis in (whole, close):
        parts += _scale(axis, (28, bottom))
        at = axis.at(facts.target)
        parts.append(line((at, 24), (at, bottom), "target"))
    said = []
    for index, category in enumerate(DETECTABLE):
        y = 34 + _ROW * index + _ROW / 2
        proportion = facts.coverage(category)
        parts.append(text((8, y - 2), PLURAL[category], "strong"))
        parts.append(text((8, y + 14), of(proportion) if proportion.total else "no labels", "soft"))
        for axis in (whole, close):
            parts += _range(axis, y, category, proportion)
        said.append(_said(category, proportion))
    return Figure(
        "recall",
        f"Recall by coverage with one-sided 95 % bounds; the target is {exactly(facts.target)}. "
        + " ".join(said),
        "Recall by coverage (mark) with its one-sided 95 % bounds (bar); the dashed line is the "
        "target. An arrow on the right-hand scale says that recall lies below that scale.",
        drawing("recall", (WIDTH, bottom + 28), "Recall and bounds by category", parts),
    )


def reliability_plot(bins: Mapping[Category, Sequence[Bin]]) -> Figure:
    """Scores against the share of detections on labels, one panel for each category."""
    parts, said = [], []
    for index, (category, own) in enumerate(bins.items()):
        x, y = _panel(index, Axis(0.0, 1.0, 0, 1))
        parts += _frame(x, y, _head(category, own), "{:g}".format)
        parts.append(line((x.at(0), y.at(0)), (x.at(1), y.at(1)), "ideal"))
        for one in own:
            at = x.at(one.mean_score)
            low, high = one.on_labels.wilson() or (0.0, 0.0)
            parts.append(line((at, y.at(low)), (at, y.at(high)), f"thin {category.value}"))
            parts.append(marker((at, y.at(one.on_labels.share or 0.0)), category, 4.0))
        parts += _legend(index, "mean score of the detections")
        said.append(f"{PLURAL[category]}: {counted(len(own), 'tenth')} of the score drawn.")
    return Figure(
        "calibration",
        "Mean score against the share of detections that are on a label. " + " ".join(said),
        "Upright: share of detections on a label, with two-sided 95 % Wilson intervals. Across: "
        "their mean score. On the dashed line a score means what it says; below it the detector "
        "is too sure of itself.",
        drawing("calibration", _panels_size(bins), "Calibration by category", parts),
    )


def threshold_plot(curves: Mapping[Category, Curve], target: float) -> Figure:
    """Recall against the pictures a person is asked about, one panel for each category."""
    parts, said = [], []
    for index, (category, own) in enumerate(curves.items()):
        x, y = _panel(index, _recall_range(own))
        parts += _frame(x, y, PLURAL[category], _tick)
        parts.append(line((x.at(0), y.at(target)), (x.at(1), y.at(target)), "target"))
        for asked, kind in (("asked_with", ""), ("asked_without", " other")):
            parts.append(curve(_through(own.points, asked, x, y), f"{category.value}{kind}"))
            parts += [marker(at, category) for at in _through([own.now], asked, x, y)]
        parts += _legend(index, "pictures with a doubt of it")
        lowest = own.points[0] if own.points else own.now
        said.append(
            f"{PLURAL[category]}: recall {at_least(own.now.detection.share)} now, "
            f"{at_least(lowest.detection.share)} with doubts from {lowest.review_at}."
        )
    return Figure(
        "thresholds",
        "Recall against the share of pictures with a doubt, as review_at moves. " + " ".join(said),
        "Upright: recall by coverage; the scales differ. Across: completely labelled pictures with "
        "a doubt of the category; the line is pictures that show it, the broken line pictures that "
        "do not. The marks are the policy as evaluated, the dashed line across is the target.",
        drawing("thresholds", _panels_size(curves), "Recall against review load", parts),
    )


def _said(category: Category, proportion: Proportion) -> str:
    if not proportion.total:
        return f"{PLURAL[category]}: no labels."
    return (
        f"{PLURAL[category]}: {at_least(proportion.share)} of {proportion.total}, "
        f"at least {at_least(proportion.lower())}."
    )


def _scale(axis: Axis, rows: tuple[float, float]) -> list[str]:
    top, bottom = rows
    parts = []
    for step in range(6):
        value = axis.low + (axis.high - axis.low) * step / 5
        at = axis.at(value)
        parts.append(line((at, top), (at, bottom), "grid"))
        parts.append(text((at, bottom + 16), _tick(value), "soft", anchor="middle"))
    return [*parts, line((axis.start_px, bottom), (axis.end_px, bottom), "axis")]


def _range(axis: Axis, y: float, category: Category, proportion: Proportion) -> list[str]:
    lower, share, upper = proportion.lower(), proportion.share, proportion.upper()
    if lower is None or share is None or upper is None:
        return [text((axis.start_px + 6, y + 4), "not measured", "soft")]
    parts = []
    if upper > axis.low:
        ends = (axis.at(lower), y), (axis.at(upper), y)
        parts.append(line(*ends, f"bar {category.value}"))
    if share >= axis.low:
        return [*parts, marker((axis.at(share), y), category)]
    return [*parts, text((axis.start_px + 2, y + 18), f"← {at_least(share)}", "soft")]


def _panel(index: int, upright: Axis) -> tuple[Axis, Axis]:
    left = _PANEL_LEFT + _PANEL_EVERY * index
    across = Axis(0.0, 1.0, left, left + _PANEL)
    return across, Axis(upright.low, upright.high, _PANEL_TOP + _PANEL, _PANEL_TOP)


def _frame(x: Axis, y: Axis, title: str, tick: Callable[[float], str]) -> list[str]:
    parts = [text((x.start_px, 18), title, "strong")]
    for step in range(5):
        across = x.low + (x.high - x.low) * step / 4
        upright = y.low + (y.high - y.low) * step / 4
        parts.append(line((x.at(across), y.start_px), (x.at(across), y.end_px), "grid"))
        parts.append(line((x.start_px, y.at(upright)), (x.end_px, y.at(upright)), "grid"))
        below = (x.at(across), y.start_px + 16)
        parts.append(text(below, tick(across), "soft", anchor="middle"))
        beside = (x.start_px - 6, y.at(upright) + 4)
        parts.append(text(beside, _tick(upright), "soft", anchor="end"))
    return parts


def _legend(index: int, words: str) -> list[str]:
    middle = _PANEL_LEFT + _PANEL_EVERY * index + _PANEL / 2
    return [text((middle, _PANEL_TOP + _PANEL + 34), words, "soft", anchor="middle")]


def _panels_size(panels: Mapping[Category, object]) -> tuple[int, int]:
    return (
        _PANEL_LEFT + _PANEL_EVERY * len(panels) - 40,
        _PANEL_TOP + _PANEL + 46,
    )


def _head(category: Category, bins: Sequence[Bin]) -> str:
    return f"{PLURAL[category]}, error {expected_error(bins) or 0.0:.3f}"


def _recall_range(own: Curve) -> Axis:
    """From a whole tenth below the lowest recall drawn up to 1."""
    shares = [point.detection.share or 0.0 for point in (*own.points, own.now)]
    return Axis(min(int(min(shares) * 10) / 10, _CLOSE_UP_FROM), 1.0, 0, 1)


def _through(points: Sequence[Point], asked: str, x: Axis, y: Axis) -> list[tuple[float, float]]:
    tallies = [(getattr(point, asked), point.detection) for point in points]
    return [
        (x.at(across.share), y.at(upright.share))
        for across, upright in tallies
        if across.share is not None and upright.share is not None
    ]


def _tick(value: float) -> str:
    return f"{value * 100:.4g} %"
