"""How a report writes shares: never better than they are.

Rounding to the nearest would print 98.96 % as 99.0 % under a target of 99 %. So what is good when
it is high (recall, its lower bounds) is rounded down, and what bounds it from above, or is bad when
it is high (review load, masked without need), is rounded up.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from engine.category import DETECTABLE
from engine.evaluation.scores.proportion import Proportion

NOTHING = "–"
"""Stands where there is no number because nothing was counted."""
PLURAL = {category: category.traits.plural.capitalize() for category in DETECTABLE}
_MOST_DIGITS = 6


def at_least(share: float | None) -> str:
    """A share of 0..1 as percent with one decimal, rounded down: 0.9896 is `98.9 %`.

    The float's shortest decimal form is rounded, so 0.991 stays `99.1 %` though the nearest float
    lies a hair below it.
    """
    return NOTHING if share is None else _percent(share, ROUND_FLOOR, 1)


def at_most(share: float | None, *, below: float = 1.0) -> str:
    """A share of 0..1 as percent with one decimal, rounded up: 0.0001 is `0.1 %`.

    Args:
        share: None of nothing.
        below: a limit that a share below it must not seem to reach: more decimals are written then,
            unless the two differ by no more than a computer's rounding.
    """
    if share is None:
        return NOTHING
    seems = (
        digits
        for digits in range(1, _MOST_DIGITS)
        if not share < below <= _rounded(share, ROUND_CEILING, digits) / 100
    )
    return _percent(share, ROUND_CEILING, next(seems, 1))


def exactly(share: float) -> str:
    """A share that somebody chose, as percent with as many decimals as it has: `99 %`."""
    return f"{(Decimal(repr(float(share))) * 100).normalize():f}\u00a0%"


def rate_at_most(rate: float | None) -> str:
    """False regions a picture and the like: two decimals, rounded up, for less is better."""
    if rate is None:
        return NOTHING
    return f"{Decimal(repr(float(rate))).quantize(Decimal('0.01'), ROUND_CEILING):f}"


def found(proportion: Proportion) -> str:
    """How many of how many, as a share and in full: `98.9 % (938 of 948)`."""
    if not proportion.total:
        return NOTHING
    return f"{at_least(proportion.share)} ({of(proportion)})"


def bounded(proportion: Proportion) -> str:
    """`found` with its one-sided lower bound."""
    return (
        f"{found(proportion)}, at\u00a0least\u00a0{at_least(proportion.lower())}"
        if proportion.total
        else NOTHING
    )


def with_interval_up(proportion: Proportion) -> str:
    """A share that is bad when it is high, with its two-sided interval (Wilson 1927)."""
    return (
        f"{at_most(proportion.share)} ({of(proportion)}), {_interval(proportion)}"
        if proportion.total
        else NOTHING
    )


def with_interval(proportion: Proportion) -> str:
    """A share that is neither good nor bad when it is high, with its two-sided interval."""
    return f"{found(proportion)}, {_interval(proportion)}" if proportion.total else NOTHING


def of(proportion: Proportion) -> str:
    """`938 of 947`, never broken over two lines."""
    return f"{proportion.found}\u00a0of\u00a0{proportion.total}"


def _interval(proportion: Proportion) -> str:
    low, high = proportion.wilson() or (None, None)
    return f"{at_least(low)}\u00a0to\u00a0{at_most(high)}"


def _percent(share: float, rounding: str, digits: int) -> str:
    return f"{_rounded(share, rounding, digits)}\u00a0%"


def _rounded(share: float, rounding: str, digits: int) -> Decimal:
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"a share lies in 0..1, got {share}")
    percent = Decimal(repr(float(share))) * 100
    return percent.quantize(Decimal(1).scaleb(-digits), rounding=rounding)
