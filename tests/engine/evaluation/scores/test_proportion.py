from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.scores.proportion import NONE, Proportion, more_to_prove


@st.composite
def tallies(draw, least=0):
    total = draw(st.integers(least, 3000))
    return Proportion(draw(st.integers(0, total)), total)


@pytest.mark.parametrize(
    ("found", "total"), [(-1, 3), (4, 3), (1, 0)], ids=["negative", "more than all", "of nothing"]
)
def test_impossible_counts_are_refused(found, total):
    with pytest.raises(ValueError, match=f"got {found} of {total}"):
        Proportion(found, total)


def test_of_nothing_nothing_is_said():
    assert (NONE.share, NONE.lower(), NONE.upper(), NONE.wilson()) == (None,) * 4


@given(tallies(), tallies(), tallies())
def test_tallies_add_in_any_order(one, two, three):
    assert one + (two + three) == (three + one) + two
    assert one + NONE == one


@given(tallies(least=1))
def test_the_share_lies_between_its_bounds(proportion):
    low, high = proportion.wilson()

    assert 0.0 <= proportion.lower() <= proportion.share <= proportion.upper() <= 1.0
    assert 0.0 <= low <= proportion.share + 1e-12
    assert proportion.share - 1e-12 <= high <= 1.0


@given(tallies(least=1), st.integers(2, 9))
def test_the_same_share_of_more_has_closer_bounds(proportion, times):
    more = Proportion(proportion.found * times, proportion.total * times)

    assert more.lower() >= proportion.lower()
    assert more.upper() <= proportion.upper()


@given(tallies(least=1))
def test_bounds_of_what_was_missed_mirror_those_of_what_was_found(proportion):
    missed = Proportion(proportion.total - proportion.found, proportion.total)

    assert proportion.lower() == pytest.approx(1 - missed.upper(), abs=1e-12)


@given(tallies(least=1))
def test_more_confidence_asks_for_a_lower_bound(proportion):
    assert proportion.lower(0.99) <= proportion.lower(0.95) <= proportion.lower(0.5)


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
    proportion = Proportion(found, total)

    assert (proportion.lower(), proportion.upper()) == pytest.approx((lower, upper), rel=1e-12)


@pytest.mark.parametrize(
    ("missed", "labels"), [(0, 299), (1, 473), (2, 628), (3, 773)], ids="{} missed".format
)
def test_how_many_labels_prove_99_percent(missed, labels):
    more = more_to_prove(Proportion(0, missed), 0.99)

    assert missed + more == labels
    assert Proportion(labels - missed, labels).lower() >= 0.99
    assert Proportion(labels - missed - 1, labels - 1).lower() < 0.99


@given(tallies(), st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99]))
def test_so_many_more_prove_it_and_one_fewer_does_not(proportion, target):
    more = more_to_prove(proportion, target)

    assert Proportion(proportion.found + more, proportion.total + more).lower() >= target
    if more:
        fewer = Proportion(proportion.found + more - 1, proportion.total + more - 1).lower()
        assert fewer is None or fewer < target


@pytest.mark.parametrize("target", [-0.1, 1.0, 1.5])
def test_what_can_never_be_proven_is_refused(target):
    with pytest.raises(ValueError, match="below 1"):
        more_to_prove(NONE, target)


def test_a_search_without_end_says_so():
    assert more_to_prove(NONE, 0.99, limit=298) is None
    assert more_to_prove(NONE, 0.99, limit=299) == 299
