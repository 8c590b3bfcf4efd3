"""Thresholds within a budget: what they cost, and that the budget is kept where it can be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import DETECTABLE
from models.train.calibration.budget import BUDGETS, Budget, Scored, cost, within_budget
from models.train.calibration.thresholds import Control, Limits, control
from tests.engine.evaluation.made import FACE, JEWELRY, TATTOO
from tests.models.train.proposed import AT_ITS_WORD, proposal, proposals_of

ALL = (FACE, TATTOO, JEWELRY)


def pictures(count=40, false=(0.3,), seen=0.6):
    """Of each category `count` pictures of one person each, with a label and false proposals."""
    return [
        proposals_of(f"{category} {at}", [seen], false, category=category, complete=ALL)
        for category in DETECTABLE
        for at in range(count)
    ]


def budget(*, false_regions=3.0, false_share=1.0, to_a_person=1.0, needless=(0.1,)):
    limits = Limits(false_regions=false_regions, false_share=false_share)
    return Budget(limits, to_a_person, needless)


def test_of_no_picture_nothing_is_spent():
    spent = cost([], {}, 0.5)

    assert (spent.pictures, spent.to_a_person, spent.boxes, spent.removed) == (0, 0.0, (0, 0), 0.0)


def test_a_budget_that_is_wide_enough_changes_nothing():
    every = pictures()

    controls, _ = within_budget(every, AT_ITS_WORD, budget(), 1.0)

    for category in DETECTABLE:
        limits = Limits(needless=0.1)
        assert controls[category] == control(every, category, AT_ITS_WORD, limits)


def test_where_the_budget_keeps_no_risk_nothing_is_promised():
    every = [proposals_of(f"{at}", [0.3], [0.9], complete=[FACE]) for at in range(40)]

    chosen = control(every, FACE, AT_ITS_WORD, Limits((0.05, 0.10), false_regions=0.0))

    assert (chosen.risk, chosen.is_by_budget, chosen.missed) == (None, True, 40)
    assert chosen.review_at > 0.9
    assert chosen.false_regions == 0.0


@pytest.mark.parametrize(
    ("allowed", "above", "share"),
    [(0.07, 0.0, 0.06), (0.05, 0.2, 0.02), (0.01, 0.3, 0.0)],
    ids=["both", "the smaller", "neither"],
)
def test_what_lies_under_false_masks_is_within_the_budget(allowed, above, share):
    """Of each picture 4 % lie under something false at 0.2, 2 % under something at 0.3."""
    false = (
        proposal((500, 0, 700, 200), 0.2, is_true=False),
        proposal((500, 500, 600, 700), 0.3, is_true=False),
    )
    seen = [proposals_of(f"{at}", [0.1], complete=[FACE]) for at in range(40)]
    every = [replace(one, proposals=one.proposals + false) for one in seen]

    chosen = control(every, FACE, AT_ITS_WORD, Limits((0.05,), false_share=allowed))

    assert above < chosen.review_at <= above + 0.1
    assert chosen.false_share == pytest.approx(share)
    assert chosen.is_by_budget is (above > 0)


@pytest.mark.parametrize(
    ("price", "found"), [(0.0, 39), (9.0, 39), (11.0, 40)], ids=["none", "too low", "paid"]
)
def test_one_more_label_is_found_where_it_is_worth_its_price(price, found):
    """Of 40 people one is seen at 0.2 alone, where ten others have something false."""
    every = [proposals_of(f"{at}", [0.6], complete=[FACE]) for at in range(29)]
    every += [proposals_of(f"x{at}", [0.6], [0.3], complete=[FACE]) for at in range(10)]
    every.append(proposals_of("hard", [0.2], complete=[FACE]))

    chosen = control(every, FACE, AT_ITS_WORD, Limits((0.05,), price=price))

    assert chosen.labels - chosen.missed == found


@pytest.mark.parametrize(
    ("free", "above"),
    [
        ((0.0, 0.0), 0.5999),
        ((0.3, 1.0), 0.5),
        ((0.6, 1.0), 0.4),
        ((0.6, 0.0), 0.5),
        ((2, 1), 0.0499),
    ],
    ids=["nothing", "few", "half", "but no area", "all: down to what is no reason to ask"],
)
def test_what_may_be_spent_freely_is(free, above):
    """Half of the people have something false at 0.5, all at 0.4; of the labels one is at 0.3."""
    every = [
        proposals_of(f"{at}", [0.6], [0.4, 0.5][: 1 + at % 2], complete=[FACE]) for at in range(60)
    ]
    every.append(proposals_of("hard", [0.3], complete=[FACE]))
    limits = Limits((0.05,), free_regions=free[0], free_share=free[1])

    chosen = control(every, FACE, AT_ITS_WORD, limits).review_at

    assert chosen == pytest.approx(above + 0.0001)


def test_no_price_is_paid_beyond_the_budget():
    every = [proposals_of(f"{at}", [0.6], [0.3], complete=[FACE]) for at in range(39)]
    every.append(proposals_of("hard", [0.2], complete=[FACE]))

    chosen = control(every, FACE, AT_ITS_WORD, Limits((0.05,), false_regions=0.5, price=1000.0))

    assert chosen.missed == 1
    assert chosen.false_regions == 0.0


def test_the_promise_is_the_smallest_risk_that_the_budget_leaves():
    """Of 59 groups one is missed: 2 of 60 is above 0.03 and below 0.05."""
    every = [proposals_of(f"{at}", [0.6], [0.3], complete=[FACE]) for at in range(58)]
    every.append(proposals_of("low", [0.2], complete=[FACE]))

    free = control(every, FACE, AT_ITS_WORD, Limits((0.02, 0.03, 0.05)))
    strict = control(every, FACE, AT_ITS_WORD, Limits((0.02, 0.03, 0.05), false_regions=0.5))

    assert (free.risk, free.review_at, free.missed) == (0.02, 0.2, 0)
    assert (strict.risk, strict.missed) == (0.05, 1)
    assert 0.3 < strict.review_at <= 0.6


@pytest.mark.parametrize(
    ("to_a_person", "needless"), [(1.0, 0.1), (0.0, 0.9)], ids=["may ask", "must not ask"]
)
def test_more_is_removed_needlessly_only_where_too_many_would_be_asked(to_a_person, needless):
    """Half of the people have something false that is surer than their labels."""
    every = [
        proposals_of(
            f"{category} {at}", [0.5], [0.7] if at % 2 else [], category=category, complete=ALL
        )
        for category in DETECTABLE
        for at in range(40)
    ]

    controls, spent = within_budget(
        every, AT_ITS_WORD, budget(to_a_person=to_a_person, needless=(0.1, 0.9)), 1.0
    )

    assert {one.needless for one in controls.values()} == {needless}
    assert (spent.to_a_person == 0.0) is (to_a_person == 0.0)


def test_a_budget_for_one_category_is_spent_on_the_one_that_asks_for_fewest():
    """Of tattoos a quarter of the people has something false, of the others half; one is unsure."""
    every = [
        proposals_of(
            f"{category} {at}",
            [0.5 if at == 1 else 0.9],
            [0.7] if at % (4 if category is TATTOO else 2) == 0 else [],
            category=category,
            complete=ALL,
        )
        for category in DETECTABLE
        for at in range(40)
    ]

    controls, spent = within_budget(
        every, AT_ITS_WORD, budget(to_a_person=0.1, needless=(0.05, 0.9)), 1.0
    )

    assert {category: one.needless for category, one in controls.items()} == {
        FACE: 0.9,
        TATTOO: 0.05,
        JEWELRY: 0.9,
    }
    assert spent.to_a_person == pytest.approx(11 / 120)


def test_what_is_spent_counts_pictures_boxes_and_pixels():
    every = [
        proposals_of("asked", [0.7, 0.5], complete=ALL),
        proposals_of("sure", [0.9], complete=ALL),
        proposals_of("too little", [0.1], complete=ALL),
        proposals_of("empty", complete=ALL),
    ]
    chosen = Control(0.5, 0.7, 0.1, 1, 1, 0, may_accept=True)
    likely = [Scored(one, {FACE: [each.cluster.score for each in one.of(FACE)]}) for one in every]

    spent = cost(likely, {FACE: chosen}, 0.5)

    boxes_px2 = 2 * 40**2 + 40**2
    assert (spent.pictures, spent.to_a_person, spent.boxes) == (4, 0.25, (2, 2))
    assert spent.removed == pytest.approx(boxes_px2 / 1000**2 / 4)


@pytest.mark.parametrize(
    ("most", "asked"), [(0.99, 0.0), (0.02, 1.0)], ids=["little of it", "most of it"]
)
def test_a_picture_of_which_much_would_be_removed_goes_to_a_person(most, asked):
    every = [proposals_of("close", [0.9] * 20, complete=ALL)]
    chosen = Control(0.5, 0.7, 0.1, 1, 1, 0, may_accept=True)
    likely = [Scored(one, {FACE: [each.cluster.score for each in one.of(FACE)]}) for one in every]

    assert cost(likely, {FACE: chosen}, most).to_a_person == asked


def test_who_asks_less_has_the_smaller_budgets():
    cautious, balanced, fast = (BUDGETS[name] for name in ("cautious", "balanced", "fast"))

    assert cautious.limits.false_regions > balanced.limits.false_regions > fast.limits.false_regions
    assert cautious.to_a_person > balanced.to_a_person > fast.to_a_person


@pytest.mark.slow
@given(st.lists(st.tuples(*[st.integers(1, 99)] * 3), min_size=12, max_size=30))
def test_who_may_spend_more_misses_no_more(scores):
    """Of each person one label and two false proposals, in hundredths."""
    every = [
        proposals_of(f"{at}", [seen / 100], [one / 100 for one in false], complete=[FACE])
        for at, (seen, *false) in enumerate(scores)
    ]

    thresholds = [
        control(
            every,
            FACE,
            AT_ITS_WORD,
            BUDGETS[name].limits,
        ).review_at
        for name in ("cautious", "balanced", "fast")
    ]

    assert thresholds == sorted(thresholds)
