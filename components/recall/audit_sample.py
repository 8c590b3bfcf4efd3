"""Recall page: audit of a random sample of the pictures that passed without review.

Only the random sample counts. Pictures that came to a person for another reason say nothing about
those that nobody was asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from weakref import WeakKeyDictionary

import pandas as pd
import streamlit as st

from components.app.services import database
from components.app.session import actor
from components.recall.charts.recall import draw, sample_over_time
from components.recall.words import at_least, at_most, goal
from engine.category import DETECTABLE
from engine.evaluation.scores.audit_sample import SampleCounts, count_checks
from engine.evaluation.scores.proportion import Proportion, more_to_prove
from engine.wording import counted
from store.database import Database
from store.review import audit_sample
from store.review.audit_sample import State


@dataclass(frozen=True, slots=True)
class Audit:
    """Results of the sample checks so far."""

    counts: SampleCounts
    over_time: tuple[tuple[date, Proportion], ...]
    rejected: int
    """Pictures that a reviewer rejected."""
    unknown: int
    """Decided pictures without a record of what the machine would have covered."""

    @property
    def worst(self) -> Proportion:
        """Clean pictures of all, rejected ones counted as missed."""
        clean = self.counts.clean
        return Proportion(clean.found, clean.total + self.rejected)

    @property
    def upper(self) -> float | None:
        """Upper bound of the miss rate (one-sided, 95 %); None without a picture."""
        lower = self.worst.lower()
        return None if lower is None else 1.0 - lower

    @property
    def missed(self) -> int:
        """Pictures in which a reviewer found something."""
        return self.counts.clean.total - self.counts.clean.found


_known: WeakKeyDictionary[Database, tuple[State, Audit]] = WeakKeyDictionary()


def audit() -> Audit:
    """Count all sample checks in the database; again once something was decided since."""
    state = audit_sample.state_now(actor(), database())
    known = _known.get(database())
    if known is None or known[0] != state:
        known = _known[database()] = state, _counted()
    return known[1]


def _counted() -> Audit:
    decided = audit_sample.comparisons(actor(), database())
    comparisons = [comparison for comparison in decided if comparison.is_comparable]
    by_picture = [
        (comparison.decided_at, count_checks([comparison.check])) for comparison in comparisons
    ]
    return Audit(
        counts=sum((counts for _, counts in by_picture), SampleCounts()),
        over_time=tuple((moment.date(), counts.clean) for moment, counts in by_picture),
        rejected=audit_sample.rejected(actor(), database()),
        unknown=len(decided) - len(comparisons),
    )


def sentence() -> str:
    """Result of the sample checks in a sentence, for Home; empty while nothing was checked."""
    result = audit()
    if not result.worst.total:
        return ""
    rejected = f", with {counted(result.rejected, 'rejected picture')} counted as missed"
    return (
        f"Sample checks: of {counted(result.counts.clean.total, 'picture')} that passed unasked, "
        f"something was missed in {result.missed}; at most {at_most(result.upper)} of all such "
        f"pictures{rejected if result.rejected else ''}."
    )


def view(target: float) -> None:
    """Miss rate with its bound, checks still needed, counts by category, and trend."""
    result = audit()
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
        "Pictures checked": f"{result.counts.clean.total}",
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


def _excluded(result: Audit) -> None:
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
