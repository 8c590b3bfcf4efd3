"""Counts of outcomes as badges, which say the same wherever a batch is shown."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from components.app.palette import OUTCOMES, counted_outcome
from store.batches.pictures import PictureState
from store.batches.progress import Counts


def outcome_badges(counts: Counts, always: Collection[PictureState] = ()) -> None:
    """A badge for each outcome that some picture has; together they add up to all pictures.

    Args:
        counts: of a batch.
        always: outcomes that have a badge also where no picture has them.
    """
    numbers = (
        (PictureState.RELEASED, counts.released),
        (PictureState.REVIEW, counts.review),
        (PictureState.QUARANTINED, counts.quarantined),
        (PictureState.CANCELLED, counts.cancelled),
        (PictureState.WAITING, counts.remaining),
    )
    for state, count in numbers:
        if count or state in always:
            _, icon, colour = OUTCOMES[state]
            st.badge(counted_outcome(state, count), icon=icon, color=colour)
