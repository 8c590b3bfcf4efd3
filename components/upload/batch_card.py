"""A batch under way, live: bar, rate, time left, counts that add up, and the newest results."""

from __future__ import annotations

import streamlit as st

from components.app import permission
from components.app.access import Role
from components.app.frame import page_link
from components.app.outcome_badges import outcome_badges
from components.app.palette import ago, plain, span
from components.app.services import database, now
from components.app.session import actor
from components.release.thumbnails import thumbnail
from engine.coverage import percent
from engine.wording import counted
from store.accounts.role import PEOPLE
from store.batches import batches, progress
from store.batches.pictures import PictureState
from store.batches.progress import Counts, Progress
from store.releases import receipts

STRIP = 6
"""Newest results shown."""


def live_card(batch_id: str) -> None:
    """The card, refreshed every second while the machine works, then still."""
    current = progress.progress(actor(), database(), batch_id, now())
    if current.counts.remaining:
        _refreshed(batch_id)
    else:
        _card(current)
        _done(current.counts)


@st.fragment(run_every=1.0)
@permission.fragment(*PEOPLE)
def _refreshed(batch_id: str) -> None:
    current = progress.progress(actor(), database(), batch_id, now())
    if not current.counts.remaining:
        st.rerun()
    _card(current)


def live_cards() -> None:
    """A card for every batch the machine is working on."""
    for current in progress.overview(actor(), database(), now()):
        batch = current.batch
        if current.counts.remaining and batch.started_at and not batch.cancelled_at:
            live_card(batch.id)


def _card(current: Progress) -> None:
    counts = current.counts
    with st.container(border=True):
        head, stop = st.columns([0.86, 0.14], vertical_alignment="center")
        head.markdown(f"**{plain(current.batch.name)}** · started {_started(current)}")
        if counts.waiting and not current.batch.cancelled_at:
            stop.button(
                "Cancel",
                key=f"upload_cancel_{current.batch.id}",
                icon=":material/stop_circle:",
                width="stretch",
                help="Pictures not begun stay out; what is done stays done.",
                on_click=_cancel,
                args=(current.batch.id,),
            )
        done = counts.total - counts.remaining
        st.progress(done / max(counts.total, 1), text=_pace(current, done))
        with st.container(horizontal=True):
            outcome_badges(counts, always=(PictureState.RELEASED, PictureState.REVIEW))
        _strip(current.batch.id)


def _pace(current: Progress, done: int) -> str:
    text = f"{done} of {current.counts.total} done"
    if current.counts.remaining == 0:
        return text
    if not current.pictures_per_second or current.seconds_left is None:
        return f"{text} · starting"
    per_minute = current.pictures_per_second * 60
    return f"{text} · {per_minute:.0f} a minute · about {span(current.seconds_left)} left"


def _strip(batch_id: str) -> None:
    newest = receipts.newest(actor(), database(), batch_id, limit=STRIP)
    if newest:
        columns = st.columns(STRIP)
        for column, receipt in zip(columns, newest, strict=False):
            release_thumbnail = thumbnail(str(receipt.path), receipt.sha256)
            if release_thumbnail is not None:
                column.image(release_thumbnail, width="stretch", alt="Released picture")
            if receipt.share_removed is not None:
                column.caption(f"{percent(receipt.share_removed)} removed")


def _done(counts: Counts) -> None:
    with st.container(horizontal=True):
        if counts.review:
            page_link(
                "pages/2_Review.py",
                label=f"Review {counted(counts.review, 'picture')}",
                icon=":material/visibility:",
            )
        if counts.released:
            page_link(
                "pages/3_Release.py", label="See what was released", icon=":material/ios_share:"
            )


def _started(current: Progress) -> str:
    return ago(current.batch.started_at, now()) if current.batch.started_at else "not yet"


@permission.callback(Role.ANALYST)
def _cancel(batch_id: str) -> None:
    batches.cancel(actor(), database(), batch_id, now())
