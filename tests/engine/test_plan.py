from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import Category
from engine.geometry import Box, PixelRect, Size
from engine.plan import Detection, Origin, Plan, Reason, ReasonKind, Region
from engine.receipt import region_lines
from tests.scenes import region

corner = st.integers(0, 400_000).map(lambda number: number / 100)
regions = st.builds(
    Region,
    st.builds(Box.from_xywh, corner, corner, corner, corner).map(
        lambda box: Box(*(round(value, 2) for value in box.corners))
    ),
    st.sampled_from(Category),
    st.sampled_from(Origin),
    st.none() | st.integers(0, 10_000).map(lambda number: number / 10_000),
)
plans = st.builds(
    Plan,
    image_id=st.text(min_size=1),
    size=st.builds(Size, st.integers(1, 9999), st.integers(1, 9999)),
    regions=st.lists(regions, max_size=3).map(tuple),
    review_regions=st.lists(regions, max_size=3).map(tuple),
    reasons=st.lists(st.builds(Reason, st.sampled_from(ReasonKind), st.text()), max_size=3).map(
        tuple
    ),
    policy=st.text(),
    not_looked_for=st.lists(st.sampled_from(Category), max_size=3).map(tuple),
    weights=st.lists(st.text(), max_size=2).map(tuple),
    revision=st.integers(0, 99),
)


def a_plan(
    review_regions: tuple[Region, ...] = (), reasons: tuple[Reason, ...] = (), **others: object
) -> Plan:
    return Plan("picture", Size(100, 80), (), review_regions, reasons, "policy", **others)


@given(plans)
def test_a_plan_survives_a_json_line(plan):
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@given(regions)
def test_a_region_survives_a_json_line(one):
    assert Region.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_a_bare_box_with_a_category_is_a_reviewers_region():
    read = Region.from_json({"box": [1, 2, 3, 4], "category": "other"})

    assert read == Region(Box(1, 2, 3, 4), Category.OTHER, Origin.REVIEWER)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"box": [1, 2, 3, 4]},
        {"box": [1, 2, 3], "category": "face"},
        {"box": [4, 2, 3, 4], "category": "face"},
        {"box": [1, 2, 3, "NaN"], "category": "face"},
        {"box": None, "category": "face"},
        {"box": [1, 2, 3, 4], "category": "car"},
        {"box": [1, 2, 3, 4], "category": "face", "origin": "nobody"},
    ],
    ids=["empty", "no category", "3 corners", "out of order", "NaN", "no box", "car", "nobody"],
)
def test_what_is_no_region_is_refused(value):
    with pytest.raises((ValueError, KeyError, TypeError)):
        Region.from_json(value)


@pytest.mark.parametrize(
    ("review_regions", "reasons", "is_ready"),
    [
        pytest.param((), (), True, id="empty"),
        pytest.param((region((0, 0, 9, 9)),), (), False, id="a doubt"),
        pytest.param((), (Reason(ReasonKind.AUDIT_SAMPLE),), False, id="a reason"),
    ],
)
def test_a_plan_is_ready_when_nothing_is_left_to_decide(review_regions, reasons, is_ready):
    assert a_plan(review_regions, reasons).is_ready is is_ready


def test_review_starts_from_regions_and_doubts():
    sure, unsure = region((0, 0, 9, 9)), region((20, 20, 30, 30), score=0.3)
    plan = Plan("picture", Size(100, 80), (sure,), (unsure,), (), "policy")

    assert plan.proposed == (sure, unsure)


def test_what_a_person_would_miss_most_comes_first():
    unsure = Reason(ReasonKind.UNSURE, "face 0.40")
    three = tuple(region((x, 0, x + 9, 9), score=0.45) for x in (0, 20, 40))
    in_order = [
        a_plan(three, (unsure,)),
        a_plan((), (Reason(ReasonKind.NO_DETECTOR, "tattoo"),)),
        a_plan((region((0, 0, 9, 9), score=0.45),), (unsure,)),
        a_plan((region((0, 0, 9, 9), score=0.2),), (unsure,)),
        a_plan((), (Reason(ReasonKind.AUDIT_SAMPLE),)),
        a_plan(),
    ]

    risks = [plan.risk for plan in in_order]

    assert risks == sorted(risks, reverse=True)
    assert len(set(risks)) == len(risks)
    assert risks[-1] == 0.0


@given(plans)
def test_risk_lies_between_0_and_1(plan):
    assert 0.0 <= plan.risk < 1.0


@pytest.mark.parametrize("kind", ReasonKind)
@pytest.mark.parametrize("detail", ["", "tattoo 0.41", "a: b"], ids=["empty", "plain", "colon"])
def test_a_reason_can_be_read_back(kind, detail):
    reason = Reason(kind, detail)

    assert Reason.parse(str(reason)) == reason


def test_an_unknown_reason_is_refused():
    with pytest.raises(ValueError, match="because"):
        Reason.parse("because: of this")


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan")])
def test_a_score_outside_0_to_1_is_refused(score):
    with pytest.raises(ValueError, match="score must lie in"):
        Detection(Box(0, 0, 1, 1), Category.FACE, score, "fake@00000000")


def test_lines_for_outsiders_hold_no_scores():
    masked = region((0, 0, 9, 9)).with_rect(PixelRect(0, 0, 16, 16))

    lines = region_lines([masked], scores=False)

    assert lines == [
        {"category": "face", "box": [0, 0, 9, 9], "origin": "model", "masked": [0, 0, 16, 16]}
    ]


def test_a_rectangle_of_each_region_is_demanded():
    with pytest.raises(ValueError, match="expected a region with its masked rectangle"):
        region_lines([region((0, 0, 9, 9))], scores=False)


@pytest.mark.parametrize(
    "change",
    [{"box": Box(3, 3, 40, 40)}, {"category": Category.TATTOO}],
    ids=["another box", "another category, another margin"],
)
def test_a_region_that_is_changed_has_no_rectangle_until_it_is_computed_anew(change):
    masked = region((0, 0, 9, 9)).with_rect(PixelRect(0, 0, 16, 16))

    assert masked.has_rect
    assert not replace(masked, **change).has_rect


def test_rectangles_change_neither_the_digest_nor_the_json_of_a_plan():
    plan = replace(a_plan((region((5, 5, 9, 9), score=0.3),)), regions=(region((0, 0, 9, 9)),))
    rects = (PixelRect(0, 0, 16, 16), PixelRect(0, 0, 24, 24))

    masked = plan.with_rects(rects)

    assert tuple(one.rect for one in (*masked.regions, *masked.review_regions)) == rects
    assert (masked.digest, masked.to_json(), masked) == (plan.digest, plan.to_json(), plan)


def test_a_plan_takes_rectangles_of_all_its_regions_or_none():
    plan = a_plan((region((5, 5, 9, 9), score=0.3), region((0, 0, 9, 9), score=0.2)))

    assert not any(one.has_rect for one in plan.with_rects([PixelRect(0, 0, 9, 9)]).proposed)
