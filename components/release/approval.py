"""Four eyes on the page Release: who is waited for, and the yes of a second person."""

from __future__ import annotations

import streamlit as st

from components.app import permission
from components.app.access import RELEASERS
from components.app.failures import shown
from components.app.services import database, now
from components.app.session import actor
from engine.wording import counted
from store.batches.batches import Batch
from store.releases import approvals


def ask(batch: Batch) -> bool:
    """Say who is waited for, if anybody is; whether the batch may be downloaded."""
    waiting = approvals.waiting(actor(), database(), batch.id)
    if not waiting.releases:
        return True
    verb = "waits" if waiting.releases == 1 else "wait"
    st.info(
        f"**{counted(waiting.releases, 'released picture')} {verb} for a second person.** "
        "Nothing of this batch is downloaded before somebody approves it who neither started it "
        "nor decided one of its pictures."
        + (" You did, so ask an analyst, a manager or an admin who did not."
           if waiting.is_for_others else ""),
        icon=":material/group:",
    )  # fmt: skip
    if not waiting.is_for_others:
        st.button(
            f"Approve {counted(waiting.releases, 'picture')} for download",
            key="release_approve",
            icon=":material/approval:",
            help="Look at them below first: you say that they may go out.",
            on_click=_approve,
            args=(batch.id, waiting.release_ids),
        )
    return False


@permission.callback(*RELEASERS)
def _approve(batch_id: str, release_ids: tuple[str, ...]) -> None:
    with shown():
        approvals.approve(actor(), database(), batch_id, release_ids, now())
