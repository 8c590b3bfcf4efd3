"""What comes from a browser is read strictly: anything the canvas does not send is refused."""

from __future__ import annotations

import copy
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.review.canvas.message import MOST_BOXES, Act, InvalidMessage, parse
from engine.category import Category
from engine.geometry import Box

GOOD = {
    "mount": "m",
    "number": 1,
    "picture": "p",
    "plan": "d",
    "act": "save",
    "boxes": [{"box": [1, 2.5, 30, 40], "category": "face", "dropped": False}],
    "has": ["p-1"],
}
plain = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def changed(**values: object) -> dict:
    return copy.deepcopy(GOOD) | values


def box(**values: object) -> dict:
    return changed(boxes=[GOOD["boxes"][0] | values])


def test_a_message_is_read():
    (message,) = parse({"messages": [GOOD]})

    assert (message.number, message.act, message.has) == (1, Act.SAVE, ("p-1",))
    assert message.boxes[0].box == Box(1, 2.5, 30, 40)
    assert message.boxes[0].category is Category.FACE
    assert not message.is_confirmed


def test_corners_in_another_order_are_the_same_box():
    (message,) = parse({"messages": [box(box=[30, 40, 1, 2.5])]})

    assert message.boxes[0].box == Box(1, 2.5, 30, 40)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="nothing"),
        pytest.param({"messages": {}}, id="no list"),
        pytest.param({"messages": [GOOD] * 101}, id="too many messages"),
        *(
            pytest.param({"messages": [one]}, id=name)
            for name, one in {
                "another category": box(category="granny"),
                "no truth value": box(dropped=1),
                "three corners": box(box=[1, 2, 3]),
                "text for a corner": box(box=[1, 2, 3, "4"]),
                "a truth value for a corner": box(box=[1, 2, 3, True]),
                "an endless corner": box(box=[1, 2, 3, float("inf")]),
                "no number at all": box(box=[1, 2, 3, float("nan")]),
                "a corner beyond every picture": box(box=[1, 2, 3, 1e12]),
                "too many boxes": changed(boxes=GOOD["boxes"] * (MOST_BOXES + 1)),
                "boxes that are no list": changed(boxes={}),
                "number 0": changed(number=0),
                "number true": changed(number=True),
                "an act that is none": changed(act="release"),
                "a picture without end": changed(picture="p" * 10_000),
                "a window of two": changed(window=[1, 2]),
                "options that are none": changed(options=["open"]),
                "has that is no list": changed(has="p"),
                "no plan": {key: value for key, value in GOOD.items() if key != "plan"},
                "no message": 5,
            }.items()
        ),
    ],
)
def test_what_the_canvas_does_not_send_is_refused_in_a_sentence(value):
    with pytest.raises(InvalidMessage, match=r"could not be read .* nothing was changed"):
        parse(value)


@given(plain)
def test_nothing_that_is_sent_breaks_the_page(value):
    for sent in (value, {"messages": value}, {"messages": [value]}, {"messages": [GOOD, value]}):
        with suppress(InvalidMessage):
            parse(sent)


def test_only_true_is_a_confirmation():
    for value in ("true", 1, None, [True]):
        (message,) = parse({"messages": [changed(confirmed=value)]})
        assert not message.is_confirmed
