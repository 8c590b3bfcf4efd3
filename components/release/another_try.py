"""Another try for what the machine held back, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from components.app import permission, session
from components.app.access import Role, may
from components.app.palette import ago
from components.app.services import database, now
from components.app.session import actor
from engine.wording import counted
from store.batches import pictures
from store.batches.batches import Batch
from store.batches.pictures import Picture, PictureState
from store.worker import retry


@dataclass(frozen=True, slots=True)
class _Try:
    """What was tried again, and when."""

    batch_id: str
    at: datetime
    reasons: Mapping[str, int]
    """By the picture's id a hash of why it had been held back: no text is kept of it."""


def offer(batch: Batch) -> None:
    """A second try for what the machine held back; what a person rejected stays so."""
    if not may(session.user(), Role.ANALYST):
        return
    count = retry.held_back(actor(), database(), batch.id)
    if count:
        st.button(
            f"Try {counted(count, 'held-back picture')} again",
            key="release_try_held_back",
            icon=":material/refresh:",
            help="For when the cause was this machine, or was mended: what a file lacks, no other "
            "try brings.",
            on_click=_try_again,
            args=(batch.id,),
        )
    last: _Try | None = session.kept("release_tried", lambda: None)
    if last is not None and last.batch_id == batch.id:
        came_of_it = _came_of(last)
        if came_of_it:
            st.caption(f"Tried again {ago(last.at, now())}: {came_of_it}.")


@permission.callback(Role.ANALYST)
def _try_again(batch_id: str) -> None:
    held = pictures.of_batch(actor(), database(), batch_id, [PictureState.QUARANTINED])
    at = now()
    tried = retry.try_held_back(actor(), database(), batch_id, at)
    reasons = {one.id: hash(one.reason) for one in held if one.id in tried}
    session.keep("release_tried", _Try(batch_id, at, reasons))


def _came_of(last: _Try) -> str:
    """Numbers of pictures by what became of them; empty for none, and while one is in work."""
    if not last.reasons:
        return ""
    tried = pictures.of_ids(actor(), database(), last.reasons)
    by_state = {state: [one for one in tried if one.state is state] for state in PictureState}
    held = by_state[PictureState.QUARANTINED]
    same = sum(_is_same(one, last) for one in held)
    parts = [
        (len(by_state[PictureState.RELEASED]), "released", True),
        (len(by_state[PictureState.REVIEW]), "to review", False),
        (same, "held back for the same reason", False),
        (len(held) - same, "held back for another reason", False),
        (len(by_state[PictureState.CANCELLED]), "cancelled", False),
    ]
    if sum(count for count, _, _ in parts) < len(tried):
        return ""
    return ", ".join(f"{count} {words}" for count, words, is_said in parts if count or is_said)


def _is_same(picture: Picture, last: _Try) -> bool:
    return hash(picture.reason) == last.reasons[picture.id]
