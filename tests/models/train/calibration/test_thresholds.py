"""Thresholds are the best valid ones, and what they promise holds on average."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.evaluation.scores.matching import NEVER
from models.train.calibration.thresholds import (
    NEEDLESS_RISK,
    RISKS,
    Control,
    bound,
    control,
    first_valid,
    last_valid,
    least_risk,
)
from models.train.errors import TrainingRefused
from tests.engine.evaluation.made import FACE, JEWELRY, TATTOO
from tests.models.train.losses import missed_share, needless_share
from tests.models.train.proposed import AT_ITS_WORD, corners, proposal, proposals_of

STEP = 1e-4
"""What rounding to four digits can move."""
MOST_GROUPS = 8
"""Groups that are made up one by one; the others are seen well."""
hidden = st.one_of(st.just(NEVER), st.integers(1, 20).map(lambda twentieth: twentieth / 20))
seen_false = st.integers(0, 20).map(lambda twentieth: twentieth / 20)
risks = st.floats(0.0, 1.0)


def groups(scores):
    return st.dictionaries(
        st.sampled_from("abcdefgh"), st.lists(scores, min_size=1, max_size=4), min_size=1
    )


@pytest.mark.parametrize(
    ("loss", "count", "promised"),
    [
        pytest.param(0.0, 0, 1.0, id="no group says nothing"),
        pytest.param(0.0, 1, 1 / 2, id="one group"),
        pytest.param(0.0, 19, 0.05, id="nothing lost in 19"),
        pytest.param(0.1, 19, 2.9 / 20, id="a tenth lost in 19"),
        pytest.param(1.0, 9, 1.0, id="all lost"),
    ],
)
def test_a_mean_loss_promises_what_the_theorem_says(loss, count, promised):
    assert bound(loss, count) == pytest.approx(promised)


@given(groups(hidden))
def test_the_smallest_risk_is_that_of_asking_about_everything_seen(hiding):
    never = missed_share(hiding, 0.0)

    assert least_risk(hiding) == pytest.approx((len(hiding) * never + 1) / (len(hiding) + 1))


@given(groups(hidden), risks)
def test_the_last_valid_threshold_is_the_highest_that_brute_force_finds(hiding, risk):
    surest = max(max(scores) for scores in hiding.values())
    places = [place / 1000 for place in range(1, 1001) if place / 1000 <= surest]
    valid = [
        place for place in places if bound(missed_share(hiding, place), len(hiding)) <= risk + 1e-12
    ]

    found = last_valid(hiding, risk)

    assert found == pytest.approx(max(valid, default=0.0))


@given(groups(seen_false), risks)
@example({"a": [0.0]}, 0.5)
def test_the_first_valid_threshold_is_the_lowest_that_brute_force_finds(needless, risk):
    places = [place / 1000 for place in range(1002)]
    valid = [
        place for place in places if bound(needless_share(needless, place), len(needless)) <= risk
    ]

    found = first_valid(needless, risk)

    if valid:
        assert valid[0] - 1 / 1000 <= found <= valid[0]
        assert bound(needless_share(needless, found), len(needless)) <= risk
    else:
        assert found == math.inf


@given(groups(hidden), groups(seen_false), risks, risks)
def test_who_allows_more_risk_gets_no_stricter_threshold(hiding, needless, one, other):
    low, high = sorted((one, other))

    assert last_valid(hiding, low) <= last_valid(hiding, high)
    assert first_valid(needless, low) >= first_valid(needless, high)


@given(groups(hidden), risks)
def test_better_sightings_never_lower_the_threshold(hiding, risk):
    better = {
        group: [min(score + 0.05, 1.0) if score > 0 else score for score in scores]
        for group, scores in hiding.items()
    }

    assert last_valid(better, risk) >= last_valid(hiding, risk)
    assert least_risk(better) == least_risk(hiding)


@given(groups(hidden), st.integers(2, 5))
def test_groups_count_equally_however_many_labels_they_have(hiding, times):
    first, *_ = hiding
    crowded = {**hiding, first: hiding[first] * times}

    assert least_risk(crowded) == pytest.approx(least_risk(hiding))
    for risk in (least_risk(hiding) + 1e-9, 0.5, 1.0):
        assert last_valid(crowded, risk) == last_valid(hiding, risk)


def test_one_crowded_group_weighs_no_more_than_a_lonely_one():
    hiding = {"crowd": [0.9] * 99 + [NEVER], "lonely": [NEVER]}

    assert least_risk(hiding) == pytest.approx((2 * (0.01 + 1.0) / 2 + 1) / 3)


@pytest.mark.parametrize("count", [1, 5, 50])
def test_a_label_nobody_saw_can_never_be_promised(count):
    seen = {str(number): [0.9] for number in range(count)}
    blind = {**seen, "blind": [NEVER]}
    promised = 1 / (count + 2)

    assert least_risk(blind) == pytest.approx(2 * promised)
    assert last_valid(blind, promised) == 0.0
    assert last_valid({"blind": [NEVER]}, 0.99) == 0.0


def test_of_no_group_nothing_is_promised(recwarn):
    assert least_risk({}) == 1.0
    assert first_valid({}, NEEDLESS_RISK) == math.inf
    assert not recwarn.list


def twenty(scores=(0.5,), **how):
    """Twenty people, each in one picture."""
    return [proposals_of(f"{number:02}", scores, **how) for number in range(20)]


def test_the_thresholds_of_a_category():
    every = [proposals_of(f"{at:02}", [0.5 + at / 100], false=[0.1 + at / 100]) for at in range(20)]

    chosen = control(every, FACE, AT_ITS_WORD)

    # Nothing lost is 1 / 21: above 0.02 and below 0.05, which does not allow one of twenty lost.
    # 0.20 of 21 groups are 4.2: three of the twenty may have something needless, and one is added.
    assert chosen == Control(
        review_at=0.5,
        auto_redact_at=0.5,
        risk=0.05,
        groups=20,
        labels=20,
        missed=0,
        may_accept=True,
    )


def test_what_the_risk_allows_may_be_lost():
    """Of 31 groups, 0.05 allows 0.6 lost labels: the half of one group is lost for all others."""
    every = [proposals_of(f"{at:02}", [0.5]) for at in range(30)] + [
        proposals_of("hard", [0.5, 0.02])
    ]

    chosen = control(every, FACE, AT_ITS_WORD)

    assert (chosen.risk, chosen.review_at) == (0.05, 0.5)
    assert (chosen.labels, chosen.missed) == (32, 1)


@pytest.mark.parametrize(
    ("count", "risk"),
    [(3, None), (4, 0.20), (9, 0.10), (18, 0.07), (19, 0.05), (48, 0.03), (49, 0.02), (99, 0.01)],
)
def test_the_risk_is_one_of_those_fixed_beforehand_and_as_small_as_the_groups_allow(count, risk):
    every = [proposals_of(f"{at}", [0.5]) for at in range(count)]

    assert control(every, FACE, AT_ITS_WORD).risk == risk


twentieths = st.integers(1, 20).map(lambda twentieth: twentieth / 20)
odd_groups = st.lists(
    st.tuples(st.lists(twentieths, max_size=3), st.integers(0, 2)).filter(
        lambda one: one[0] or one[1]
    ),
    max_size=MOST_GROUPS,
)


def exactly_promised(hiding, threshold):
    """The bound, in fractions; what was not seen is lost at any threshold."""
    lost = sum(Fraction(sum(s <= 0 or s < threshold for s in one), len(one)) for one in hiding)
    return (lost + 1) / (len(hiding) + 1)


@pytest.mark.slow
@settings(max_examples=60)
@given(odd_groups, st.sampled_from([0, 1, 9, 11, 19, 25, 49, 60, 99, 110]), twentieths)
@example([([0.1], 0), ([0.2, 0.3], 0)], 49, 0.9)
@example([([], 1)], 19, 0.5)
@example([([0.5], 1)] * 4, 25, 0.5)
@example([([], 2)], 0, 0.5)
@example([([0.25], 2)] * 3, 26, 0.5)
def test_risk_and_threshold_are_those_that_brute_force_finds(odd, rest, usual):
    made = [*odd, *[([usual], 0)] * rest]
    if not made:
        return
    every = [proposals_of(f"{at}", seen, unseen=unseen) for at, (seen, unseen) in enumerate(made)]
    hiding = [[*seen, *[NEVER] * unseen] for seen, unseen in made]
    kept = [
        (Fraction(str(risk)), threshold)
        for risk in RISKS
        for threshold in {score for one in hiding for score in one if score > 0}
        if exactly_promised(hiding, threshold) <= Fraction(str(risk))
    ]
    if kept:
        least = min(risk for risk, _ in kept)
        expected = (float(least), max(at for risk, at in kept if risk == least))
    else:
        expected = (None, min((s for one in hiding for s in one if s > 0), default=0.0))

    chosen = control(every, FACE, AT_ITS_WORD)

    assert (chosen.risk, chosen.review_at) == expected
    assert chosen.missed == sum(s < chosen.review_at or s <= 0 for one in hiding for s in one)


def test_a_risk_that_is_kept_exactly_is_kept():
    """25 groups that lose a fifth each lose 5 of 59, and 6 of 60 are 0.10."""
    fifth = [proposals_of(f"{at}", [0.5] * 4, unseen=1) for at in range(25)]
    every = fifth + [proposals_of(f"x{at}", [0.5]) for at in range(34)]

    assert control(every, FACE, AT_ITS_WORD).risk == 0.10


def test_what_rounding_keeps_is_not_counted_as_missed():
    """The threshold falls from 0.50008 to 0.5000, below the 0.50004 that the risk gives away."""
    every = [proposals_of(f"{at}", [0.50008]) for at in range(31)] + [proposals_of("x", [0.50004])]

    chosen = control(every, FACE, AT_ITS_WORD)

    assert (chosen.risk, chosen.review_at, chosen.missed) == (0.05, 0.5, 0)


def test_where_only_certainty_would_be_accepted_a_person_is_asked_about_all():
    every = [proposals_of(f"{at}", [0.5], false=[0.9999]) for at in range(39)]

    chosen = control(every, FACE, AT_ITS_WORD)

    assert (chosen.auto_redact_at, chosen.may_accept) == (1.0, False)


@pytest.mark.parametrize("count", [3, 9])
def test_where_no_risk_holds_nothing_that_was_seen_is_lost(count):
    every = [proposals_of(f"{at}", [0.5 + at / 20], unseen=1) for at in range(count)]

    chosen = control(every, FACE, AT_ITS_WORD)

    assert (chosen.risk, chosen.review_at) == (None, 0.5)
    assert (chosen.labels, chosen.missed) == (2 * count, count)


def test_the_risks_are_ascending_shares():
    assert list(RISKS) == sorted(set(RISKS))
    assert 0 < RISKS[0] < RISKS[-1] < 1


def test_what_is_false_and_sure_is_asked_about():
    false = [[0.9]] * 5 + [[0.3, 0.2]] * 15
    every = [proposals_of(f"{at:02}", [0.4], false=one) for at, one in enumerate(false)]

    chosen = control(every, FACE, AT_ITS_WORD)

    assert chosen.review_at == 0.4
    assert chosen.auto_redact_at == pytest.approx(0.9001)
    assert chosen.may_accept


@pytest.mark.parametrize(
    ("every", "why"),
    [
        pytest.param(twenty(false=[1.0]), "surely false everywhere", id="surely false"),
        pytest.param(twenty(false=[0.9])[:3], "four groups are needed", id="few groups"),
        pytest.param(
            twenty(false=[0.2], complete=(), partial=[FACE]), "all boxed partly", id="none complete"
        ),
    ],
)
def test_without_a_valid_auto_redact_at_all_are_asked_about(every, why):
    chosen = control(every, FACE, AT_ITS_WORD)

    assert (chosen.auto_redact_at, chosen.may_accept) == (1.0, False), why
    assert chosen.review_at == 0.5


def test_what_is_untold_is_neither_found_nor_needless():
    plain = twenty(false=[0.2])
    unlabelled = [
        proposals_of(f"x{at}", [0.01], false=[0.99], complete=[TATTOO, JEWELRY]) for at in range(20)
    ]

    assert control(plain + unlabelled, FACE, AT_ITS_WORD) == control(plain, FACE, AT_ITS_WORD)


def test_where_nothing_false_was_seen_all_that_is_seen_is_removed():
    chosen = control(twenty(), FACE, AT_ITS_WORD)

    assert (chosen.review_at, chosen.auto_redact_at, chosen.may_accept) == (0.5, 0.5, True)


def test_a_proposal_of_which_nothing_is_told_is_not_needless():
    untold = proposal(corners(9), 0.9, is_true=None)
    every = [replace(one, proposals=(*one.proposals, untold)) for one in twenty(false=[0.2])]

    assert control(every, FACE, AT_ITS_WORD) == control(twenty(false=[0.2]), FACE, AT_ITS_WORD)


_STEPS = range(1, 10_000)
_HAIR_BELOW = [at for at in _STEPS if np.nextafter(at / 10_000, 0.0) * 10_000 == at][:20]
_ON_STEP = [at for at in _STEPS if np.nextafter(at / 10_000, 2.0) * 10_000 == at][:20]


@pytest.mark.parametrize("at", _HAIR_BELOW)
def test_rounding_down_loses_no_label_a_hair_below_a_step(at):
    score = float(np.nextafter(at / 10_000, 0.0))

    assert control(twenty([score]), FACE, AT_ITS_WORD).review_at == (at - 1) / 10_000


@pytest.mark.parametrize("at", _ON_STEP)
def test_rounding_up_keeps_above_what_is_false_on_a_step(at):
    every = twenty([0.00005], false=[at / 10_000])

    assert control(every, FACE, AT_ITS_WORD).auto_redact_at == pytest.approx((at + 1) / 10_000)


def test_pictures_of_one_person_are_one_group():
    every = [proposals_of(f"{at:02}", [0.5], group=f"person {at % 10}") for at in range(40)]

    chosen = control(every, FACE, AT_ITS_WORD)

    assert (chosen.groups, chosen.labels) == (10, 40)
    assert chosen.risk == 0.10


def test_a_category_that_misses_too_much_gets_no_risk():
    every = twenty(unseen=1)

    chosen = control(every, FACE, AT_ITS_WORD)

    assert (chosen.risk, chosen.review_at) == (None, 0.5)
    assert (chosen.labels, chosen.missed) == (40, 20)


def test_other_categories_change_nothing():
    tattoos = [proposals_of(f"t{at}", [0.01], false=[1.0], category=TATTOO, complete=[TATTOO])
               for at in range(9)]  # fmt: skip

    assert control(twenty() + tattoos, FACE, AT_ITS_WORD) == control(twenty(), FACE, AT_ITS_WORD)


@pytest.mark.parametrize("every", [[], [proposals_of("empty")]], ids=["no picture", "no label"])
def test_a_category_without_labels_is_refused_with_a_sentence(every):
    with pytest.raises(TrainingRefused, match=r"No picture has a label of face.*add"):
        control(every, FACE, AT_ITS_WORD)


scores = st.one_of(
    st.floats(0.0001, 1.0),
    st.integers(1, 9999).map(lambda place: float(np.nextafter(place / 10_000, 0.0))),
    st.integers(1, 10_000).map(lambda place: place / 10_000),
)
pictures = st.lists(
    st.tuples(
        st.lists(scores, max_size=3),
        st.lists(scores, max_size=2),
        st.integers(0, 1),
        st.sampled_from("abcdefghijklmnopqrstuvwxyz"),
    ),
    min_size=1,
    max_size=30,
).filter(lambda every: any(seen or unseen for seen, _, unseen, _ in every))


@given(pictures)
def test_at_the_chosen_thresholds_the_promises_hold_on_the_pictures_themselves(every):
    one_by_one = [
        proposals_of(f"{at}", seen, false, unseen=unseen, group=group)
        for at, (seen, false, unseen, group) in enumerate(every)
    ]

    chosen = control(one_by_one, FACE, AT_ITS_WORD)

    hiding, needless = {}, {}
    for seen, false, unseen, group in every:
        needless.setdefault(group, []).append(max(false, default=0.0))
        if seen or unseen:
            hiding.setdefault(group, []).extend([*seen, *[NEVER] * unseen])
    seen = [score for scores in hiding.values() for score in scores if score > 0]
    assert 0.0 <= chosen.review_at <= chosen.auto_redact_at <= 1.0
    assert chosen.risk in (None, *RISKS)
    if chosen.risk is None:
        assert least_risk(hiding) > RISKS[-1]
        assert not [score for score in seen if score < chosen.review_at]
        assert min(seen, default=0.0) - chosen.review_at < STEP + 1e-12
    else:
        at_most = bound(missed_share(hiding, chosen.review_at), len(hiding))
        assert at_most <= chosen.risk + 1e-12
    fewest, most = (
        sum(s <= 0 or s < at for scores in hiding.values() for s in scores)
        for at in (chosen.review_at, chosen.review_at + STEP)
    )
    assert fewest <= chosen.missed <= most
    if chosen.may_accept and chosen.auto_redact_at < 1.0:
        at_most = bound(needless_share(needless, chosen.auto_redact_at), len(needless))
        assert at_most <= NEEDLESS_RISK
    if not chosen.may_accept:
        assert chosen.auto_redact_at == 1.0
