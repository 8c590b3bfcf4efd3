"""What every page starts with: its guard, its menu and its title."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from components.app import permission, session, sign_in
from components.app.access import (
    AUDITORS,
    RELEASERS,
    Role,
    has_accounts,
    is_guarded,
    is_loopback,
    may,
)
from components.app.failures import fatal
from store.accounts.role import PEOPLE

REFUSAL_SHOWN_S, LEFT_OPEN_S = 2.0, 15.0
"""Seconds: before a program that was refused ends, and between looks at a page left open."""
ICON = str(Path(__file__).with_name("lethe.png"))

_MENU: tuple[tuple[str, str, str, Role | tuple[Role, ...] | None], ...] = (
    ("Home.py", "Home", ":material/home:", None),
    ("pages/1_Upload.py", "Upload", ":material/upload:", Role.ANALYST),
    ("pages/2_Review.py", "Review", ":material/visibility:", Role.REVIEWER),
    ("pages/3_Release.py", "Release", ":material/ios_share:", RELEASERS),
    ("pages/4_Recall.py", "Recall", ":material/query_stats:", Role.MANAGER),
    ("pages/5_Irreversibility.py", "Irreversibility", ":material/history_toggle_off:", None),
    ("pages/6_Audit.py", "Audit", ":material/policy:", AUDITORS),
)

_LOOK = """<style>
.stMainBlockContainer {padding: 4.25rem 2rem 2rem 2rem !important; max-width: 1360px;}
[data-testid="stMetricValue"] {font-variant-numeric: tabular-nums;}
h1 {padding-top: 0 !important;}
[data-testid="stCaptionContainer"] {color: inherit !important; opacity: 0.76;}
.stMain:focus, .stMain:focus-visible {outline: none !important; box-shadow: none !important;}
</style>"""
"""Streamlit has no setting for side padding, adds room above when the menu is closed, and writes
captions with a contrast of 4.2 on our ground, where 4.5 is the least (WCAG 2.2)."""


def open_page(
    title: str,
    sentence: str = "",
    *,
    needs: Role | tuple[Role, ...] | None = None,
    sidebar: Literal["auto", "collapsed"] = "auto",
) -> None:
    """Guard the page, then draw menu, title and one sentence. The first statement of every page.

    Args:
        title: the page's name.
        sentence: what the page is for.
        needs: the role it takes to be here, or several of which one will do; None for everyone.
        sidebar: how the menu starts out; the review page needs its room.
    """
    with fatal():
        person = session.user()
    is_known = bool(person.roles)
    st.set_page_config(
        page_title=f"{title} · Lethe",
        page_icon=ICON if is_known else None,  # nobody else is answered but by this page
        layout="wide",
        initial_sidebar_state=sidebar,
    )
    _refuse_unguarded()
    if not is_known:
        permission.record_refusal(*_roles(needs))
        sign_in.ask(person)
        st.stop()
    if has_accounts():
        sign_in.record(person)
    if not _may_open(needs):
        permission.record_refusal(*_roles(needs))
        wanted = " or ".join(_roles(needs))
        st.error(f"This page is for people with the role {wanted}.", icon=":material/lock:")
        st.stop()
    st.html(_LOOK)
    if has_accounts():
        _close_in_time(_roles(needs))
    _menu()
    if sentence:
        st.title(title, anchor=False)
        st.caption(sentence)


def _close_in_time(roles: tuple[Role, ...]) -> None:
    """Draw the page anew, which then says so, soon after whoever left it open may not see it."""

    @st.fragment(run_every=LEFT_OPEN_S)
    @permission.fragment(*(roles or tuple(PEOPLE)))
    def watch() -> None:
        """Draw nothing."""

    watch()


def page_link(page: str, *, label: str, icon: str, **more: Any) -> None:  # noqa: ANN401
    """A link to a page of the menu, drawn for those who may open it; `more` as Streamlit has it."""
    (needs,) = [needs for path, _, _, needs in _MENU if path == page]
    if _may_open(needs):
        st.page_link(page, label=label, icon=icon, **more)


def _may_open(needs: Role | tuple[Role, ...] | None) -> bool:
    return needs is None or any(may(session.user(), role) for role in _roles(needs))


def _roles(needs: Role | tuple[Role, ...] | None) -> tuple[Role, ...]:
    return (needs,) if isinstance(needs, Role) else needs or ()


def _refuse_unguarded() -> None:
    """End a program that others can reach: on another address, or without the start-up token."""
    address = st.get_option("server.address")
    if is_guarded() and is_loopback(address):
        return
    where = "" if is_loopback(address) else f" on {address or 'every address'}"
    st.error(
        f"Lethe works on this machine only, behind its guard, and others reach it through a proxy. "
        f"It was started{where or ' without its guard'} and ends now: start it with `make app`.",
        icon=":material/lock:",
    )
    end_soon()
    st.stop()


def end_soon() -> None:
    """End the program once the last sentence has reached the page."""
    threading.Timer(REFUSAL_SHOWN_S, os.kill, (os.getpid(), signal.SIGTERM)).start()


def _menu() -> None:
    st.logo(ICON, size="large")
    with st.sidebar:
        for page, label, icon, needs in _MENU:
            if _may_open(needs):
                st.page_link(page, label=label, icon=icon)
        if has_accounts():
            sign_in.offer_leaving(session.user())
