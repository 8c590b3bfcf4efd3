"""Recall page: recall and review load under other thresholds, and policy drafts from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import pandas as pd
import streamlit as st

from components.app import permission, session
from components.app.access import Role
from components.app.failures import shown as failures_shown
from components.app.services import database, now
from components.app.session import actor
from components.recall import policies
from components.recall.author import author
from components.recall.charts.recall import draw, trade_off
from components.recall.evaluated import Evaluated, evaluated
from components.recall.words import at_least, at_most
from engine.category import DETECTABLE, Category
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.report.figures import Curve
from engine.evaluation.report.numbers import rate_at_most
from engine.evaluation.scores.counts import CategoryCounts, count
from engine.evaluation.scores.prediction_record import FLOOR
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import score_all
from engine.evaluation.scores.tradeoff import Point, curve
from engine.policy import Policy
from store.policies import versions

Thresholds: TypeAlias = tuple[float, float]
"""`review_at` and `auto_redact_at`."""
_STEP = 0.01


def view(run: Evaluated) -> None:
    """Threshold sliders, the trade-off chart, figures before and after, and policy drafts."""
    left, right = st.columns([0.42, 0.58], gap="medium")
    with left:
        category = _choose_category(run)
        _sliders(run, category)
        draft = _draft_policy(run)
        _numbers(run, draft, category)
    with right:
        _chart(run, draft, category)
        st.caption(
            "Computed from what was seen under this evaluation's policy, down to a score of "
            f"{FLOOR:g}. Evaluate a draft before you trust it, on pictures that did not choose it."
        )
    _save(run, draft)
    policies.panel(run.evaluation)


def _choose_category(run: Evaluated) -> Category:
    labelled = [
        category
        for category in DETECTABLE
        if any(score.labels_of(category) for score in run.scored.scores)
    ]
    chosen = st.segmented_control(
        "Category",
        DETECTABLE,
        default=labelled[0] if labelled else DETECTABLE[0],
        format_func=str.capitalize,
        key="recall_thresholds_category",
        required=True,
    )
    return chosen or DETECTABLE[0]


def _sliders(run: Evaluated, category: Category) -> None:
    evaluation_id = run.evaluation.id
    if category in run.policy.not_looked_for:
        st.caption(f"Nobody looked for {category.value} under this policy; no threshold finds any.")
    review_at, auto_redact_at = _thresholds(run)[category]
    lowest = min(FLOOR, run.policy.thresholds(category).review_at)
    keys = _keys(evaluation_id, category)
    session.kept(keys[0], lambda: review_at)
    session.kept(keys[1], lambda: auto_redact_at)
    st.slider(
        "Ask a person from this score on",
        lowest,
        1.0,
        step=_STEP,
        key=keys[0],
        on_change=_move,
        args=(evaluation_id, category, 0),
        help="`review_at` in the policy. It pushes the other one along, and is pushed by it.",
    )
    st.slider(
        "Remove without asking from this score on",
        lowest,
        1.0,
        step=_STEP,
        key=keys[1],
        on_change=_move,
        args=(evaluation_id, category, 1),
        help="`auto_redact_at` in the policy; never below the score above.",
    )


def _keys(evaluation_id: str, category: Category) -> tuple[str, str]:
    return (
        f"recall_doubt_{evaluation_id}_{category.value}",
        f"recall_accept_{evaluation_id}_{category.value}",
    )


@permission.callback(Role.MANAGER)
def _move(evaluation_id: str, category: Category, index: int) -> None:
    """Store both thresholds; the one that was not moved makes way."""
    keys = _keys(evaluation_id, category)
    review_at, auto_redact_at = (float(session.widget_value(key)) for key in keys)
    if review_at > auto_redact_at:
        threshold = (review_at, auto_redact_at)[index]
        session.keep(keys[1 - index], threshold)
        review_at = auto_redact_at = threshold
    _thresholds(evaluated(evaluation_id))[category] = (review_at, auto_redact_at)


def _thresholds(run: Evaluated) -> dict[Category, Thresholds]:
    """Thresholds of the session by category; at first those of the evaluation's policy."""

    def initial() -> dict[Category, Thresholds]:
        parts = {category: run.policy.thresholds(category) for category in DETECTABLE}
        return {category: (part.review_at, part.auto_redact_at) for category, part in parts.items()}

    return session.kept(f"recall_thresholds_{run.evaluation.id}", initial)


