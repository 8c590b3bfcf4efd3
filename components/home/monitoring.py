"""How the line runs, for managers: the figures that monitoring programs read, in words."""

from __future__ import annotations

import streamlit as st

from components.app import permission, session
from components.app.access import Role, may
from components.app.palette import span
from components.app.services import database, now
from components.app.session import actor
from store.batches.pictures import PictureState
from store.monitoring.figures import LATELY, Figures, Held, figures

_HELD = {
    Held.UNREADABLE: "could not be read",
    Held.CHECK: "failed a check",
    Held.DEFECT: "made Lethe fail",
    Held.OTHER: "for another reason",
    Held.REJECTED: "rejected by a person",
    Held.REFUSED: "refused on arrival",
}


def monitoring() -> None:
    """A line of numbers, and why pictures are held back; for managers alone."""
    if may(session.user(), Role.MANAGER):
        _live()


@st.fragment(run_every=10.0)
@permission.fragment(Role.MANAGER)
def _live() -> None:
    known = figures(actor(), database(), now())
    with st.container(border=True, key="home_monitoring"):
        with st.container(horizontal=True, gap="medium"):
            for label, (value, words) in _numbers(known).items():
                st.metric(label, value, help=words, width="content")
        if sentence := held_back(known):
            st.caption(sentence)


def _numbers(known: Figures) -> dict[str, tuple[str, str]]:
    """Values by their labels, each with what it counts."""
    sample = known.sample
    hours = int(LATELY.total_seconds() // 3600)
    numbers = {
        "In work": (f"{known.pictures[PictureState.WORKING]}", "Pictures the machine is at now."),
        "Longest in review": (
            _waited(known, PictureState.REVIEW),
            "How long the picture waits for a person that does so longest.",
        ),
        "Longest in line": (
            _waited(known, PictureState.WAITING),
            "How long the picture waits for the machine that does so longest.",
        ),
        "Redaction failures": (
            f"{known.redaction_failures}",
            "Pictures held back since removal or a check of it failed.",
        ),
        f"Refused in {hours} h": (
            f"{known.refused_lately}",
            "Accesses that were refused to somebody; the audit trail names them.",
        ),
        "Missed in samples": (
            f"{sample.missed + sample.rejected} of {sample.checked + sample.rejected}",
            "Pictures of the random sample in which a person found something, or that they "
            "rejected, of all that were decided.",
        ),
    }
    if known.overdue is not None:
        numbers["Overdue"] = (f"{known.overdue}", "What is held past its period.")
    return numbers


def held_back(known: Figures) -> str:
    """How many pictures are held back why; empty where none is."""
    parts = [f"{known.held_back[held]} {words}" for held, words in _HELD.items()
             if known.held_back[held]]  # fmt: skip
    return f"Held back: {', '.join(parts)}." if parts else ""


def _waited(known: Figures, state: PictureState) -> str:
    since = known.oldest.get(state)
    return "–" if since is None else span(max((known.at - since).total_seconds(), 0.0))
