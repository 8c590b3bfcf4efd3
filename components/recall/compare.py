"""Recall page: comparison of two evaluations, with the labels that a change gained and lost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

import streamlit as st

from components.app.palette import cells, plain
from components.recall.costs import cost_view
from components.recall.evaluated import Evaluated
from components.recall.tables import corners, download
from engine.category import DETECTABLE, Category
from engine.evaluation.scores.compare import Change, Comparison, compare
from engine.evaluation.scores.scoring import LabelScore, PictureScore
from engine.wording import counted
from store.evaluations.evaluations import Evaluation

Crop: TypeAlias = Callable[[PictureScore, LabelScore, str], None]
"""Shows the crop of a picture around a label, under a caption."""

_RARE = 0.05
"""Significance level: a p-value below it is called unlikely to be chance."""


def compare_view(before: Evaluated, after: Evaluated, crop: Crop) -> None:
    """Compare two evaluations on their common labels: McNemar test, costs, changed labels.

    Args:
        before: the earlier one.
        after: the later one.
        crop: how to show a label in its picture, as in the later one.
    """
    comparisons = {
        category: compare(before.scored.scores, after.scored.scores, category)
        for category in DETECTABLE
    }
    _introduction(before.evaluation, after.evaluation, comparisons.values())
    columns = (("Earlier", before.evaluation.report), ("Later", after.evaluation.report))
    cost_view({head: report for head, report in columns if report is not None})
    if not any(comparison.common for comparison in comparisons.values()):
        st.info("They have no label in common, so nothing can be compared.")
        return
    for column, (category, comparison) in zip(
        st.columns(len(comparisons)), comparisons.items(), strict=True
    ):
        with column.container(border=True):
            _category(category, comparison)
    st.caption(
        "Labels of one person or event are not independent, so read these chances as a hint. "
        "A label is the same when picture, category and box are."
    )
    changes = [
        (category, is_gain, change)
        for category, comparison in comparisons.items()
        for is_gain, part in ((False, comparison.lost), (True, comparison.gained))
        for change in part
    ]
    if changes:
        _table(after.evaluation.id, changes, crop)
    else:
        st.success("Every common label fared the same in both.", icon=":material/equal:")


def chance_words(comparison: Comparison) -> str:
    """Result of the exact McNemar test in words."""
    p, gained, lost = comparison.p_value, len(comparison.gained), len(comparison.lost)
    if p is None:
        return "No label fared differently." if comparison.common else "No label in common."
    if p >= _RARE:
        times = "every time" if p > 1 - _RARE else f"in {round(100 * p)} of 100 cases"
        return (
            f"May well be chance: with {counted(gained + lost, 'change')}, a split at least this "
            f"uneven comes {times} when neither is better (p = {p:.2f})."
        )
    better = "later" if gained > lost else "earlier"
    return (
        f"The {better} one is better, and hardly by chance: a split at least this uneven comes "
        f"once in {round(1 / p)} cases when neither is (p = {p:.2g})."
    )


def _introduction(
    before: Evaluation, after: Evaluation, comparisons: Collection[Comparison]
) -> None:
    """Both evaluations by name; a warning where their data sets differ."""
    st.markdown(
        f"From **{before.number} · {plain(before.name)}** (policy {before.policy}) to "
        f"**{after.number} · {plain(after.name)}** (policy {after.policy})"
    )
    if before.fingerprint == after.fingerprint:
        return
    common = sum(comparison.common for comparison in comparisons)
    only_before = sum(comparison.only_before for comparison in comparisons)
    only_after = sum(comparison.only_after for comparison in comparisons)
    st.warning(
        f"These are different data sets. Only the {counted(common, 'label')} in both "
        f"{'is' if common == 1 else 'are'} compared; {only_before} are in the earlier one alone, "
        f"{only_after} in the later one alone.",
        icon=":material/difference:",
    )


def _category(category: Category, comparison: Comparison) -> None:
    st.markdown(f"**{category.value.capitalize()}** · {counted(comparison.common, 'common label')}")
    gained, lost = st.columns(2)
    gained.metric("Gained", len(comparison.gained), help="Missed before, found after")
    lost.metric("Lost", len(comparison.lost), help="Found before, missed after")
    st.caption(chance_words(comparison))


def _table(
    evaluation_id: str, changes: Sequence[tuple[Category, bool, Change]], crop: Crop
) -> None:
    rows = cells(_row(*change) for change in changes)
    st.dataframe(
        rows,
        hide_index=True,
        key="recall_compare_changes",
        alt=f"{counted(len(rows), 'label')} that fared differently, those lost first",
    )
    names = [
        f"{number} · {row['Picture']} · {row['Category']} · {row['Change']}"
        for number, row in enumerate(rows, start=1)
    ]
    chosen = st.selectbox(
        "Look at one of them",
        range(len(rows)),
        format_func=names.__getitem__,
        key="recall_compare_change",
    )
    _, _, change = changes[chosen if chosen is not None and chosen < len(changes) else 0]
    crop(change.picture, change.after, f"{_fate(change.before)} → {_fate(change.after)}")
    download(
        [_data(*entry) for entry in changes],
        "lethe_compare",
        "recall_compare_data",
        evaluation_id=evaluation_id,
    )


def _row(category: Category, is_gain: bool, change: Change) -> dict[str, object]:
    return {
        "Picture": change.picture.picture.name,
        "Category": category.value,
        "Change": "gained" if is_gain else "lost",
        "Before": _fate(change.before),
        "After": _fate(change.after),
    }


def _data(category: Category, is_gain: bool, change: Change) -> dict[str, object]:
    return {
        **{name.lower(): value for name, value in _row(category, is_gain, change).items()},
        "hidden_before": change.before.hidden,
        "hidden_after": change.after.hidden,
        **corners(change.after.label.box),
    }


def _fate(label: LabelScore) -> str:
    return "found" if label.false_negative is None else str(label.false_negative)
