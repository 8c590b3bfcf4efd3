"""The page's parts: who reviews, the canvas with everything beside it, and an empty queue."""

from __future__ import annotations

import streamlit as st

from components.app import permission, session
from components.app.access import Role
from components.app.frame import page_link
from components.app.palette import plain
from components.app.services import now
from components.review import claim, reviewer
from components.review.canvas import component
from components.review.data import data, last_decision, waiting_for_others
from components.review.desk import desk, undisturbed
from components.review.receive import receive
from components.review.review import Review
from engine.errors import LetheError

_LOOK = """<style>
.stMainBlockContainer {padding: 4rem 1.25rem 0 1.25rem !important; max-width: none;}
.stMain {overflow: hidden;}
</style>"""
"""The canvas takes the height that is left, so the page itself never scrolls."""
_for_reviewers = permission.callback(Role.REVIEWER)


def ask_name() -> None:
    """Who reviews: asked once of each browser."""
    st.title("Review", anchor=False)
    st.caption("Your name stands beside what you decide, and keeps two people off one picture.")
    with st.form("review_who", width=420, border=False):
        st.text_input(
            "Your name",
            key="review_name",
            max_chars=reviewer.LONGEST,
        )
        st.form_submit_button("Begin", key="review_begin", type="primary", on_click=_introduce)
    refusal = session.kept("review_refusal", str)
    if refusal:
        st.error(plain(refusal), icon=":material/error:")
        session.forget("review_refusal")


def table(review: Review) -> None:
    """The picture, its boxes, what is decided, and the queue behind it."""
    st.html(_LOOK)
    component.mount(data(review), receive)


def nothing_waits() -> None:
    """The queue is empty."""
    st.title("Review", anchor=False)
    said = desk().said
    if said[1]:
        st.toast(plain(said[1]), icon=":material/info:")
        with undisturbed() as own:
            if own.said == said:  # a newer run may have said something else
                own.say("")
    others = waiting_for_others()
    if others:
        st.success("Nothing else waits for you.", icon=":material/check_circle:")
        st.info(others, icon=":material/group:")
    else:
        st.success("Nothing waits for review.", icon=":material/check_circle:")
    last = last_decision(now())
    if last is not None and st.button(
        "Undo last decision", key="review_undo", shortcut="U", icon=":material/undo:"
    ):
        _ask_to_reopen(last)
    page_link("pages/3_Release.py", label="See what was released", icon=":material/ios_share:")


@st.dialog("Take back the last decision?")
def _ask_to_reopen(last: dict[str, str]) -> None:
    st.markdown(f"**{plain(last['name'])}**")
    st.markdown(plain(last["text"]))
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Leave it", key="review_leave_it"):
            st.rerun()
        if st.button(
            "Take it back",
            key="review_take_it_back",
            type="primary",
            on_click=_reopen,
            args=(last["picture"],),
        ):
            st.rerun()


@_for_reviewers
def _introduce() -> None:
    try:
        reviewer.introduce(str(session.widget_value("review_name") or ""))
    except LetheError as error:
        session.keep("review_refusal", str(error))


@_for_reviewers
def _reopen(picture_id: str) -> None:
    with undisturbed() as own:
        try:
            claim.reopen(picture_id)
        except LetheError as error:
            own.say(str(error))
