"""Other thresholds: what they would find, what they would cost, and a draft that says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import pandas as pd
import streamlit as st

from components.app import permission, session
from components.app.access import Role
from components.app.failures import shown as failures_shown
from components.app.services import database, now
from components.recall import policies
from components.recall.charts.recall import draw, trade_off
from components.recall.evaluated import Evaluated, evaluated
from components.recall.words import at_least, at_most
from engine.category import DETECTABLE, Category
from engine.evaluation.data.labels import LabelledPicture
from engine.evaluation.report.numbers import rate_at_most
from engine.evaluation.scores.counts import CategoryCounts, count
from engine.evaluation.scores.findings import FLOOR
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.recall import score_all
from engine.evaluation.scores.tradeoff import Point, curve
from engine.policy import Policy
from store.policies import versions

Thresholds: TypeAlias = tuple[float, float]
"""`review_at` and `auto_redact_at`."""
_STEP = 0.01


def view(shown: Evaluated) -> None:
    """Sliders, the trade-off, the exact numbers beside those of now, and drafts."""
    left, right = st.columns([0.42, 0.58], gap="medium")
    with left:
        category = _choose_category(shown)
        _sliders(shown, category)
        draft = _draft_policy(shown)
        _numbers(shown, draft, category)
    with right:
        _chart(shown, draft, category)
        st.caption(
            "Computed from what was seen under this evaluation's policy, down to a score of "
            f"{FLOOR:g}. Evaluate a draft before you trust it, on pictures that did not choose it."
        )
    _save(shown, draft)
    policies.panel(shown.evaluation)


def _choose_category(shown: Evaluated) -> Category:
    labelled = [
        one for one in DETECTABLE if any(each.labels_of(one) for each in shown.scored.scores)
    ]
    chosen = st.segmented_control(
        "Category",
        DETECTABLE,
        default=labelled[0] if labelled else DETECTABLE[0],
        format_func=lambda one: one.value.capitalize(),
        key="recall_thresholds_category",
        required=True,
    )
    return chosen or DETECTABLE[0]


def _sliders(shown: Evaluated, category: Category) -> None:
    evaluation_id = shown.evaluation.id
    if category in shown.policy.not_looked_for:
        st.caption(f"Nobody looked for {category.value} under this policy; no threshold finds any.")
    review_at, auto_redact_at = _chosen(shown)[category]
    lowest = min(FLOOR, shown.policy.thresholds(category).review_at)
    keys = _keys(evaluation_id, category)
    session.kept(keys[0], lambda: review_at)
    session.kept(keys[1], lambda: auto_redact_at)
    st.slider(
        "Ask a person from this score on",
        lowest,
        1.0,
        step=_STEP,
        key=keys[0],
        on_change=_moved,
        args=(evaluation_id, category, 0),
        help="`review_at` in the policy. It pushes the other one along, and is pushed by it.",
    )
    st.slider(
        "Remove without asking from this score on",
        lowest,
        1.0,
        step=_STEP,
        key=keys[1],
        on_change=_moved,
        args=(evaluation_id, category, 1),
        help="`auto_redact_at` in the policy; never below the score above.",
    )


def _keys(evaluation_id: str, category: Category) -> tuple[str, str]:
    return (
        f"recall_doubt_{evaluation_id}_{category.value}",
        f"recall_accept_{evaluation_id}_{category.value}",
    )


@permission.callback(Role.MANAGER)
def _moved(evaluation_id: str, category: Category, which: int) -> None:
    """Keep what was chosen; the threshold that was not moved makes way."""
    keys = _keys(evaluation_id, category)
    review_at, auto_redact_at = (float(session.widget_value(key)) for key in keys)
    if review_at > auto_redact_at:
        moved = (review_at, auto_redact_at)[which]
        session.keep(keys[1 - which], moved)
        review_at = auto_redact_at = moved
    _chosen(evaluated(evaluation_id))[category] = (review_at, auto_redact_at)


def _chosen(shown: Evaluated) -> dict[Category, Thresholds]:
    """Thresholds as they were left, by category; at first those of the evaluation's policy."""

    def start() -> dict[Category, Thresholds]:
        parts = {one: shown.policy.thresholds(one) for one in DETECTABLE}
        return {one: (part.review_at, part.auto_redact_at) for one, part in parts.items()}

    return session.kept(f"recall_thresholds_{shown.evaluation.id}", start)


