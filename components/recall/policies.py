"""Recall page: policy versions, their differences, evaluation and activation."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from components.app import session
from components.app.failures import shown
from components.app.palette import cells, plain
from components.app.services import database, now, policy
from components.app.session import actor
from components.recall import evaluating
from components.recall.author import author
from components.recall.words import answer
from engine.errors import InvalidPolicy
from engine.files.safe_read import printable
from engine.policy import Policy, default_policy, differences, read_policy
from store.evaluations import evaluations
from store.evaluations.evaluations import Evaluation
from store.policies import versions as policies
from store.policies.versions import PolicyVersion


def select(number: int) -> None:
    """Select a version for the next run of the page."""
    session.keep("recall_version_next", number)


def panel(run: Evaluation) -> None:
    """Table of policy versions and their activations; the chosen one with its differences."""
    st.subheader("Policy versions", anchor=False)
    current: PolicyVersion | None = None
    with shown():
        current = policies.noticed(actor(), database(), now())
    if current is not None and current.activated_by == policies.UNKNOWN:
        st.info(
            f"The policy was changed outside Lethe: what is in force now is kept as version "
            f"{current.number}.",
            icon=":material/edit_document:",
        )
    versions = policies.versions(actor(), database())
    if not versions:
        st.caption("The built-in policy is in force; there is no draft yet.")
        return
    in_force = None if current is None else current.number
    st.dataframe(
        pd.DataFrame(cells(_row(version, in_force) for version in versions)),
        hide_index=True,
        height=min(38 + 35 * len(versions), 210),
        key="recall_versions",
        alt="Versions of the policy, who made and who activated them",
    )
    _history()
    version = _choose(versions)
    if version is not None:
        _show(version, run, is_in_force=version.number == in_force)


def _history() -> None:
    """List of all activations; the table knows only each version's last."""
    activations = policies.activations(actor(), database())
    if not activations:
        return
    with st.expander("When each came into force", key="recall_activations"):
        st.markdown(
            "\n".join(
                f"- {activation.activated_at:%d %b %Y %H:%M} UTC: version {activation.version}, "
                f"by {plain(activation.activated_by)}"
                for activation in activations
            )
        )


def _row(version: PolicyVersion, in_force: int | None) -> dict[str, str]:
    activated = ""
    if version.activated_at is not None:
        activated = f"{version.activated_by}, {version.activated_at:%d %b %Y %H:%M} UTC"
    state = "in force" if version.number == in_force else "draft" if not activated else "earlier"
    return {
        "Version": f"{version.number}",
        "State": state,
        "Why": version.note,
        "Made": f"{version.made_by}, {version.made_at:%d %b %Y %H:%M} UTC",
        "Activated": activated,
        "Fingerprint": version.policy,
    }


def _choose(versions: tuple[PolicyVersion, ...]) -> PolicyVersion | None:
    by_number = {version.number: version for version in versions}
    wanted = session.kept("recall_version_next", int)
    if wanted in by_number:
        session.keep("recall_version", wanted)
    session.forget("recall_version_next")
    chosen = st.selectbox(
        "Version",
        by_number,
        format_func=lambda number: _title(by_number[number]),
        key="recall_version",
    )
    return by_number[chosen] if chosen else None


def _title(version: PolicyVersion) -> str:
    """The same at any time, for the browser knows a choice by its text."""
    note = f" · {version.note}" if version.note else ""
    title = printable(f"{version.number}{note} · {version.made_by}")
    return f"{title}, {version.made_at:%d %b %Y, %H:%M} UTC"


def _show(version: PolicyVersion, run: Evaluation, *, is_in_force: bool) -> None:
    if is_in_force:
        st.caption("This version is in force: new batches run under it.")
        return
    with shown():
        proposed = read_policy(version.toml)
        try:
            current, is_broken = policy(actor()), False
        except InvalidPolicy:
            st.caption("The policy file is broken; activating a version repairs it.")
            current, is_broken = default_policy(), True
        _changes(current, proposed)
        with st.container(horizontal=True):
            _offer_evaluation(version, run)
            _offer_activation(version, current, proposed, is_broken=is_broken)


def _changes(current: Policy, proposed: Policy) -> None:
    """Table of differences from the policy in force."""
    changes = differences(current, proposed)
    if not changes:
        st.caption("It says the same as the policy in force.")
        return
    rows = [
        {
            "Changes": change.key,
            "In force": _text(change.before),
            "This version": _text(change.after),
        }
        for change in changes
    ]
    st.table(
        pd.DataFrame(rows),
        border="horizontal",
        hide_index=True,
        alt="Differences from the policy in force",
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(f"{value:g}" if isinstance(value, float) else str(value))


def _offer_evaluation(version: PolicyVersion, run: Evaluation) -> None:
    pressed = st.button(
        "Evaluate this draft",
        icon=":material/query_stats:",
        key=f"recall_evaluate_{version.number}",
        help=f"On the pictures and labels of evaluation {run.number}.",
    )
    if pressed:
        with shown():
            name = f"{run.name}, policy version {version.number}"
            evaluating.again(run, name, version.toml)
            session.keep("recall_begun", name)
            st.rerun()


def _offer_activation(
    version: PolicyVersion, current: Policy, proposed: Policy, *, is_broken: bool
) -> None:
    with st.popover("Activate", icon=":material/published_with_changes:"):
        st.markdown(
            f"**New batches will run under version {version.number}.** Batches that were made "
            "before keep their policy."
        )
        _changes(current, proposed)
        st.markdown(_proof(version))
        by = author(f"recall_activate_by_{version.number}")
        pressed = st.button(
            f"Activate version {version.number}",
            type="primary",
            key=f"recall_activate_{version.number}",
            disabled=not by.strip() or not (differences(current, proposed) or is_broken),
        )
    if pressed:
        policies.activate(actor(), database(), version.number, by.strip(), now())
        st.rerun()


def _proof(version: PolicyVersion) -> str:
    """Conclusion of the newest evaluation under this version, or that there is none."""
    for run in evaluations.listed(actor(), database()):
        if run.policy == version.policy and run.report is not None:
            conclusion, _ = answer(run.report, read_policy(version.toml).not_looked_for)
            return f"Evaluation {run.number} under it: {conclusion}"
    return "**It was never evaluated.** Evaluate it before you trust it."
