"""Signing in and out: what people see who are nobody here, not any more, or not yet."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from components.app import permission, session
from components.app.access import NOBODY, User
from components.app.identity import signed_out
from components.app.palette import plain
from components.app.services import database, now
from engine.errors import LetheError
from store.accounts import sessions
from store.accounts.role import PEOPLE


def record(person: User) -> None:
    """Put on record that somebody signed in, once in this browser's session."""
    if session.kept("recorded_session", str) != person.session:
        with suppress(LetheError):  # a page that needs the database says so
            sessions.begun(session.actor(), database())
            session.keep("recorded_session", person.session)


def ask(person: User) -> None:
    """In place of a page, for somebody without any role."""
    st.title("Lethe", anchor=False)
    if session.kept("leaving", bool):
        st.logout()  # of each run, since Streamlit drops what a run that was cut short asked for
        return
    if person == NOBODY:
        st.caption("Makes pictures safe to share. Sign in to go on.")
        _offer("Sign in")
    elif person.expires is not None and now() >= person.expires:
        st.warning(
            "Your session is over, and nothing was changed since. Sign in again to go on; what you "
            "drew is kept.",
            icon=":material/schedule:",
        )
        _offer("Sign in again")
    else:
        st.error(
            f"You are signed in as {plain(person.name)}, and nobody gave you a role here. Ask "
            "whoever runs this Lethe for one.",
            icon=":material/lock:",
        )
        _leave()


def offer_leaving(person: User) -> None:
    """Who is signed in, and the way out, below the menu."""
    st.caption(f"Signed in as {plain(person.label)}", help=plain(person.name))
    _leave()


def _offer(label: str) -> None:
    st.button(label, type="primary", icon=":material/login:", key="sign_in", on_click=st.login)


def _leave() -> None:
    st.button("Sign out", icon=":material/logout:", key="sign_out", on_click=_sign_out)


def _sign_out() -> None:
    """End the session in every tab, here and at the provider."""
    _record_end()
    signed_out.add(session.user(), now())
    session.keep("leaving", True)


@permission.callback(*PEOPLE)
def _record_end() -> None:
    """Put on record that somebody signs out; whoever has no role may leave, unrecorded."""
    with suppress(LetheError):
        sessions.ended(session.actor(), database())