def _draft_policy(shown: Evaluated) -> Policy:
    draft = shown.policy
    for category, (review_at, auto_redact_at) in _chosen(shown).items():
        draft = draft.with_thresholds(category, review_at=review_at, auto_redact_at=auto_redact_at)
    return draft


def _chart(shown: Evaluated, draft: Policy, category: Category) -> None:
    thresholds = draft.thresholds(category)
    own, _ = _counts(shown.evaluation.id, category, draft.fingerprint, draft)
    chosen = Point(thresholds.review_at, own.coverage, own.asked_with, own.asked_without)
    steps = _curve(shown.evaluation.id, category, thresholds.auto_redact_at)
    others = [one for one in steps if one.review_at != chosen.review_at]
    points = sorted([*others, chosen], key=lambda one: one.review_at)
    chart = trade_off(points, category, thresholds.review_at, shown.evaluation.target)
    draw(chart, f"recall_trade_off_{category.value}")


@st.cache_resource(max_entries=40, show_spinner=False)
def _curve(evaluation_id: str, category: Category, auto_redact_at: float) -> tuple[Point, ...]:
    shown = evaluated(evaluation_id)
    review_at = min(shown.policy.thresholds(category).review_at, auto_redact_at)
    policy = shown.policy.with_thresholds(
        category, review_at=review_at, auto_redact_at=auto_redact_at
    )
    return curve(shown.pairs, policy, category)


@st.cache_resource(max_entries=120, show_spinner="Counting …")
def _counts(
    evaluation_id: str, category: Category, fingerprint: str, _policy: Policy
) -> tuple[CategoryCounts, Proportion]:
    """What a policy gives for a category, and the pictures a person must look at, of all.

    The fingerprint stands for the policy. Pictures are scored for this category alone, which gives
    the same in less time: what else is labelled still tells what a false region is.
    """
    shown = evaluated(evaluation_id)
    if fingerprint == shown.policy.fingerprint:
        counts = count(shown.scored.scores)
    else:
        pairs = [(_only(picture, category), findings) for picture, findings in shown.pairs]
        counts = count(score_all(pairs, _policy).scores)
    return counts.categories[category], counts.asked


def _only(picture: LabelledPicture, category: Category) -> LabelledPicture:
    own = frozenset((category,))
    return replace(
        picture, labelled_for=picture.labelled_for & own, partial_for=picture.partial_for & own
    )


def _numbers(shown: Evaluated, draft: Policy, category: Category) -> None:
    evaluation_id = shown.evaluation.id
    own = _counts(evaluation_id, category, shown.policy.fingerprint, shown.policy)
    then = _counts(evaluation_id, category, draft.fingerprint, draft)
    rows = zip(_facts(*own, category), _facts(*then, category), strict=True)
    st.table(
        pd.DataFrame([{"": name, "Now": now_, "Then": then_} for (name, now_), (_, then_) in rows]),
        border="horizontal",
        hide_index=True,
        alt=f"What the thresholds for {category.value} give now and would give then",
    )


def _facts(own: CategoryCounts, asked: Proportion, category: Category) -> list[tuple[str, str]]:
    return [
        ("Found, removed or shown", at_least(own.coverage.share)),
        ("At least", at_least(own.coverage.lower())),
        ("Removed without asking", at_least(own.automatic.share)),
        (f"With a doubt, of pictures with {category.value}", at_most(own.asked_with.share)),
        (f"With a doubt, of pictures without {category.value}", at_most(own.asked_without.share)),
        ("False regions a picture", rate_at_most(_false_rate(own))),
        ("Pictures a person must look at", at_most(asked.share)),
    ]


def _false_rate(own: CategoryCounts) -> float | None:
    return own.false_positives / own.complete if own.complete else None


def _save(shown: Evaluated, draft: Policy) -> None:
    if draft == shown.policy:
        st.caption("Move a threshold to see what it would do, and to keep it as a draft.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        note = st.text_input("Why", key="recall_draft_note", placeholder="what it is to achieve")
        by = st.text_input("Your name", value=session.user().name, key="recall_draft_by", width=180)
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
            args=(shown.evaluation.id,),
        )
    if pressed:
        with failures_shown():
            made = versions.draft(
                database(), draft.to_toml(), note.strip(), by.strip(), now(), shown.evaluation.id
            )
            policies.select(made.number)
            st.rerun()


def _reset(evaluation_id: str) -> None:
    session.forget(f"recall_thresholds_{evaluation_id}")
    for category in DETECTABLE:
        for key in _keys(evaluation_id, category):
            session.forget(key)
