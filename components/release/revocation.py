"""Revocations on the page Release: what is revoked, the button that does it, the signed list."""

from __future__ import annotations

import streamlit as st

from components.app import permission, session
from components.app.access import Role, may
from components.app.failures import shown
from components.app.services import database, now
from components.app.session import actor
from engine.signing.schema import REVOCATIONS
from engine.wording import counted
from store.releases import revocations
from store.releases.receipts import StoredReceipt
from store.releases.revocations import REASONS, Reason

_REVOKERS = (Role.MANAGER, Role.ADMIN)


def told(count: int) -> None:
    """How many of a batch are left out of its download."""
    if count:
        verb = "is" if count == 1 else "are"
        st.caption(
            f":material/unpublished: {counted(count, 'release')} of this batch {verb} revoked: "
            "left out of the download, and on the list of revocations that goes along."
        )


def download_list() -> None:
    """The signed list, for everybody who has pictures; nothing where nothing was revoked."""
    listed = revocations.signed_list(actor(), database(), now())
    if listed is None:
        return
    st.download_button(
        "Download the list of revocations",
        listed,
        file_name=REVOCATIONS,
        mime="application/json",
        icon=":material/unpublished:",
        key="release_revocations",
        help="Signed. Publish it where whoever has your pictures finds it; it tells no reason.",
        on_click="ignore",
    )


def show(receipt: StoredReceipt) -> None:
    """That a release is revoked, or the way to revoke it, for whoever may."""
    if receipt.revoked_at is not None:
        st.error(
            f"Revoked on {receipt.revoked_at:%d %B %Y}: it is not handed out any more, and nobody "
            "should use it. Give the list of revocations to whoever has it.",
            icon=":material/unpublished:",
        )
        return
    if not any(may(session.user(), role) for role in _REVOKERS):
        return
    with st.popover("Revoke this release", icon=":material/unpublished:"):
        st.markdown(
            "**Nobody should use this picture any more.** It is left out of downloads and goes on "
            "the signed list of revocations, for good. The list tells no reason; the audit trail "
            "does."
        )
        reason = st.selectbox(
            "Reason",
            list(REASONS),
            index=None,
            format_func=REASONS.__getitem__,
            placeholder="Choose one",
            key=f"release_reason_{receipt.release_id}",
        )
        st.button(
            "Revoke for good",
            type="primary",
            icon=":material/unpublished:",
            key=f"release_revoke_{receipt.release_id}",
            disabled=reason is None,
            on_click=_revoke,
            args=(receipt.release_id, reason),
        )


@permission.callback(*_REVOKERS)
def _revoke(release_id: str, reason: Reason) -> None:
    with shown():
        revocations.revoke(actor(), database(), [release_id], reason, now())
