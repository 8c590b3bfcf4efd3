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
    Held.ENDED: "ended",
}
_HELP = (
    "*Longest*: how long the picture waits, for a person or for the machine, that does so longest. "
    "*Redaction failures*: pictures held back since removal, or a check of it, failed. *Refused*: "
    "accesses; the audit trail says whose. *Missed*: pictures of the random sample in which "
    "somebody found more, or that they rejected, of those decided."
)


def monitoring() -> None:
    """A line of numbers, and why pictures are held back; for managers alone."""
    if may(session.user(), Role.MANAGER):
        _live()


@st.fragment(run_every=10.0)
@permission.fragment(Role.MANAGER)
def _live() -> None:
    known = figures(actor(), database(), now())
    with st.container(border=True, key="home_monitoring", gap="small"):
        st.markdown("**Monitoring**", help=_HELP)
        with st.container(horizontal=True, gap="small"):
            for label, value in numbers(known).items():
                st.markdown(f":small[{label}]  \n**{value}**", width="content")
        if sentence := held_back(known):
            st.caption(sentence)


def numbers(known: Figures) -> dict[str, str]:
    """Values by their labels."""
    sample = known.sample
    return {
        "In work": f"{known.pictures[PictureState.WORKING]}",
        "Longest in review": _waited(known, PictureState.REVIEW),
        "Longest in line": _waited(known, PictureState.WAITING),
        "Redaction failures": f"{known.redaction_failures}",
        f"Refused in {LATELY.total_seconds() / 3600:.0f} h": f"{known.refused_lately}",
        "Missed in samples": f"{sample.worst.total - sample.worst.found} of {sample.worst.total}",
        "Overdue": f"{known.overdue}",
    }


def held_back(known: Figures) -> str:
    """How many pictures are held back why; empty where none is."""
    parts = [f"{known.held_back[held]} {words}" for held, words in _HELD.items()
             if known.held_back[held]]  # fmt: skip
    return f"Held back: {', '.join(parts)}." if parts else ""


def _waited(known: Figures, state: PictureState) -> str:
    since = known.oldest.get(state)
    return "–" if since is None else span(max((known.at - since).total_seconds(), 0.0))
