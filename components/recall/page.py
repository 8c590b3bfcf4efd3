"""The recall page: which run, what it says, and its views."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from components.app import session
from components.app.palette import ago, plain
from components.app.services import database, now
from components.recall import audit_sample, misses, thresholds
from components.recall.charts.recall import draw, recall_lines
from components.recall.costs import cost_view
from components.recall.evaluated import Evaluated, evaluated
from components.recall.figures import calibration_view, compare_view, groups_view, trend_view
from components.recall.words import Line, answer, at_least, at_most, goal, lines
from engine.evaluation.report.numbers import rate_at_most
from engine.evaluation.report.remarks import remarks
from engine.evaluation.scores.recall import TARGET
from engine.evaluation.scores.summary import Summary
from engine.files.safe_read import printable
from engine.policy import read_policy
from engine.wording import counted
from store.evaluations import evaluations
from store.evaluations.evaluations import Evaluation
from store.policies import versions

_ANSWERS = {"green": st.success, "orange": st.warning}


def runs() -> tuple[Evaluation, ...]:
    """Every evaluation, the newest first."""
    return evaluations.listed(database())


def nothing_yet() -> None:
    """What this page is for, while there is nothing to show."""
    st.info(
        "Bring a labelled set: pictures in which every face, tattoo or piece of jewelry is boxed. "
        "Lethe looks at them as it does at any batch and says how much it finds, and how sure that "
        "is. Nothing is changed or released.",
        icon=":material/query_stats:",
    )


def without_labels() -> None:
    """What daily work says on its own, while no labelled set was evaluated."""
    st.subheader("Sample checks", anchor=False)
    audit_sample.view(TARGET)


def choose_run(known: tuple[Evaluation, ...]) -> Evaluation | None:
    """The finished run to show; None while there is none."""
    finished = {one.id: one for one in known if one.report is not None}
    if not finished:
        return None
    wanted = session.kept("recall_next", str)
    if wanted in finished:
        session.keep("recall_run", wanted)
    if session.widget_value("recall_run") not in finished:
        session.keep("recall_run", next(iter(finished)))
    session.forget("recall_next")
    chosen = st.selectbox(
        "Evaluation",
        finished,
        format_func=lambda one: _name(finished[one]),
        key="recall_run",
        on_change=misses.first_page,
    )
    return finished[chosen] if chosen else None


def _name(run: Evaluation) -> str:
    """The same at any time, for the browser knows a choice by its text."""
    pictures = counted(run.report.pictures if run.report else 0, "picture")
    name = printable(run.name)
    return f"{run.number} · {name} · {pictures} · {run.created_at:%d %b %Y, %H:%M} UTC"


def headline(run: Evaluation, known: tuple[Evaluation, ...]) -> None:
    """Whether somebody can sign this, one line for each category, and the work it makes."""
    report = run.report
    if report is None:
        return
    left_out = read_policy(run.policy_toml).not_looked_for
    sentence, colour = answer(report, left_out, is_tuned=_is_tuned(run, known))
    _ANSWERS[colour](
        sentence,
        icon=":material/verified:" if colour == "green" else ":material/pending_actions:",
    )
    _table(lines(report, left_out))
    cost_view({"Measured": report})
    if report.pictures:
        st.caption(_load(report))
    for remark in remarks(report):
        st.warning(remark, icon=":material/visibility_off:")
    st.caption(
        f"Evaluation {run.number}, {plain(run.name)}: begun {ago(run.created_at, now())} by "
        f"{plain(run.made_by)}, under policy `{run.policy}`, "
        f"on data set `{run.fingerprint}`."
    )
    _left_out(run)


def _is_tuned(run: Evaluation, known: tuple[Evaluation, ...]) -> bool:
    """True when its policy was drafted from an evaluation of the same labels."""
    same = {one.id for one in known if one.fingerprint == run.fingerprint}
    return any(
        version.policy == run.policy and version.evaluation_id in same
        for version in versions.versions(database())
    )


def _table(told: tuple[Line, ...]) -> None:
    st.table(
        pd.DataFrame(map(_row, told)),
        border="horizontal",
        hide_index=True,
        alt="Recall, a line for each category",
    )


def _row(line: Line) -> dict[str, str]:
    labels = f"{line.coverage.total} in {counted(line.groups, 'group')}"
    return {
        "Category": line.category.value.capitalize(),
        "Target": goal(line.target),
        "Found": f"**{line.found}**",
        "At least": f"**{line.bound}**",
        "Verdict": line.badge,
        "Labels": labels if line.coverage.total else "none",
        "Sure": at_least(line.automatic.share),
        "False regions": "–" if line.is_blind else rate_at_most(line.false_per_picture),
    }


def _load(report: Summary) -> str:
    load = report.review_load
    shares = [
        f"{at_most(share)} of those {name} labels"
        for name, share in (("with", load.with_labels), ("without", load.without_labels))
        if share is not None
    ]
    return (
        f"A person must look at {at_most(load.all)} of these pictures ({', '.join(shares)}), "
        f"and at {at_most(load.audit)} more as sample checks. "
        "*Found* is removed, or shown to a person; *sure* is what the score alone would remove "
        "with no person; "
        "*false regions* are counted for each completely labelled picture. "
        "Bounds hold with 95 % confidence, and rounding never flatters."
    )


def _left_out(run: Evaluation) -> None:
    """Everything that is in no figure above, and what had to be guessed."""
    unread = run.report.unread if run.report else 0
    if not unread and not run.problems:
        return
    parts = []
    if unread:
        parts.append(f"{counted(unread, 'picture')} could not be measured")
    if run.problems:
        parts.append(
            f"{counted(len(run.problems), 'part')} of the data set could not be used as written"
        )
    said = " and ".join(parts)
    with st.expander(
        f"{said}: left out above, or guessed", icon=":material/warning:", key="recall_left"
    ):
        sentences = [
            *(f"{one.name}: {why}" for one, why in evaluations.unread(database(), run.id)),
            *(f"{one.name}: {why}" for one, why in evaluated(run.id).scored.invalid),
            *run.problems,
        ]
        st.markdown("\n".join(f"- {plain(one)}" for one in sentences[:_MOST_LISTED]))
        st.download_button(
            "All of them",
            "\n".join(sentences) + "\n",
            "left-out.txt",
            key="recall_left_out",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )


_MOST_LISTED = 20


def views(run: Evaluation, known: tuple[Evaluation, ...]) -> None:
    """The chosen view; no other is computed."""
    chosen = st.segmented_control(
        "View", list(_VIEWS), default="Misses", key="recall_view", label_visibility="collapsed",
        required=True,
    )  # fmt: skip
    _VIEWS[chosen or "Misses"](run, known)


def _misses(run: Evaluation, known: tuple[Evaluation, ...]) -> None:
    misses.view(evaluated(run.id))


def _thresholds(run: Evaluation, known: tuple[Evaluation, ...]) -> None:
    thresholds.view(evaluated(run.id))


def _groups(run: Evaluation, known: tuple[Evaluation, ...]) -> None:
    if run.report is not None:
        draw(recall_lines(run.report, run.target), "recall_lines")
        groups_view(run.report, evaluated(run.id).scored)


def _calibration(run: Evaluation, known: tuple[Evaluation, ...]) -> None:
    calibration_view(evaluated(run.id).scored)


def _trend(run: Evaluation, known: tuple[Evaluation, ...]) -> None:
    trend_view(tuple(one for one in known if one.report is not None))


def _compare(run: Evaluation, known: tuple[Evaluation, ...]) -> None:
    others = {one.id: one for one in known if one.report is not None and one.id != run.id}
    if not others:
        st.caption("There is no other finished evaluation to compare with yet.")
        return
    same = [one for one in others.values() if one.fingerprint == run.fingerprint]
    first = list(others).index(same[0].id) if same else 0
    chosen = st.selectbox(
        "Compare with",
        others,
        index=first,
        format_func=lambda one: _name(others[one]),
        key=f"recall_other_{run.id}",
    )
    if chosen:
        _compared(evaluated(chosen), evaluated(run.id))


def _compared(one: Evaluated, other: Evaluated) -> None:
    earlier, later = sorted((one, other), key=lambda each: each.evaluation.number)
    compare_view(earlier, later, misses.crop_of(later))


def _samples(run: Evaluation, known: tuple[Evaluation, ...]) -> None:
    audit_sample.view(run.report.target if run.report else TARGET)


_View = Callable[[Evaluation, tuple[Evaluation, ...]], None]
_VIEWS: dict[str, _View] = {
    "Misses": _misses,
    "Thresholds": _thresholds,
    "Groups": _groups,
    "Calibration": _calibration,
    "Trend": _trend,
    "Compare": _compare,
    "Sample checks": _samples,
}
