"""Recall page: choice of an evaluation, its headline, and its views."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from components.app import download_link, permission, session
from components.app.access import Role
from components.app.palette import ago, plain
from components.app.services import database, now
from components.app.session import actor
from components.recall import audit_sample, misses, thresholds
from components.recall.charts.recall import draw, recall_lines
from components.recall.compare import compare_view
from components.recall.costs import cost_view
from components.recall.evaluated import evaluated
from components.recall.figures import calibration_view, groups_view, trend_view
from components.recall.words import Line, answer, at_least, at_most, goal, lines
from engine.evaluation.report.cost import in_short
from engine.evaluation.report.numbers import rate_at_most
from engine.evaluation.report.remarks import remarks
from engine.evaluation.scores.recall import TARGET
from engine.evaluation.scores.summary import Summary
from engine.files.safe_read import printable
from engine.policy import read_policy
from engine.wording import counted
from store.audit import downloads
from store.evaluations import evaluations
from store.evaluations.evaluations import Evaluation
from store.policies import versions

_MOST_LISTED = 20
_HOW_TO_READ = (
    "*Found*: removed, or shown to a person. *Without asking*: removed for its score alone. *False "
    "regions*: of each completely labelled picture. *At least*: with 95 % confidence."
)
_ANSWERS = {"green": st.success, "orange": st.warning}


def runs() -> tuple[Evaluation, ...]:
    """Every evaluation, the newest first."""
    return evaluations.listed(actor(), database())


def nothing_yet() -> None:
    """Introduction to the page while there is no evaluation."""
    st.info(
        "Bring a labelled set: pictures in which every face, tattoo or piece of jewelry is boxed. "
        "Lethe looks at them as it does at any batch and says how much it finds, and how sure that "
        "is. Nothing is changed or released.",
        icon=":material/query_stats:",
    )


def without_labels() -> None:
    """Sample checks of daily work, while no labelled set was evaluated."""
    st.subheader("Sample checks", anchor=False)
    audit_sample.view(TARGET)


def choose_run(runs: tuple[Evaluation, ...]) -> Evaluation | None:
    """Select a finished evaluation to show; None while there is none."""
    finished = {run.id: run for run in runs if run.report is not None}
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
        format_func=lambda run_id: _name(finished[run_id]),
        key="recall_run",
        on_change=misses.first_page,
    )
    return finished[chosen] if chosen else None


def _name(run: Evaluation) -> str:
    """The same at any time, for the browser knows a choice by its text."""
    pictures = counted(run.report.pictures if run.report else 0, "picture")
    name = printable(run.name)
    return f"{run.number} · {name} · {pictures} · {run.created_at:%d %b %Y, %H:%M} UTC"


def headline(run: Evaluation, runs: tuple[Evaluation, ...]) -> None:
    """Conclusion of an evaluation, its recall by category, its costs and what it left out."""
    report = run.report
    if report is None:
        return
    left_out = read_policy(run.policy_toml).not_looked_for
    sentence, colour = answer(report, left_out, is_tuned=_is_tuned(run, runs))
    _ANSWERS[colour](
        sentence,
        icon=":material/verified:" if colour == "green" else ":material/pending_actions:",
    )
    st.table(
        pd.DataFrame(map(_row, lines(report, left_out))),
        border="horizontal",
        hide_index=True,
        alt="Recall, a line for each category",
    )
    st.caption(_HOW_TO_READ)
    with st.expander(in_short(report), key="recall_costs"):
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


def _is_tuned(run: Evaluation, runs: tuple[Evaluation, ...]) -> bool:
    """True when its policy was drafted from an evaluation of the same labels."""
    same = {other.id for other in runs if other.fingerprint == run.fingerprint}
    return any(
        version.policy == run.policy and version.evaluation_id in same
        for version in versions.versions(actor(), database())
    )


def _row(line: Line) -> dict[str, str]:
    labels = f"{line.coverage.total} in {counted(line.groups, 'group')}"
    return {
        "Category": line.category.value.capitalize(),
        "Target": goal(line.target),
        "Found": f"**{line.found}**",
        "At least": f"**{line.bound}**",
        "Status": line.badge,
        "Labels": labels if line.coverage.total else "none",
        "Without asking": at_least(line.automatic.share),
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
        f"and at {at_most(load.audit)} more as sample checks."
    )


def _left_out(run: Evaluation) -> None:
    """List of pictures and labels that no figure counts, or that had to be guessed."""
    unread = run.report.unread if run.report else 0
    parts = []
    if unread:
        parts.append(f"{counted(unread, 'picture')} could not be measured")
    if run.problems:
        parts.append(
            f"{counted(len(run.problems), 'part')} of the data set could not be used as written"
        )
    if not parts:
        return
    title = f"{' and '.join(parts)}: left out above, or guessed"
    with st.expander(title, icon=":material/warning:", key="recall_left"):
        pictures = (
            *evaluations.unread(actor(), database(), run.id),
            *evaluated(run.id).scored.invalid,
        )
        sentences = [*(f"{picture.name}: {reason}" for picture, reason in pictures), *run.problems]
        st.markdown("\n".join(f"- {plain(text)}" for text in sentences[:_MOST_LISTED]))
        download_link.button(
            "All of them",
            partial(_left_out_list, run.id, tuple(sentences)),
            name="left-out.txt",
            media_type="text/plain; charset=utf-8",
            key="recall_left_out",
            type="tertiary",
            icon=":material/download:",
            subject=run.id,
        )


@permission.download(Role.MANAGER)
def _left_out_list(evaluation_id: str, sentences: tuple[str, ...]) -> bytes:
    """Names of pictures with what is wrong with them."""
    downloads.of_evaluation(actor(), database(), evaluation_id, "left out")
    return ("\n".join(sentences) + "\n").encode()


def views(run: Evaluation, runs: tuple[Evaluation, ...]) -> None:
    """Draw the chosen view of an evaluation; no other is computed."""
    chosen = st.segmented_control(
        "View", list(_VIEWS), default="Misses", key="recall_view", label_visibility="collapsed",
        required=True,
    )  # fmt: skip
    _VIEWS[chosen or "Misses"](run, runs)


def _groups(run: Evaluation, _: tuple[Evaluation, ...]) -> None:
    if run.report is not None:
        draw(recall_lines(run.report, run.target), "recall_lines")
        groups_view(run.report, evaluated(run.id).scored)


def _compare(run: Evaluation, runs: tuple[Evaluation, ...]) -> None:
    others = {other.id: other for other in runs if other.report is not None and other.id != run.id}
    if not others:
        st.caption("There is no other finished evaluation to compare with yet.")
        return
    same = [other.id for other in others.values() if other.fingerprint == run.fingerprint]
    chosen = st.selectbox(
        "Compare with",
        others,
        index=list(others).index(same[0]) if same else 0,
        format_func=lambda run_id: _name(others[run_id]),
        key=f"recall_other_{run.id}",
    )
    if chosen:
        pair = evaluated(chosen), evaluated(run.id)
        earlier, later = sorted(pair, key=lambda evaluation: evaluation.evaluation.number)
        compare_view(earlier, later, misses.crop_of(later))


_VIEWS: dict[str, Callable[[Evaluation, tuple[Evaluation, ...]], None]] = {
    "Misses": lambda run, _: misses.view(evaluated(run.id)),
    "Thresholds": lambda run, _: thresholds.view(evaluated(run.id)),
    "Groups": _groups,
    "Calibration": lambda run, _: calibration_view(evaluated(run.id).scored),
    "Trend": lambda _, runs: trend_view(runs),
    "Compare": _compare,
    "Sample checks": lambda run, _: audit_sample.view(run.target),
}
