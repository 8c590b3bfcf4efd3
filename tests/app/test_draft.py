"""Edits of a draft: what a model proposed is never lost, nothing leaves the picture."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.review.draft import Draft, EditedBox, InvalidEdit, Item, first_draft
from engine.category import Category
from engine.geometry import Box, Size
from engine.plan import Origin, Plan, Region
from tests.scenes import region

SIZE = Size(200, 100)
FACE = region((10.25, 10, 40, 40))
DOUBT = region((60, 20, 90, 50), Category.TATTOO, 0.41)
PLAN = Plan("00", SIZE, (FACE,), (DOUBT,), (), "policy")
START = first_draft(PLAN)

corners = st.floats(-300, 300).map(lambda value: round(value, 2))
edits = st.builds(
    lambda x, y, category, dropped: EditedBox(
        Box(min(x), min(y), max(x), max(y)), category, dropped
    ),
    st.tuples(corners, corners),
    st.tuples(corners, corners),
    st.sampled_from(Category),
    st.booleans(),
)


def as_sent(draft: Draft) -> list[EditedBox]:
    return [EditedBox(one.region.box, one.region.category, one.is_dropped) for one in draft.items]


def test_review_starts_with_what_needs_it_first_and_everything_kept_which_is_the_safe_side():
    assert START.items == (Item(DOUBT, needs_review=True), Item(FACE))
    assert START.kept == (DOUBT, FACE)


def test_an_empty_plan_gives_an_empty_draft():
    empty = first_draft(Plan("00", SIZE, (), (), (), "policy"))

    assert empty.kept == ()
    assert empty.edited([], SIZE) == empty


def test_boxes_that_come_back_as_they_were_change_nothing():
    assert START.edited(as_sent(START), SIZE) == START


def test_a_dropped_line_stays_in_the_list_and_can_be_taken_back():
    sent = as_sent(START)
    dropped = START.edited([EditedBox(sent[0].box, sent[0].category, True), sent[1]], SIZE)

    assert dropped.kept == (FACE,)
    assert len(dropped.items) == 2
    assert dropped.edited(sent, SIZE) == START


def test_what_a_model_said_is_not_the_browsers_to_say():
    sent = [EditedBox(Box(1, 1, 9, 9), Category.OTHER, False), as_sent(START)[1]]

    (item, _) = START.edited(sent, SIZE).items

    assert item == Item(Region(Box(1, 1, 9, 9), Category.OTHER, Origin.MODEL, 0.41), True)


def test_what_a_receipt_says_a_model_proposed_stays_a_models_without_its_score():
    """A picture that is sent back after its release: receipts tell of no scores."""
    begun = first_draft(Plan("00", SIZE, (replace(FACE, score=None),), (), (), "policy"))
    (sent,) = as_sent(begun)

    (item,) = begun.edited([replace(sent, box=Box(1, 1, 9, 9))], SIZE).items

    assert item == Item(Region(Box(1, 1, 9, 9), Category.FACE, Origin.MODEL))


@pytest.mark.parametrize("origin", Origin)
def test_what_the_plan_proposed_cannot_be_taken_away_whoever_proposed_it_first(origin):
    begun = first_draft(Plan("00", SIZE, (Region(FACE.box, Category.FACE, origin),), (), (), "p"))

    for draft in (begun, begun.redrawn(begun.kept), Draft.from_json(begun.to_json())):
        with pytest.raises(InvalidEdit, match="0 boxes of 1"):
            draft.edited([], SIZE)


def test_a_draft_saved_before_it_told_how_many_lines_are_fixed_fixes_those_of_models():
    drawn = EditedBox(Box(100, 10, 140, 40), Category.OTHER, False)
    kept = START.edited([*as_sent(START), drawn], SIZE).to_json()
    del kept["fixed"]

    assert Draft.from_json(kept).fixed == 2


@pytest.mark.parametrize("count", [0, 1])
def test_a_line_that_was_proposed_cannot_be_taken_away(count):
    with pytest.raises(InvalidEdit, match=f"{count} boxes of 2"):
        START.edited(as_sent(START)[:count], SIZE)


def test_a_drawn_line_can_be_taken_away_which_is_what_undo_does():
    drawn = EditedBox(Box(100, 10, 140, 40), Category.OTHER, False)
    more = START.edited([*as_sent(START), drawn], SIZE)
    assert more.items[2] == Item(Region(drawn.box, Category.OTHER, Origin.REVIEWER))

    assert more.edited(as_sent(START), SIZE) == START


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param((50, 60, 80, 90), (50, 60, 80, 90), id="inside"),
        pytest.param((-20, -20, 20, 20), (0, 0, 20, 20), id="over the corner"),
        pytest.param((-5, -5, 300, 300), (0, 0, 200, 100), id="the whole picture and more"),
        pytest.param((199, 99, 200, 100), (199, 99, 200, 100), id="one pixel"),
    ],
)
def test_a_drawn_box_is_clipped_and_comes_last(sent, expected):
    drawn = EditedBox(Box(*sent), Category.JEWELRY, False)

    draft = START.edited([*as_sent(START), drawn], SIZE)

    assert draft.items[:2] == START.items
    assert draft.items[2] == Item(Region(Box(*expected), Category.JEWELRY, Origin.REVIEWER))


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param((200, 10, 240, 40), id="touching from outside"),
        pytest.param((-50, -50, -10, -10), id="far outside"),
        pytest.param((50, 50, 50, 80), id="without width"),
    ],
)
def test_a_box_without_a_part_of_the_picture_is_none_or_is_dropped_where_it_last_was(sent):
    nothing = EditedBox(Box(*sent), Category.TATTOO, False)

    assert START.edited([*as_sent(START), nothing], SIZE) == START
    assert START.edited([nothing, as_sent(START)[1]], SIZE).items[0] == Item(
        DOUBT, needs_review=True, is_dropped=True
    )


@given(st.lists(edits, min_size=2, max_size=8))
def test_no_edit_loses_a_line_or_leaves_the_picture(sent):
    draft = START.edited(sent, SIZE)

    assert len(draft.items) >= 2
    assert [item.needs_review for item in draft.items[:2]] == [True, False]
    assert [item.region.score for item in draft.items[:2]] == [0.41, 0.9]
    for kept in draft.kept:
        assert kept.box == kept.box.clipped(SIZE)
        assert kept.box.area > 0


@given(st.lists(edits, min_size=2, max_size=8))
def test_a_draft_survives_json_to_a_hundredth_of_a_pixel(sent):
    draft = START.edited(sent, SIZE)

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
    assert [item.is_dropped for item in draft.items] == [False, True, False]
    assert draft.fixed == 2


def test_what_a_model_proposed_stays_its_own_where_a_decision_moved_it():
    moved = replace(FACE, box=Box(12, 10, 44, 40))
    drawn = region((100, 10, 140, 40), Category.OTHER, None)

    draft = START.redrawn([moved, drawn])

    again = draft.edited(as_sent(draft), SIZE)
    assert [one.origin for one in again.kept] == [Origin.MODEL, Origin.REVIEWER]
    assert again.kept[0].score == FACE.score
