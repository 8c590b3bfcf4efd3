"""Two evaluations side by side: what a change gained and lost, picture by picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import streamlit as st

from components.app.palette import cells, plain
from components.recall.costs import cost_view
from components.recall.evaluated import Evaluated
from components.recall.tables import download
from engine.category import DETECTABLE, Category
from engine.evaluation.scores.compare import Change, Comparison, compare
from engine.evaluation.scores.scoring import LabelScore, PictureScore
from engine.wording import counted

Crop: TypeAlias = Callable[[PictureScore, LabelScore, str], None]
"""Shows the piece of a picture around a label, under a caption."""

_RARE = 0.05
"""Splits rarer than this by chance are called unlikely to be chance."""


def compare_view(before: Evaluated, after: Evaluated, crop: Crop) -> None:
    """What changed from one evaluation to another on the labels that both have.

    Args:
        before: the earlier one.
        after: the later one.
        crop: how to show a label in its picture, as in the later one.
    """
    both = {
        category: compare(before.scored.scores, after.scored.scores, category)
        for category in DETECTABLE
    }
    _say_what_is_compared(before, after, both)
    _costs(before, after)
    if not any(one.common for one in both.values()):
        st.info("They have no label in common, so nothing can be compared.")
        return
    for column, (category, one) in zip(st.columns(len(both)), both.items(), strict=True):
        with column.container(border=True):
            _category(category, one)
    st.caption(
        "Labels of one person or event are not independent, so read these chances as a hint. "
        "A label is the same when picture, category and box are."
    )
    changes = [
        (category, is_gain, change)
        for category, one in both.items()
        for is_gain, part in ((False, one.lost), (True, one.gained))
        for change in part
    ]
    if changes:
        _table(changes, crop)
    else:
        st.success("Every common label fared the same in both.", icon=":material/equal:")


def chance_words(one: Comparison) -> str:
    """The exact test of McNemar in words."""
    p = one.p_value
    changed = len(one.gained) + len(one.lost)
    if p is None:
        return "No label fared differently." if one.common else "No label in common."
    if p >= _RARE:
        times = "every time" if p > 1 - _RARE else f"in {round(100 * p)} of 100 cases"
        return (
            f"May well be chance: with {counted(changed, 'change')}, a split at least this uneven "
            f"comes {times} when neither is better (p = {p:.2f})."
        )
    better = "later" if len(one.gained) > len(one.lost) else "earlier"
    return (
        f"The {better} one is better, and hardly by chance: a split at least this uneven comes "
        f"once in {round(1 / p)} cases when neither is (p = {p:.2g})."
    )


def _say_what_is_compared(
    before: Evaluated, after: Evaluated, both: Mapping[Category, Comparison]
) -> None:
    one, other = before.evaluation, after.evaluation
    st.markdown(
        f"From **{one.number} · {plain(one.name)}** (policy {one.policy}) to "
        f"**{other.number} · {plain(other.name)}** (policy {other.policy})"
    )
    if one.fingerprint == other.fingerprint:
        return
    common = sum(part.common for part in both.values())
    gone = sum(part.only_before for part in both.values())
    new = sum(part.only_after for part in both.values())
    st.warning(
        f"These are different data sets. Only the {counted(common, 'label')} in both "
        f"{'is' if common == 1 else 'are'} compared; {gone} are in the earlier one alone, "
        f"{new} in the later one alone.",
        icon=":material/difference:",
    )


def _costs(before: Evaluated, after: Evaluated) -> None:
    """Both costs, each on its own pictures: a gain may be bought with more work for people."""
    cost_view(
        {
            head: one.evaluation.report
            for head, one in (("Earlier", before), ("Later", after))
            if one.evaluation.report is not None
        }
    )


def _category(category: Category, one: Comparison) -> None:
    st.markdown(f"**{category.value.capitalize()}** · {counted(one.common, 'common label')}")
    gained, lost = st.columns(2)
    gained.metric("Gained", len(one.gained), help="Missed before, found after")
    lost.metric("Lost", len(one.lost), help="Found before, missed after")
    st.caption(chance_words(one))


def _table(changes: Sequence[tuple[Category, bool, Change]], crop: Crop) -> None:
    rows = cells(_row(*one) for one in changes)
    st.dataframe(
        rows,
        hide_index=True,
        key="recall_compare_changes",
        alt=f"{counted(len(rows), 'label')} that fared differently, those lost first",
    )
    names = [f"{row['Picture']} · {row['Category']} · {row['Change']}" for row in rows]
    chosen = st.selectbox(
        "Look at one of them",
        range(len(rows)),
        format_func=lambda number: f"{number + 1} · {names[number]}",
        key="recall_compare_change",
    )
    _, _, change = changes[chosen if chosen is not None and chosen < len(changes) else 0]
    crop(change.picture, change.after, f"{_fate(change.before)} → {_fate(change.after)}")
    download([_data(*one) for one in changes], "lethe_compare", "recall_compare_data")


def _row(category: Category, is_gain: bool, change: Change) -> dict[str, object]:
    return {
        "Picture": change.picture.picture.name,
        "Category": category.value,
        "Change": "gained" if is_gain else "lost",
        "Before": _fate(change.before),
        "After": _fate(change.after),
    }


def _data(category: Category, is_gain: bool, change: Change) -> dict[str, object]:
    box = change.after.label.box
    corners = zip(("x0", "y0", "x1", "y1"), box.corners, strict=True)
    return {
        **{name.lower(): value for name, value in _row(category, is_gain, change).items()},
        "hidden_before": change.before.hidden,
        "hidden_after": change.after.hidden,
        **dict(corners),
    }


def _fate(label: LabelScore) -> str:
    return "found" if label.false_negative is None else str(label.false_negative)
