"""Edits of a draft: nothing is lost, nothing counts twice."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.review.draft import Draft, Item, first_draft
from engine.category import Category
from engine.geometry import Box, Size
from engine.plan import Origin, Plan, Region
from tests.scenes import region

SIZE = Size(200, 100)
FACE = region((10, 10, 40, 40))
DOUBT = region((60, 20, 90, 50), Category.TATTOO, 0.41)
PLAN = Plan("00", SIZE, (FACE,), (DOUBT,), (), "policy")
START = first_draft(PLAN)

numbers = st.integers(0, 1)
spans = st.floats(-300, 300).map(lambda value: round(value, 2))
edits = st.lists(
    st.one_of(
        st.tuples(st.just("drop"), numbers, st.booleans()),
        st.tuples(st.just("category"), numbers, st.sampled_from(Category)),
        st.tuples(st.just("nudge"), numbers, spans, spans),
        st.tuples(st.just("draw"), spans, spans, st.sampled_from(Category)),
    ),
    max_size=12,
)


def after(draft: Draft, edit: tuple) -> Draft:
    match edit:
        case "drop", number, dropped:
            return draft.with_dropped(number, dropped=dropped)
        case "category", number, category:
            return draft.with_category(number, category)
        case "nudge", number, dx, dy:
            return draft.nudged(number, dx, dy, SIZE)
        case _, x, y, category:
            return draft.with_drawn(Box.from_xywh(x, y, 30, 20), category, SIZE)


def test_review_starts_with_doubts_kept_which_is_the_safe_side():
    assert START.items == (Item(FACE), Item(DOUBT, needs_review=True))
    assert START.kept == (FACE, DOUBT)


def test_an_empty_plan_gives_an_empty_draft():
    assert first_draft(Plan("00", SIZE, (), (), (), "policy")).kept == ()


def test_a_dropped_line_stays_in_the_list_and_can_be_taken_back():
    dropped = START.with_dropped(0, dropped=True)

    assert dropped.kept == (DOUBT,)
    assert len(dropped.items) == 2
    assert dropped.with_dropped(0, dropped=False) == START


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        pytest.param((50, 60, 80, 90), (50, 60, 80, 90), id="inside"),
        pytest.param((-20, -20, 20, 20), (0, 0, 20, 20), id="over the corner"),
        pytest.param((-5, -5, 300, 300), (0, 0, 200, 100), id="the whole picture and more"),
        pytest.param((199, 99, 200, 100), (199, 99, 200, 100), id="one pixel"),
    ],
)
def test_a_drawn_box_is_clipped_and_comes_last(corners, expected):
    draft = START.with_drawn(Box(*corners), Category.JEWELRY, SIZE)

    assert draft.items[:2] == START.items
    assert draft.items[2] == Item(Region(Box(*expected), Category.JEWELRY, Origin.REVIEWER))


@pytest.mark.parametrize(
    "corners",
    [
        pytest.param((200, 10, 240, 40), id="touching from outside"),
        pytest.param((-50, -50, -10, -10), id="far outside"),
        pytest.param((50, 50, 50, 80), id="without width"),
        pytest.param((10.5, 10, 40, 40.5), id="drawn over one of its kind"),
    ],
)
def test_a_box_that_says_nothing_new_changes_nothing(corners):
    assert START.with_drawn(Box(*corners), Category.FACE, SIZE) is START


def test_the_same_box_is_new_in_another_category_or_over_a_dropped_one():
    other = START.with_drawn(FACE.box, Category.TATTOO, SIZE)
    again = START.with_dropped(0, dropped=True).with_drawn(FACE.box, Category.FACE, SIZE)

    assert len(other.kept) == 3
    assert FACE.box in [kept.box for kept in again.kept]


def test_a_box_moved_wholly_outside_is_dropped_where_it_last_was():
    moved = START.with_box(0, Box(300, 300, 330, 330), SIZE)

    assert moved.items[0] == Item(FACE, is_dropped=True)


@given(edits)
def test_no_edit_loses_or_renumbers_a_line_or_leaves_the_picture(steps):
    draft = START

    for step in steps:
        before, draft = draft, after(draft, step)
        assert len(draft.items) >= len(before.items)
        assert [item.needs_review for item in draft.items[:2]] == [False, True]
        for kept in draft.kept:
            assert kept.box == kept.box.clipped(SIZE)
            assert kept.box.area > 0


@given(edits)
def test_a_draft_survives_json_to_a_hundredth_of_a_pixel(steps):
    draft = START
    for step in steps:
        draft = after(draft, step)

    again = Draft.from_json(json.loads(json.dumps(draft.to_json())))

    assert len(again.items) == len(draft.items)
    for one, other in zip(draft.items, again.items, strict=True):
        assert (one.needs_review, one.is_dropped) == (other.needs_review, other.is_dropped)
        assert one.region.category is other.region.category
        assert one.region.box.corners == pytest.approx(other.region.box.corners, abs=0.00501)


def test_a_draft_made_of_a_verdict_keeps_its_regions_and_drops_the_rest():
    drawn = region((100, 10, 140, 40), Category.OTHER, None)

    draft = START.redrawn([DOUBT, drawn])

    assert draft.kept == (DOUBT, drawn)
    assert [item.is_dropped for item in draft.items] == [True, False, False]


def test_a_box_redrawn_a_little_larger_covers_both():
    size = Size(200, 200)
    draft = Draft().with_drawn(Box(10, 10, 110, 110), Category.FACE, size)

    draft = draft.with_drawn(Box(8, 12, 112, 109), Category.FACE, size)

    assert [region.box for region in draft.kept] == [Box(8, 10, 112, 110)]
