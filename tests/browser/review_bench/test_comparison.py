import pytest

from engine.category import Category
from engine.evaluation.data.labels import Label
from engine.geometry import Box, PixelRect, Size
from engine.policy import default_policy
from tests.browser.review_bench.comparison import Changes, ShownBox, changes, uncovered

SIZE = Size(400, 300)
FACE = Label(Box(100, 100, 160, 160), Category.FACE)


def shown(*corners, number=0, category=Category.FACE, is_dropped=False):
    return ShownBox(number, category, Box(*corners), is_unsure=False, is_dropped=is_dropped)


CASES = {
    "nothing shown, nothing there": ([], [], Changes((), (), ())),
    "a label without a box is drawn": ([], [FACE], Changes((), (), (FACE,))),
    "a box without a label is dropped": ([shown(10, 10, 40, 40)], [], Changes((0,), (), ())),
    "a box that fits stays": ([shown(98, 101, 161, 158)], [FACE], Changes((), (), ())),
    "a box of another category that hides it stays": (
        [shown(98, 98, 162, 162, category=Category.TATTOO)],
        [FACE],
        Changes((), (), ()),
    ),
    "a box that fits, and was dropped, is kept again": (
        [shown(98, 98, 162, 162, is_dropped=True)],
        [FACE],
        Changes((), (0,), ()),
    ),
    "a box over everything fits nothing": (
        [shown(0, 0, 400, 300)],
        [FACE],
        Changes((0,), (), (FACE,)),
    ),
    "a box beside it is dropped, and the label drawn": (
        [shown(160, 100, 220, 160)],
        [FACE],
        Changes((0,), (), (FACE,)),
    ),
    "a label that counts for nothing keeps its box": (
        [shown(100, 100, 160, 160)],
        [Label(FACE.box, Category.FACE, is_ignored=True)],
        Changes((), (), ()),
    ),
    "a label that counts for nothing is not drawn": (
        [],
        [Label(FACE.box, Category.FACE, is_ignored=True)],
        Changes((), (), ()),
    ),
    "wrong boxes in the order of the list": (
        [shown(10, 10, 30, 30, number=2), shown(50, 50, 70, 70, number=0)],
        [],
        Changes((2, 0), (), ()),
    ),
}


@pytest.mark.parametrize(("boxes", "labels", "expected"), CASES.values(), ids=list(CASES))
def test_what_is_changed(boxes, labels, expected):
    assert changes(boxes, labels, SIZE, default_policy()) == expected


def test_a_label_is_covered_from_nine_tenths_on():
    tenth = PixelRect(100, 100, 154, 160)
    less = PixelRect(100, 100, 153, 160)

    assert uncovered([FACE], [tenth]) == ()
    assert uncovered([FACE], [less]) == (FACE,)
