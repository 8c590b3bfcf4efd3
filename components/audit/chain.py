"""The state of the chain: how long, signed how far, verified when, and verifying it now."""

from __future__ import annotations

import streamlit as st

from components.app import permission, session
from components.app.access import AUDITORS
from components.app.failures import shown
from components.app.palette import ago, plain
from components.app.services import database, now
from components.app.session import actor
from engine.wording import counted
from store.audit.state import Check, state, verify_now
from store.audit.verify import Verification

_FOUND = "audit_found"
_MOST_LISTED = 20


def show() -> None:
    """Numbers of the chain, what the last verification said, and a button for another."""
    have = state(actor(), database())
    events, sealed, verified = st.columns(3)
    events.metric("Events", f"{have.head.number:,}", border=True)
    sealed.metric(
        "Signed up to",
        f"{have.sealed.number:,}" if have.sealed else "none",
        border=True,
        help="The end of the chain is signed every hundred events and when Lethe stops.",
    )
    verified.metric(
        "Last verified", ago(have.checked.at, now()) if have.checked else "never", border=True,
        help=f"{have.checked.at:%d %b %Y, %H:%M:%S} UTC" if have.checked else None,
    )  # fmt: skip
    found: Verification | None = session.kept(_FOUND, lambda: None)
    with shown():
        if found is None:
            _earlier(have.checked)
        else:
            _result(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Verify the chain",
            key="audit_verify",
            icon=":material/fact_check:",
            on_click=_verify,
            help="Reads every event: a while where there are many. It is an event itself.",
        )
        st.caption(f"Last hash `{have.head.hash}`")


@permission.callback(*AUDITORS)
def _verify() -> None:
    with shown():
        session.keep(_FOUND, verify_now(actor(), database()))


def _earlier(check: Check | None) -> None:
    if check is None:
        st.info("Nobody has verified the chain yet.", icon=":material/pending_actions:")
    elif check.problems:
        st.error(
            f"**The trail was not whole** when it was last verified: "
            f"{counted(check.problems, 'problem')}. Verify it to see which.",
            icon=":material/gpp_bad:",
        )
    else:
        st.success(
            f"The trail was whole when it was last verified: {counted(check.events, 'event')}, "
            "all as recorded.",
            icon=":material/verified_user:",
        )


def _result(found: Verification) -> None:
    if not found.problems:
        unsealed = counted(found.unsealed, "event")
        st.success(
            f"The trail is whole: {counted(found.events, 'event')}, all as recorded, none missing "
            f"and none out of place. Not signed yet: {unsealed}.",
            icon=":material/verified_user:",
        )
        return
    first, *others = found.problems
    st.error(
        f"**The trail is not whole.** {plain(first)} What it says from there on cannot be relied "
        "on; keep a copy of the whole folder as it is, and ask whoever runs this machine.",
        icon=":material/gpp_bad:",
    )
    if others:
        with st.expander(f"{counted(len(others), 'further problem')}", key="audit_problems"):
            st.markdown("\n".join(f"- {plain(one)}" for one in others[:_MOST_LISTED]))
            if len(others) > _MOST_LISTED:
                st.caption(
                    f"And {len(others) - _MOST_LISTED} more; `lethe audit verify` names all."
                )
