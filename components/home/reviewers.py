"""How reviewers get on, for managers."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from components.app import session
from components.app.access import Role, may
from components.app.palette import cells
from components.app.services import database, now
from components.app.session import actor
from store.review import statistics
from store.review.statistics import ReviewerStatistics


def reviewers() -> None:
    """A line for each reviewer of the last 30 days; nothing for others, or while nobody decided."""
    if not may(session.user(), Role.MANAGER):
        return
    known = statistics.by_reviewer(actor(), database(), now())
    if not known:
        return
    with st.expander("Reviewers", icon=":material/group:", key="home_reviewers"):
        st.dataframe(
            pd.DataFrame(cells(map(_row, known))),
            hide_index=True,
            key="home_reviewers_table",
            alt="Reviewers with pictures an hour and how often something was corrected",
        )
        st.caption(
            f"Decisions of the last {statistics.WINDOW.days} days. An hour is one of looking: from "
            "opening a picture to the decision, an interruption counted as five minutes. "
            "*Corrected*: a region was added, moved or dropped that the machine was sure of; "
            "answering a question is none. *Overturned*: taken back, or contested by the release "
            "check. Few pictures say little about a person."
        )


def _row(one: ReviewerStatistics) -> dict[str, str | int]:
    return {
        "Reviewer": one.reviewer,
        "Pictures": one.decided,
        "An hour": "" if one.per_hour is None else f"{one.per_hour:.0f}",
        "Corrected": _of(one.corrected, one.decided - one.rejected),
        "Overturned": _of(one.overturned, one.decided),
        "Held back": _of(one.rejected, one.decided),
    }


def _of(count: int, total: int) -> str:
    return f"{count} of {total}"