def _draft_policy(run: Evaluated) -> Policy:
    draft = run.policy
    for category, (review_at, auto_redact_at) in _thresholds(run).items():
        draft = draft.with_thresholds(category, review_at=review_at, auto_redact_at=auto_redact_at)
    return draft


def _chart(run: Evaluated, draft: Policy, category: Category) -> None:
    thresholds = draft.thresholds(category)
    counts, _ = _counts(run.evaluation.id, category, draft.fingerprint, draft)
    now = Point(thresholds.review_at, counts.coverage, counts.review_with, counts.review_without)
    points = _curve(run.evaluation.id, category, thresholds.auto_redact_at)
    steps = Curve(points, now).steps
    chart = trade_off(steps, category, now.review_at, run.evaluation.target)
    draw(chart, f"recall_trade_off_{category.value}")


@st.cache_resource(max_entries=40, show_spinner=False)
def _curve(evaluation_id: str, category: Category, auto_redact_at: float) -> tuple[Point, ...]:
    run = evaluated(evaluation_id)
    review_at = min(run.policy.thresholds(category).review_at, auto_redact_at)
    policy = run.policy.with_thresholds(
        category, review_at=review_at, auto_redact_at=auto_redact_at
    )
    return curve(run.pairs, policy, category)


@st.cache_resource(max_entries=120, show_spinner="Counting …")
def _counts(
    evaluation_id: str, category: Category, fingerprint: str, _policy: Policy
) -> tuple[CategoryCounts, Proportion]:
    """Counts of a category under a policy, and the share of pictures that need review.

    The fingerprint is the policy's cache key. Pictures are scored for this category alone, which
    gives the same in less time: other labels still tell what a false region is.
    """
    run = evaluated(evaluation_id)
    if fingerprint == run.policy.fingerprint:
        counts = count(run.scored.scores)
    else:
        pairs = [(_only(picture, category), record) for picture, record in run.pairs]
        counts = count(score_all(pairs, _policy).scores)
    return counts.categories[category], counts.review_load


def _only(picture: LabelledPicture, category: Category) -> LabelledPicture:
    return replace(
        picture,
        labelled_for=picture.labelled_for & {category},
        partial_for=picture.partial_for & {category},
    )


def _numbers(run: Evaluated, draft: Policy, category: Category) -> None:
    columns = {
        head: _figures(*_counts(run.evaluation.id, category, policy.fingerprint, policy), category)
        for head, policy in (("Now", run.policy), ("Then", draft))
    }
    st.table(
        pd.DataFrame(columns).rename_axis("").reset_index(),
        border="horizontal",
        hide_index=True,
        alt=f"What the thresholds for {category.value} give now and would give then",
    )


def _figures(counts: CategoryCounts, review_load: Proportion, category: Category) -> dict[str, str]:
    false_rate = counts.false_positives / counts.complete if counts.complete else None
    with_, without = counts.review_with.share, counts.review_without.share
    return {
        "Found, removed or shown": at_least(counts.coverage.share),
        "At least": at_least(counts.coverage.lower()),
        "Removed without asking": at_least(counts.automatic.share),
        f"To review, of pictures with {category.value}": at_most(with_),
        f"To review, of pictures without {category.value}": at_most(without),
        "False regions a picture": rate_at_most(false_rate),
        "Pictures a person must look at": at_most(review_load.share),
    }


def _save(run: Evaluated, draft: Policy) -> None:
    if draft == run.policy:
        st.caption("Move a threshold to see what it would do, and to keep it as a draft.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        note = st.text_input("Why", key="recall_draft_note", placeholder="what it is to achieve")
        by = author("recall_draft_by")
        pressed = st.button(
            "Save as policy draft",
            type="primary",
            icon=":material/save:",
            key="recall_draft_save",
            disabled=not by.strip(),
            help="A draft changes nothing until somebody activates it.",
        )
        st.button(
            "Back to now",
            icon=":material/undo:",
            key="recall_draft_undo",
            on_click=_reset,
            args=(run.evaluation.id,),
        )
    if pressed:
        with failures_shown():
            version = versions.draft(
                actor(),
                database(),
                draft.to_toml(),
                note.strip(),
                by.strip(),
                now(),
                run.evaluation.id,
            )
            policies.select(version.number)
            st.rerun()


def _reset(evaluation_id: str) -> None:
    session.forget(f"recall_thresholds_{evaluation_id}")
    for category in DETECTABLE:
        for key in _keys(evaluation_id, category):
            session.forget(key)
