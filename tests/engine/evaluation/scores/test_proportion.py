from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.scores.proportion import NONE, Tally, more_to_prove


@st.composite
def tallies(draw, least=0):
    total = draw(st.integers(least, 3000))
    return Tally(draw(st.integers(0, total)), total)


@pytest.mark.parametrize(
    ("found", "total"), [(-1, 3), (4, 3), (1, 0)], ids=["negative", "more than all", "of nothing"]
)
def test_impossible_counts_are_refused(found, total):
    with pytest.raises(ValueError, match=f"got {found} of {total}"):
        Tally(found, total)


def test_of_nothing_nothing_is_said():
    assert (NONE.share, NONE.lower(), NONE.upper(), NONE.wilson()) == (None,) * 4


@given(tallies(), tallies(), tallies())
def test_tallies_add_in_any_order(one, two, three):
    assert one + (two + three) == (three + one) + two
    assert one + NONE == one


@given(tallies(least=1))
def test_the_share_lies_between_its_bounds(tally):
    low, high = tally.wilson()

    assert 0.0 <= tally.lower() <= tally.share <= tally.upper() <= 1.0
    assert 0.0 <= low <= tally.share + 1e-12
    assert tally.share - 1e-12 <= high <= 1.0


@given(tallies(least=1), st.integers(2, 9))
def test_the_same_share_of_more_has_closer_bounds(tally, times):
    more = Tally(tally.found * times, tally.total * times)

    assert more.lower() >= tally.lower()
    assert more.upper() <= tally.upper()


@given(tallies(least=1))
def test_bounds_of_what_was_missed_mirror_those_of_what_was_found(tally):
    missed = Tally(tally.total - tally.found, tally.total)

    assert tally.lower() == pytest.approx(1 - missed.upper(), abs=1e-12)


@given(tallies(least=1))
def test_more_confidence_asks_for_a_lower_bound(tally):
    assert tally.lower(0.99) <= tally.lower(0.95) <= tally.lower(0.5)


@pytest.mark.parametrize(
    ("found", "total", "lower", "upper"),
    [
        pytest.param(0, 7, 0.0, 1 - 0.05 ** (1 / 7), id="all missed"),
        pytest.param(7, 7, 0.05 ** (1 / 7), 1.0, id="all found"),
        pytest.param(1, 1, 0.05, 1.0, id="one of one"),
        pytest.param(0, 1, 0.0, 0.95, id="none of one"),
    ],
)
def test_bounds_at_the_ends_have_a_closed_form(found, total, lower, upper):
    tally = Tally(found, total)

    assert (tally.lower(), tally.upper()) == pytest.approx((lower, upper), rel=1e-12)


@pytest.mark.parametrize(
    ("missed", "labels"), [(0, 299), (1, 473), (2, 628), (3, 773)], ids="{} missed".format
)
def test_how_many_labels_prove_99_percent(missed, labels):
    more = more_to_prove(Tally(0, missed), 0.99)

    assert missed + more == labels
    assert Tally(labels - missed, labels).lower() >= 0.99
    assert Tally(labels - missed - 1, labels - 1).lower() < 0.99


@given(tallies(), st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99]))
def test_so_many_more_prove_it_and_one_fewer_does_not(tally, target):
    more = more_to_prove(tally, target)

    assert Tally(tally.found + more, tally.total + more).lower() >= target
    if more:
        fewer = Tally(tally.found + more - 1, tally.total + more - 1).lower()
        assert fewer is None or fewer < target


@pytest.mark.parametrize("target", [-0.1, 1.0, 1.5])
def test_what_can_never_be_proven_is_refused(target):
    with pytest.raises(ValueError, match="below 1"):
        more_to_prove(NONE, target)


def test_a_search_without_end_says_so():
    assert more_to_prove(NONE, 0.99, limit=298) is None
    assert more_to_prove(NONE, 0.99, limit=299) == 299
