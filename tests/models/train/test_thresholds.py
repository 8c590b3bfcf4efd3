"""Thresholds are the best valid ones, and what they promise holds on average."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.evaluation.matching import NEVER
from models.train.errors import TrainingRefused
from models.train.thresholds import (
    NEEDLESS_RISK,
    WORST_RISK,
    Control,
    bound,
    control,
    first_valid,
    last_valid,
    least_risk,
)
from tests.engine.evaluation.made import FACE, JEWELRY, TATTOO
from tests.models.train.proposed import AT_ITS_WORD, corners, judged, proposal

STEP = 1e-4
"""What rounding to four digits can move."""
DRAWS = 600
hidden = st.one_of(st.just(NEVER), st.integers(1, 20).map(lambda twentieth: twentieth / 20))
seen_false = st.integers(0, 20).map(lambda twentieth: twentieth / 20)
risks = st.floats(0.0, 1.0)


def groups(scores):
    return st.dictionaries(
        st.sampled_from("abcdefgh"), st.lists(scores, min_size=1, max_size=4), min_size=1
    )


def missed_share(hiding, threshold):
    """The mean over groups of the share of labels that a threshold does not hide."""
    shares = []
    for scores in hiding.values():
        missed = sum(1 for score in scores if score <= 0 or score < threshold)
        shares.append(missed / len(scores))
    return sum(shares) / len(shares)


def needless_share(needless, threshold):
    shares = [
        sum(1 for score in scores if score >= threshold) / len(scores)
        for scores in needless.values()
    ]
    return sum(shares) / len(shares)


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
    return [judged(f"{number:02}", scores, **how) for number in range(20)]


def test_the_thresholds_of_a_category():
    every = [judged(f"{at:02}", [0.5 + at / 100], false=[0.1 + at / 100]) for at in range(20)]

    chosen = control(every, FACE, AT_ITS_WORD)

    # 0.20 of 21 groups are 4.2: three of the twenty may have something needless, and one is added.
    assert chosen == Control(
        doubt_at=0.5,
        accept_at=0.5,
        risk=pytest.approx(1 / 21),
        groups=20,
        labels=20,
        missed=0,
        needless=pytest.approx(4 / 21),
    )
    assert chosen.is_useful


def test_what_is_false_and_sure_is_asked_about():
    false = [[0.9]] * 5 + [[0.3, 0.2]] * 15
    every = [judged(f"{at:02}", [0.4], false=one) for at, one in enumerate(false)]

    chosen = control(every, FACE, AT_ITS_WORD)

    assert chosen.doubt_at == 0.4
    assert chosen.accept_at == pytest.approx(0.9001)
    assert chosen.needless == pytest.approx(1 / 21)


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
def test_without_a_valid_accept_at_all_are_asked_about(every, why):
    chosen = control(every, FACE, AT_ITS_WORD)

    assert (chosen.accept_at, chosen.needless) == (1.0, None), why
    assert chosen.doubt_at == 0.5


def test_what_is_untold_is_neither_found_nor_needless():
    plain = twenty(false=[0.2])
    unlabelled = [
        judged(f"x{at}", [0.01], false=[0.99], complete=[TATTOO, JEWELRY]) for at in range(20)
    ]

    assert control(plain + unlabelled, FACE, AT_ITS_WORD) == control(plain, FACE, AT_ITS_WORD)


def test_where_nothing_false_was_seen_all_that_is_seen_is_removed():
    chosen = control(twenty(), FACE, AT_ITS_WORD)

    assert (chosen.doubt_at, chosen.accept_at) == (0.5, 0.5)
    assert chosen.needless == pytest.approx(1 / 21)


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

    assert control(twenty([score]), FACE, AT_ITS_WORD).doubt_at == (at - 1) / 10_000


@pytest.mark.parametrize("at", _ON_STEP)
def test_rounding_up_keeps_above_what_is_false_on_a_step(at):
    every = twenty([0.00005], false=[at / 10_000])

    assert control(every, FACE, AT_ITS_WORD).accept_at == pytest.approx((at + 1) / 10_000)


def test_pictures_of_one_person_are_one_group():
    every = [judged(f"{at:02}", [0.5], group=f"person {at % 5}") for at in range(20)]

    chosen = control(every, FACE, AT_ITS_WORD)

    assert (chosen.groups, chosen.labels) == (5, 20)
    assert chosen.risk == pytest.approx(1 / 6)


def test_a_category_that_misses_too_much_is_of_no_use():
    every = twenty(unseen=1)

    chosen = control(every, FACE, AT_ITS_WORD)

    assert chosen.risk == pytest.approx((20 * 0.5 + 1) / 21)
    assert chosen.risk > WORST_RISK
    assert not chosen.is_useful
    assert (chosen.labels, chosen.missed) == (40, 20)


def test_other_categories_change_nothing():
    tattoos = [judged(f"t{at}", [0.01], false=[1.0], category=TATTOO, complete=[TATTOO])
               for at in range(9)]  # fmt: skip

    assert control(twenty() + tattoos, FACE, AT_ITS_WORD) == control(twenty(), FACE, AT_ITS_WORD)


@pytest.mark.parametrize("every", [[], [judged("empty")]], ids=["no picture", "no label"])
def test_a_category_without_labels_is_refused_with_a_sentence(every):
    with pytest.raises(TrainingRefused, match=r"No picture of half B has a label of face.*add"):
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
        st.sampled_from("abcdefg"),
    ),
    min_size=1,
    max_size=12,
).filter(lambda every: any(seen or unseen for seen, _, unseen, _ in every))


@given(pictures)
def test_at_the_chosen_thresholds_the_promises_hold_on_the_pictures_themselves(every):
    one_by_one = [
        judged(f"{at}", seen, false, unseen=unseen, group=group)
        for at, (seen, false, unseen, group) in enumerate(every)
    ]

    chosen = control(one_by_one, FACE, AT_ITS_WORD)

    unseen = sum(one[2] for one in every)
    lost = sum(score < chosen.doubt_at for seen, *_ in every for score in seen)
    assert 0.0 <= chosen.doubt_at <= chosen.accept_at <= 1.0
    assert lost == 0
    assert chosen.missed == unseen
    lowest = min((score for seen, *_ in every for score in seen), default=0.0)
    assert lowest - chosen.doubt_at < STEP + 1e-12
    if chosen.needless is not None:
        needless = {}
        for _, false, _, group in every:
            needless.setdefault(group, []).append(max(false, default=0.0))
        if chosen.accept_at < 1.0:
            at_most = bound(needless_share(needless, chosen.accept_at), len(needless))
            assert at_most <= chosen.needless + 1e-12
        assert chosen.needless <= NEEDLESS_RISK


def person(rng):
    """Scores at which one person's labels are hidden: some people are hard to see in all of them.

    Heavy ties, empty chances and groups of unequal size, as in real calibration pictures.
    """
    ease = rng.beta(2, 1)
    found = rng.random(rng.integers(1, 7)) < 0.6 + 0.4 * ease
    return np.where(found, np.round(rng.random(len(found)) ** 0.5 * ease, 2), NEVER).tolist()


@pytest.mark.parametrize("count", [4, 12])
@pytest.mark.parametrize("risk", [None, 0.4], ids=["least", "0.4"])
def test_on_average_one_more_person_loses_no_more_than_was_promised(rng, count, risk):
    over = []
    for _ in range(DRAWS):
        hiding = {str(number): person(rng) for number in range(count)}
        promised = least_risk(hiding) if risk is None else max(risk, least_risk(hiding))
        threshold = last_valid(hiding, promised)
        over.append(missed_share({"new": person(rng)}, threshold) - promised)

    error = np.std(over) / math.sqrt(len(over))
    assert np.mean(over) <= 2 * error


@pytest.mark.parametrize("count", [5, 12])
def test_on_average_one_more_person_sees_no_more_needless_removal_than_was_promised(rng, count):
    def needless():
        sure = rng.random() ** 2
        return np.round(rng.random(rng.integers(1, 6)) * sure, 2).tolist()

    lost = []
    for _ in range(DRAWS):
        threshold = first_valid({str(number): needless() for number in range(count)}, NEEDLESS_RISK)
        lost.append(needless_share({"new": needless()}, threshold))

    assert np.mean(lost) <= NEEDLESS_RISK + 2 * np.std(lost) / math.sqrt(len(lost))
