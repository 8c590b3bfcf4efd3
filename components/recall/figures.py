"""Recall page: the views trend, groups and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from components.app.palette import cells, plain
from components.recall.charts import recall as charts
from components.recall.charts.recall import Run, draw
from components.recall.charts.times import in_order, set_numbers
from components.recall.tables import download
from components.recall.words import at_least, goal
from engine.category import DETECTABLE, Category
from engine.evaluation.report.cost import prices
from engine.evaluation.scores.calibration import Bin, bins_by_slice, expected_error, reliability
from engine.evaluation.scores.counts import Slice
from engine.evaluation.scores.proportion import NONE, more_to_prove
from engine.evaluation.scores.recall import ENOUGH_FOR, Scored
from engine.evaluation.scores.summary import GroupSummary, Summary
from engine.wording import counted
from store.evaluations.evaluations import Evaluation

_MOST_NAMED = 8
_FEW_DETECTIONS = 100
"""Below ten for each tenth of the scores, chance alone moves the calibration error by points."""
_EVEN = 0.02
"""Mean scores this close to the share on labels are neither too sure nor too modest."""


def trend_view(evaluations: Sequence[Evaluation]) -> None:
    """Trend chart of recall over finished evaluations, with a table and a download.

    Args:
        evaluations: in any order; those without a report are left out.
    """
    reports = {run.number: run.report for run in evaluations if run.report is not None}
    runs = in_order([_run(run, run.report) for run in evaluations if run.report is not None])
    if not runs:
        st.info("No evaluation is finished yet.", icon=":material/timeline:")
        return
    numbers = set_numbers(runs)
    draw(charts.trend(runs), "recall_trend")
    if len(runs) == 1:
        st.caption("One evaluation is no trend yet: run another one after a change.")
    if len(numbers) > 1:
        st.caption(
            f"These are {len(numbers)} data sets. Only evaluations of the same one are joined: "
            "between two sets recall also differs because their pictures do."
        )
    st.caption(
        "Bars reach down to the lower bound (one-sided, 95 %); the dashed line is the target."
    )
    st.dataframe(
        cells(_trend_row(run, numbers, reports[run.number]) for run in reversed(runs)),
        hide_index=True,
        key="recall_trend_runs",
        alt=f"{counted(len(runs), 'evaluation')} with recall and what it costs, newest first",
    )
    rows = [_trend_data(run, category, numbers) for run in runs for category in DETECTABLE]
    download(rows, "lethe_recall_trend", "recall_trend_data")


def groups_view(summary: Summary, scored: Scored) -> None:
    """Recall and calibration of one category by attribute of labels and pictures.

    Args:
        summary: the evaluation's report.
        scored: the same evaluation's pictures.
    """
    category = _pick("recall_groups_category")
    groups = charts.in_row_order(line for line in summary.groups if line.category is category)
    st.caption(
        "Groups are the data set's own words about its pictures and labels, and the size of each "
        "box in pixels. Lethe infers nothing about people. Compare intervals, not points: of many "
        "groups, one is the lowest by chance. Scores stand beside groups of whole pictures only: a "
        "false detection has no label that could say what it belongs to."
    )
    if not groups:
        st.info(
            f"There are no groups of {category.value} labels to compare in this data set.",
            icon=":material/groups:",
        )
        return
    _warn_of_small(groups)
    calibration = bins_by_slice(scored.scores, category)
    for number, by in enumerate(dict.fromkeys(line.by for line in groups)):
        lines = [line for line in groups if line.by == by]
        recall = charts.groups(lines, category)
        bins = {group: group_bin for group, group_bin in calibration.items() if group.by == by}
        key = f"recall_groups_{category.value}_{number}"
        st.markdown(f"**By {plain(by)}**")
        if not bins:
            draw(recall, key)
            continue
        left, right = st.columns(2, gap="medium")
        with left:
            draw(recall, key)
        with right:
            draw(charts.calibration_groups(bins, category), f"{key}_scores")
    rows = [_group_data(line, calibration) for line in groups]
    download(rows, f"lethe_recall_groups_{category.value}", "recall_groups_data")


def calibration_view(scored: Scored) -> None:
    """Reliability diagram of one category, with its expected calibration error in words."""
    category = _pick("recall_calibration_category")
    bins = reliability(scored.scores, category)
    if not bins:
        st.info(
            f"There is no {category.value} detection on a picture labelled completely for it, "
            "so nothing can be said about its scores.",
            icon=":material/straighten:",
        )
        return
    left, right = st.columns([0.62, 0.38], gap="large")
    with left:
        draw(charts.reliability(bins, category), f"recall_calibration_{category.value}")
    with right:
        st.markdown(_calibration_words(bins, category))
        st.caption(
            "Detections on pictures labelled completely for the category count, from a score of "
            "0.05 up, also those under the thresholds. Recall does not depend on this; it says "
            "whether a threshold can be read as a share, and whether scores drift apart between "
            "models."
        )
        rows = [_bin_data(score_bin, category) for score_bin in bins]
        download(rows, f"lethe_calibration_{category.value}", "recall_calibration_data")


def _pick(key: str) -> Category:
    return st.radio(
        "Category",
        DETECTABLE,
        format_func=str.capitalize,
        horizontal=True,
        key=key,
    )


def _run(evaluation: Evaluation, report: Summary) -> Run:
    return Run(
        number=evaluation.number,
        name=evaluation.name,
        at=evaluation.created_at,
        fingerprint=evaluation.fingerprint,
        policy=evaluation.policy,
        target=evaluation.target,
        recall={
            category: part.proportion(part.coverage) for category, part in report.categories.items()
        },
    )


def _trend_row(run: Run, numbers: Mapping[str, int], report: Summary) -> dict[str, object]:
    row: dict[str, object] = {
        "Evaluation": f"{run.number} · {run.name}",
        "Date": run.at.date(),
        "Data set": f"set {numbers[run.fingerprint]} ({run.fingerprint})",
        "Policy": run.policy,
    }
    for category in DETECTABLE:
        proportion = run.recall[category]
        row[category.value.capitalize()] = (
            f"{at_least(proportion.share)}, at least {at_least(proportion.lower())}"
            if proportion.total
            else "no labels"
        )
    return row | {price.what: price.much for price in prices(report)}


def _trend_data(run: Run, category: Category, numbers: Mapping[str, int]) -> dict[str, object]:
    proportion = run.recall[category]
    return {
        "evaluation": run.number,
        "name": run.name,
        "date": run.at.isoformat(),
        "data_set": numbers[run.fingerprint],
        "data_set_fingerprint": run.fingerprint,
        "policy": run.policy,
        "target": run.target,
        "category": category.value,
        "labels": proportion.total,
        "found": proportion.found,
        "recall": proportion.share,
        "lower95": proportion.lower(),
        "upper95": proportion.upper(),
    }


def _warn_of_small(lines: Sequence[GroupSummary]) -> None:
    small = [line for line in lines if not line.enough]
    if not small:
        return
    names = [f"{line.by} {line.value} ({line.labels})" for line in small[:_MOST_NAMED]]
    rest = len(small) - len(names)
    more = f" and {rest} more" if rest else ""
    st.warning(
        f"Too few labels to say anything about {plain(', '.join(names))}{more}. Even with no miss, "
        f"fewer than {more_to_prove(NONE, ENOUGH_FOR)} labels cannot prove {goal(ENOUGH_FOR)}; "
        "these are drawn hollow.",
        icon=":material/warning:",
    )


def _group_data(line: GroupSummary, calibration: Mapping[Slice, Bin]) -> dict[str, object]:
    scores = calibration.get(Slice(line.by, line.value))
    return {
        **line.model_dump(mode="json"),
        "upper95": line.proportion.upper(),
        "detections": scores and scores.on_labels.total,
        "detections_on_label": scores and scores.on_labels.found,
        "mean_score": scores and scores.mean_score,
    }


def _calibration_words(bins: Sequence[Bin], category: Category) -> str:
    on_labels = sum((score_bin.on_labels for score_bin in bins), NONE)
    total, share = on_labels.total, on_labels.share or 0.0
    mean = sum(score_bin.mean_score * score_bin.on_labels.total for score_bin in bins) / total
    bias = "about right."
    if abs(mean - share) > _EVEN:
        bias = (
            "too high: the detector is too sure of itself."
            if mean > share
            else "too low: the detector is more often right than it says."
        )
    text = (
        f"**On average a score is off by {100 * (expected_error(bins) or 0.0):.1f} points of 100** "
        f"(expected calibration error, over {counted(total, f'{category.value} detection')}).\n\n"
        f"Mean score {mean:.2f}; {on_labels.found} of {total} are on a label "
        f"({100 * share:.1f} %). Taken together, scores are {bias}\n\n"
        "Points on the dashed line mean: of detections with a score of 0.7, 7 in 10 are on a "
        "label. Points under it mean that scores promise too much."
    )
    if total < _FEW_DETECTIONS:
        text += f"\n\nWith fewer than {_FEW_DETECTIONS} detections, much of this is chance."
    return text


def _bin_data(score_bin: Bin, category: Category) -> dict[str, object]:
    on_labels = score_bin.on_labels
    low, high = on_labels.wilson() or (None, None)
    return {
        "category": category.value,
        "scores": score_bin.label,
        "mean_score": score_bin.mean_score,
        "detections": on_labels.total,
        "on_label": on_labels.found,
        "share": on_labels.share,
        "wilson95_low": low,
        "wilson95_high": high,
    }
