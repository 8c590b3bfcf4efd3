"""The newest batches, what became of their pictures, and what is staged for the next."""

from __future__ import annotations

import streamlit as st

from components.app import permission, session
from components.app.access import Role, may
from components.app.frame import page_link
from components.app.outcome_badges import outcome_badges
from components.app.palette import ago, plain
from components.app.services import database, now
from components.app.session import actor
from components.upload.own_staging import own_staging
from engine.wording import counted
from store.accounts.role import PEOPLE
from store.batches import progress
from store.batches.pictures import PictureState
from store.batches.progress import Progress

SHOWN = 10
"""Newest batches listed; the others can be chosen on Release."""


def staged() -> None:
    """How many files this person brought in and has not started."""
    if not may(session.user(), Role.ANALYST):
        return
    count = len(own_staging().files())
    if count:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"{counted(count, 'file')} staged, not started.")
            page_link("pages/1_Upload.py", label="Go on", icon=":material/upload:")


@st.fragment(run_every=5.0)
@permission.fragment(*PEOPLE)
def batch_list() -> None:
    """A line for each of the newest batches, with its counts and the way to its pictures."""
    known = progress.overview(actor(), database(), now(), limit=SHOWN)
    if not known:
        return
    st.subheader("Batches", anchor=False)
    for current in known:
        _line(current)
    if len(known) == SHOWN:
        st.caption(f"The {SHOWN} newest; *Release* lists the others.")


def see_why(held_back: int) -> None:
    """A link to the pictures held back, in the newest batch that has some."""
    holding = progress.batches_with(actor(), database(), PictureState.QUARANTINED)
    query = {"batch": holding[0], "show": PictureState.QUARANTINED.value} if holding else None
    is_one_of_many = len(holding) > 1
    page_link(
        "pages/3_Release.py",
        label="See why, newest batch" if is_one_of_many else "See why",
        help=f"The newest of {len(holding)} batches." if is_one_of_many else None,
        icon=":material/dangerous:",
        disabled=not held_back,
        query_params=query,
    )


def _line(current: Progress) -> None:
    batch = current.batch
    with st.container(horizontal=True, vertical_alignment="center"):
        page_link(
            "pages/3_Release.py",
            label=plain(batch.name),
            icon=":material/folder:",
            query_params={"batch": batch.id},
        )
        st.caption(f"{ago(batch.created_at, now())} · {counted(current.counts.total, 'picture')}")
        outcome_badges(current.counts)
