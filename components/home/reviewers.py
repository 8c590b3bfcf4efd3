"""How reviewers get on, for managers."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from components.app import session
from components.app.access import Role, may
from components.app.palette import cells
from components.app.services import database, now
from components.app.session import actor
from engine.evaluation.scores.proportion import Proportion
from store.review import agreement, statistics
from store.review.agreement import ReviewerAgreement
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
        _second_reviews()


def _second_reviews() -> None:
    """How far people agreed who decided a picture apart; nothing while nobody did."""
    pairs = agreement.by_pair(actor(), database(), now())
    if not pairs:
        return
    rows = [(" and ".join(pair.reviewers), pair.agreement) for pair in pairs]
    if len(rows) > 1:
        rows.append(("All", agreement.total(pairs)))
    st.dataframe(
        pd.DataFrame(cells(_agreement_row(names, one) for names, one in rows)),
        hide_index=True,
        key="home_agreement_table",
        alt="Pairs of reviewers with how far they agreed in second reviews",
    )
    st.caption(
        "Second reviews: two people decided a picture apart, before anybody else had. *Same "
        "decision*: both released it or both rejected it. *Same boxes*: of pictures that both "
        "released, each box of either overlaps one of the other's of its category by half "
        "(IoU ≥ 0.5). *Boxes agreed*: 2 × matched / (2 × matched + marked by one alone), which is "
        "positive agreement, F1 or Dice; boxes that the machine proposed and both left count as "
        "matched, so this is no measure of finding what it missed. In brackets 95 % of a score "
        f"interval (Wilson 1927), from {agreement.FEWEST} pictures on."
    )


def _agreement_row(names: str, one: ReviewerAgreement) -> dict[str, str | int]:
    boxes = one.boxes
    return {
        "Reviewers": names,
        "Pictures": one.same_decision.total,
        "Same decision": _with_interval(one.same_decision),
        "Same boxes": _with_interval(one.same_boxes),
        "Boxes agreed": "" if boxes.dice is None else f"{boxes.dice:.2f}",
        "Matched": boxes.matched,
        "By one alone": boxes.only_first + boxes.only_second,
        "Mean IoU": "" if boxes.mean_iou is None else f"{boxes.mean_iou:.2f}",
    }


def _with_interval(one: Proportion) -> str:
    """`11 of 12 (65 to 99 %)`; too few have no interval."""
    interval = one.wilson() if one.total >= agreement.FEWEST else None
    text = _of(one.found, one.total)
    if interval is None:
        return text
    low, high = interval
    return f"{text} ({math.floor(100 * low)} to {math.ceil(100 * high)} %)"


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
