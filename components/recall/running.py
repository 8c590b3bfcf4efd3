"""An evaluation under way, live: bar, rate, time left, cancel."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from components.app import permission, session
from components.app.access import Role
from components.app.failures import shown
from components.app.palette import ago, plain, span
from components.app.services import database, now
from components.app.session import actor
from store.evaluations import evaluations
from store.evaluations.evaluations import Evaluation

_PACE_WINDOW = timedelta(seconds=60)
_PATIENT_LOOKS = 10
"""Looks, a second apart, after which it is no longer starting but waiting."""


def show_running(runs: tuple[Evaluation, ...]) -> None:
    """A live card for every evaluation that is not done."""
    if begun := session.kept("recall_begun", str):
        st.toast(
            f"{plain(begun)} has begun; see the top of the page.", icon=":material/play_arrow:"
        )
    session.forget("recall_begun")
    for run in runs:
        if run.is_open:
            _live_card(run.id)


@st.fragment(run_every=1.0)
@permission.fragment(Role.MANAGER)
def _live_card(evaluation_id: str) -> None:
    run = evaluations.evaluation(actor(), database(), evaluation_id)
    if not run.is_open:
        session.forget(f"recall_pace_{evaluation_id}")
        session.keep("recall_next", evaluation_id)
        st.rerun()
    counts = evaluations.counts(actor(), database(), evaluation_id)
    done = counts.total - counts.remaining
    with st.container(border=True):
        head, stop = st.columns([0.86, 0.14], vertical_alignment="center")
        head.markdown(
            f"**Evaluation {run.number} · {plain(run.name)}** · begun {ago(run.created_at, now())}"
        )
        stop.button(
            "Cancel",
            key=f"recall_cancel_{evaluation_id}",
            icon=":material/stop_circle:",
            width="stretch",
            help="There will be no report; begin it again whenever you like.",
            on_click=_cancel,
            args=(evaluation_id,),
        )
        st.progress(done / max(counts.total, 1), text=_pace(evaluation_id, done, counts.remaining))


def _pace(evaluation_id: str, done: int, remaining: int) -> str:
    text = f"{done} of {done + remaining} pictures looked at"
    if not remaining:
        return f"{text} · counting"
    moment = now()
    samples: list[tuple[datetime, int]] = session.kept(f"recall_pace_{evaluation_id}", list)
    samples.append((moment, done))
    while samples[0][0] < moment - _PACE_WINDOW:
        samples.pop(0)
    begun, at_first = samples[0]
    if done == at_first:
        state = "batches come first" if len(samples) > _PATIENT_LOOKS else "starting"
        return f"{text} · {state}"
    per_second = (done - at_first) / max((moment - begun).total_seconds(), 1.0)
    return f"{text} · {per_second * 60:.0f} a minute · about {span(remaining / per_second)} left"


@permission.callback(Role.MANAGER)
def _cancel(evaluation_id: str) -> None:
    with shown():
        evaluations.cancel(actor(), database(), evaluation_id, now())
