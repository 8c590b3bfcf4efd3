"""Recall page: audit of a random sample of the pictures that passed without review.

Only the random sample counts. Pictures that came to a person for another reason say nothing about
those that nobody was asked about.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from components.app.services import database
from components.app.session import actor
from components.recall.charts.recall import draw, sample_over_time
from components.recall.words import at_least, at_most, goal
from engine.category import DETECTABLE
from engine.evaluation.scores.audit_sample import SampleCounts
from engine.evaluation.scores.proportion import Proportion, more_to_prove
from engine.wording import counted
from store.review import audit_sample
from store.review.audit_sample import SampleResult


def sentence() -> str:
    """Result of the sample checks in a sentence, for Home; empty while nothing was checked."""
    result = audit_sample.result(actor(), database())
    if not result.worst.total:
        return ""
    rejected = f", with {counted(result.rejected, 'rejected picture')} counted as missed"
    return (
        f"Sample checks: of {counted(result.checked, 'picture')} that passed unasked, "
        f"something was missed in {result.missed}; at most {at_most(result.upper)} of all such "
        f"pictures{rejected if result.rejected else ''}."
    )


def view(target: float) -> None:
    """Miss rate with its bound, checks still needed, counts by category, and trend."""
    result = audit_sample.result(actor(), database())
    st.caption(
        "A random share of the pictures that passed on their own is shown to people all the same. "
        "What they add would have gone out."
    )
    _excluded(result)
    if not result.worst.total:
        st.caption("No picture of the sample was decided yet.")
        return
    share = result.counts.clean.share
    metrics = {
        "Pictures checked": f"{result.checked}",
        "Something was missed in": f"{result.missed}",
        "Estimated miss rate": at_most(None if share is None else 1.0 - share),
        "At most, 95 % sure": at_most(result.upper),
    }
    for column, (label, number) in zip(st.columns(4), metrics.items(), strict=True):
        column.metric(label, number, border=True)
    st.markdown(_outlook(result.worst, target))
    st.table(
        pd.DataFrame(_per_category(result.counts)),
        border="horizontal",
        hide_index=True,
        alt="What people decided in the sample, by category",
    )
    if result.over_time:
        draw(sample_over_time(result.over_time, target), "recall_samples_time")


def _outlook(clean: Proportion, target: float) -> str:
    more = more_to_prove(clean, target)
    if more == 0:
        return f"**Proven:** at least {goal(target)} of such pictures have nothing missed in them."
    if more is None:
        return f"No number of further checks would prove {goal(target)}; look at what was missed."
    return f"**{more} more checks without a miss would prove {goal(target)}.**"


def _per_category(counts: SampleCounts) -> list[dict[str, str]]:
    return [
        {
            "Category": category.value,
            "Decided": f"{counts.of(category).total}",
            "Hidden by the machine": f"{counts.of(category).found}",
            "Share hidden": at_least(counts.of(category).share),
            "At least": at_least(counts.of(category).lower()),
            "Dropped by people": f"{counts.dropped(category)}",
        }
        for category in DETECTABLE
    ]


def _excluded(result: SampleResult) -> None:
    """Notes on pictures that the counts leave out."""
    if result.rejected:
        was, they_are = ("was", "it is") if result.rejected == 1 else ("were", "they are")
        st.warning(
            f"{counted(result.rejected, 'picture')} of the sample {was} rejected: nobody said what "
            f"was missed, so {they_are} in the bound as missed, and in no other number.",
            icon=":material/dangerous:",
        )
    if result.unknown:
        st.caption(
            f"{counted(result.unknown, 'decided picture')} left out: what the machine would have "
            "covered was not recorded."
        )
