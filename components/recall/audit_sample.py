"""Sample checks: what people found in pictures that passed on their own.

Only the random sample counts. Pictures that came to a person for another reason say nothing about
those that nobody was asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd
import streamlit as st

from components.app.services import database
from components.recall.charts.recall import draw, sample_over_time
from components.recall.words import at_least, at_most, goal
from engine.category import DETECTABLE
from engine.evaluation.scores.audit_sample import Check, SampleCounts, count_checks
from engine.evaluation.scores.proportion import Proportion, more_to_prove
from engine.wording import counted
from store.review import audit_sample
from store.review.audit_sample import Comparison


@dataclass(frozen=True, slots=True)
class Checked:
    """The sample so far."""

    counts: SampleCounts
    over_time: tuple[tuple[date, Proportion], ...]
    rejected: int
    """Pictures that a person held back for good."""
    unknown: int
    """Decided pictures of which nobody knows what the machine would have covered."""

    @property
    def worst(self) -> Proportion:
        """Clean pictures of all, rejected ones counted as if something had been missed."""
        clean = self.counts.clean
        return Proportion(clean.found, clean.total + self.rejected)

    @property
    def missed(self) -> int:
        """Pictures in which a person found something."""
        return self.counts.clean.total - self.counts.clean.found


def checked() -> Checked:
    """Everything that sample checks found."""
    decided = audit_sample.comparisons(database())
    known = [one for one in decided if _is_known(one)]
    by_picture = [(one.decided_at, count_checks([_check(one)])) for one in known]
    total = sum((counts for _, counts in by_picture), SampleCounts())
    return Checked(
        counts=total,
        over_time=tuple((moment.date(), counts.clean) for moment, counts in by_picture),
        rejected=audit_sample.rejected(database()),
        unknown=len(decided) - len(known),
    )


def sentence(found: Checked) -> str:
    """What the sample says, for Home; empty while nothing was checked."""
    clean = found.counts.clean
    if not found.worst.total:
        return ""
    return (
        f"Sample checks: of {counted(clean.total, 'picture')} that passed unasked, something "
        f"was missed in {found.missed}; at most {at_most(_upper(found.worst))} of all such pictures"
        f"{_rejects(found)}."
    )


def _rejects(found: Checked) -> str:
    """A rejected picture may be the worst of all, so the bound counts it as missed."""
    if not found.rejected:
        return ""
    return f", with {counted(found.rejected, 'rejected picture')} counted as missed"


def view(target: float) -> None:
    """Numbers, what more checks would prove, and the sample over time."""
    found = checked()
    st.caption(
        "A random share of the pictures that passed on their own is shown to people all the same. "
        "What they add would have gone out."
    )
    _apart(found)
    if not found.worst.total:
        st.caption("No picture of the sample was decided yet.")
        return
    for column, (label, number) in zip(st.columns(4), _numbers(found), strict=True):
        column.metric(label, number, border=True)
    st.markdown(_outlook(found.worst, target))
    st.table(
        pd.DataFrame(_per_category(found.counts)),
        border="horizontal",
        hide_index=True,
        alt="What people decided in the sample, by category",
    )
    if found.over_time:
        draw(sample_over_time(list(found.over_time), target), "recall_samples_time")


def _numbers(found: Checked) -> list[tuple[str, str]]:
    clean = found.counts.clean
    rate = None if clean.share is None else 1.0 - clean.share
    return [
        ("Pictures checked", f"{clean.total}"),
        ("Something was missed in", f"{found.missed}"),
        ("Estimated miss rate", at_most(rate)),
        ("At most, 95 % sure", at_most(_upper(found.worst))),
    ]


def _upper(clean: Proportion) -> float | None:
    lower = clean.lower()
    return None if lower is None else 1.0 - lower


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


def _apart(found: Checked) -> None:
    """What is in no number, said all the same."""
    if found.rejected:
        was, they_are = ("was", "it is") if found.rejected == 1 else ("were", "they are")
        st.warning(
            f"{counted(found.rejected, 'picture')} of the sample {was} rejected: nobody said what "
            f"was missed, so {they_are} in the bound as missed, and in no other number.",
            icon=":material/dangerous:",
        )
    if found.unknown:
        st.caption(
            f"{counted(found.unknown, 'decided picture')} left out: what the machine would have "
            "covered was not recorded."
        )


def _is_known(one: Comparison) -> bool:
    return all(region.has_rect for region in one.machine.proposed)


def _check(one: Comparison) -> Check:
    return Check(one.picture_id, one.machine.proposed, one.decided, one.machine.size)
