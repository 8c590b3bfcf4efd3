"""Rounding never flatters."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.report.numbers import (
    NOTHING,
    at_least,
    at_most,
    bounded,
    exactly,
    found,
    with_interval,
    with_interval_up,
)
from engine.evaluation.scores.proportion import NONE, Proportion

shares = st.floats(0.0, 1.0)


def value(text: str) -> Decimal:
    return Decimal(text.removesuffix("\u00a0%")) / 100


@given(shares)
def test_a_good_share_never_seems_better(share):
    assert value(at_least(share)) <= Decimal(repr(share))


@given(shares)
def test_a_bad_share_never_seems_smaller(share):
    assert value(at_most(share)) >= Decimal(repr(share))


@given(shares, st.floats(0.01, 1.0))
def test_what_is_written_is_near(share, limit):
    assert abs(value(at_least(share)) - Decimal(repr(share))) <= Decimal("0.001")
    assert abs(value(at_most(share, below=limit)) - Decimal(repr(share))) <= Decimal("0.001")


@given(st.integers(1, 3000), st.data())
def test_recall_below_a_target_or_below_one_never_reads_as_reaching_it(total, data):
    proportion = Proportion(data.draw(st.integers(0, total)), total)
    written = value(at_least(proportion.share))

    for target in (Fraction(99, 100), Fraction(995, 1000), Fraction(1)):
        if Fraction(proportion.found, proportion.total) < target:
            assert Fraction(written) < target


@pytest.mark.parametrize(
    ("share", "down", "up"),
    [
        (0.0, "0.0", "0.0"),
        (1e-9, "0.0", "0.1"),
        (0.9896, "98.9", "99.0"),
        (0.991, "99.1", "99.1"),
        (0.9995, "99.9", "99.95"),
        (0.9999999999, "99.9", "100.0"),
        (1.0, "100.0", "100.0"),
    ],
)
def test_shares_are_written_with_one_decimal(share, down, up):
    assert at_least(share) == f"{down}\u00a0%"
    assert at_most(share) == f"{up}\u00a0%"


def test_an_upper_bound_below_the_target_does_not_read_as_the_target():
    assert at_most(0.98961, below=0.99) == "98.97\u00a0%"


def test_nothing_counted_is_no_share():
    assert {
        at_least(None),
        at_most(None),
        found(NONE),
        with_interval_up(NONE),
        bounded(NONE),
        with_interval(NONE),
    } == {NOTHING}


def test_a_share_outside_0_to_1_is_refused():
    with pytest.raises(ValueError, match=r"0\.\.1, got 1\.5"):
        at_least(1.5)


def test_a_chosen_share_is_written_as_chosen():
    assert [exactly(one) for one in (0.99, 1.0, 0.05, 0.0)] == [
        "99\u00a0%",
        "100\u00a0%",
        "5\u00a0%",
        "0\u00a0%",
    ]


def test_shares_stand_with_how_many_and_their_interval():
    proportion = Proportion(72, 300)

    assert bounded(proportion).replace("\u00a0", " ") == "24.0 % (72 of 300), at least 19.9 %"
    assert (
        with_interval_up(proportion).replace("\u00a0", " ")
        == "24.0 % (72 of 300), 19.5 % to 29.2 %"
    )
    assert (
        with_interval(Proportion(2, 3)).replace("\u00a0", " ")
        == "66.6 % (2 of 3), 20.7 % to 93.9 %"
    )
    assert with_interval_up(Proportion(2, 3)).startswith("66.7")
