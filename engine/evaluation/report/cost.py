"""Costs of recall as label and amount: review, masked area, pictures touched without need.

Read from the summary, as it is stored. One that was stored before this was measured lacks it, and
is said to lack it: a gap is no zero.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.evaluation.report.document import Row, Table, numbers, words
from engine.evaluation.report.numbers import NOTHING, at_most, with_interval_up
from engine.evaluation.scores.proportion import Proportion
from engine.evaluation.scores.summary import FreePictures, Quantiles, Spread, Summary

NOT_MEASURED = "not measured"
_TO_A_PERSON = "Pictures that go to a person"
_BOXES = "Boxes on such a picture"
_TO_REVIEW = "Boxes there that need a decision"
_REMOVED = "Pixels removed without asking"
_AT_MOST = "Pixels removed if all boxes to review are"
_NEEDLESS = "Masked without need"
_MARGINS = "Of that, margins around what is there"
_TOUCHED = "Pictures free of all that is looked for: touched"
_FREE_ASKED = "Pictures free of all that is looked for: to a person"
_ORDER = (
    *(_TO_A_PERSON, _BOXES, _TO_REVIEW),
    *(_REMOVED, _AT_MOST, _NEEDLESS, _MARGINS),
    *(_TOUCHED, _FREE_ASKED),
)


@dataclass(frozen=True, slots=True)
class Price:
    """One cost of recall, with its label and its formatted amount."""

    what: str
    much: str


def prices(summary: Summary) -> tuple[Price, ...]:
    """All costs of an evaluation in their fixed order; those a summary lacks are not measured.

    Args:
        summary: as `recall.summary` gives it, or as it was stored, perhaps long ago.
    """
    amounts = {
        _TO_A_PERSON: at_most(summary.review_load.all),
        _NEEDLESS: _spread(summary.excess_masked),
    }
    if summary.margins_masked is not None:
        amounts[_MARGINS] = _spread(summary.margins_masked)
    if cost := summary.cost:
        person, free = cost.to_a_person, cost.free
        amounts |= {
            _TO_A_PERSON: with_interval_up(Proportion(person.pictures, summary.pictures)),
            _BOXES: _quantiles(person.boxes),
            _TO_REVIEW: _quantiles(person.doubts),
            _REMOVED: _spread(cost.removed),
            _AT_MOST: _spread(cost.removed_at_most),
            _TOUCHED: _of_free(free, free.touched),
            _FREE_ASKED: _of_free(free, free.to_a_person),
        }
    return tuple(Price(label, amounts.get(label, NOT_MEASURED)) for label in _ORDER)


def in_short(summary: Summary) -> str:
    """Main costs of recall in a sentence, for places that show recall in a line."""
    if not summary.pictures:
        return "What that costs was not measured."
    cost = summary.cost
    share = at_most(summary.review_load.all)
    if cost is None:
        return f"{share} of the pictures go to a person; what else it costs was not measured."
    boxes, removed = cost.to_a_person.boxes.median, cost.removed.mean
    load = "" if boxes is None else f", half of them with at most {boxes} boxes"
    return (
        f"{share} of the pictures go to a person{load}; {at_most(removed)} of a picture is "
        "removed without asking, on average."
    )


def cost_table(summary: Summary) -> Table:
    """Table of the costs of recall, to stand beside it."""
    return Table(
        "What that costs. Sample checks come on top; 95 % intervals are two-sided (Wilson 1927), "
        "and figures without one describe these pictures alone.",
        words("Cost") + numbers("Measured"),
        tuple(Row((price.what, price.much)) for price in prices(summary)),
    )


def _quantiles(boxes: Quantiles) -> str:
    if boxes.worst is None:
        return NOTHING
    return f"median {boxes.median}, 90th percentile {boxes.p90}, worst {boxes.worst}"


def _spread(shares: Spread) -> str:
    if shares.mean is None:
        return NOTHING
    return f"mean {at_most(shares.mean)}, 95th percentile {at_most(shares.p95)}"


def _of_free(free: FreePictures, number: int) -> str:
    if not free.pictures:
        return f"{NOTHING} (no such picture)"
    return with_interval_up(Proportion(number, free.pictures))
