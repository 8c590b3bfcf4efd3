from __future__ import annotations

import pytest

from engine.evaluation.scores.compare import compare
from tests.engine.evaluation.made import FACE, TATTOO, label, masked, scored

BOX, FAR = (100, 100, 200, 200), (500, 500, 600, 600)
BOTH = (label(BOX), label(FAR))


def evaluation(*found, labels=BOTH, name="picture"):
    return [scored(labels, [masked(corners) for corners in found], name=name)]


@pytest.mark.parametrize(
    ("before", "after", "gained", "lost"),
    [
        pytest.param([], [], [], [], id="nothing found in either"),
        pytest.param([BOX], [BOX], [], [], id="the same"),
        pytest.param([], [BOX], [BOX], [], id="gained"),
        pytest.param([BOX], [], [], [BOX], id="lost"),
        pytest.param([BOX], [FAR], [FAR], [BOX], id="one for another"),
    ],
)
def test_labels_whose_fate_differs_are_told(before, after, gained, lost):
    result = compare(evaluation(*before), evaluation(*after), FACE)

    assert [one.after.label.box.corners for one in result.gained] == gained
    assert [one.after.label.box.corners for one in result.lost] == lost
    assert (result.common, result.only_before, result.only_after) == (2, 0, 0)


def test_of_nothing_nothing_changed():
    result = compare([], [], FACE)

    assert (result.common, result.gained, result.lost, result.p_value) == (0, (), (), None)


def test_labels_that_only_one_has_are_counted_apart():
    before = evaluation(BOX, labels=[label(BOX)])
    after = evaluation(BOX, labels=[label(FAR), label((0, 0, 50, 50))])

    result = compare(before, after, FACE)

    assert (result.common, result.only_before, result.only_after) == (0, 1, 2)


def test_the_same_box_twice_is_two_labels():
    twins = [label(BOX), label(BOX)]

    result = compare(evaluation(labels=twins), evaluation(BOX, labels=twins), FACE)

    assert (result.common, len(result.gained)) == (2, 2)


def test_another_category_or_picture_is_another_label():
    before = evaluation(labels=[label(BOX, TATTOO)])
    after = evaluation(labels=[label(BOX)], name="other")

    assert compare(before, after, FACE).only_before == 0
    assert compare(before, after, FACE).only_after == 1


@pytest.mark.parametrize(
    ("gained", "lost", "p_value"),
    [(1, 0, 1.0), (1, 1, 1.0), (5, 0, 0.0625), (0, 6, 0.03125), (8, 1, 20 / 512)],
)
def test_the_chance_is_that_of_a_fair_coin(gained, lost, p_value):
    boxes = [(number * 100, 0, number * 100 + 50, 50) for number in range(gained + lost)]
    labels = [label(box) for box in boxes]

    result = compare(
        evaluation(*boxes[gained:], labels=labels), evaluation(*boxes[:gained], labels=labels), FACE
    )

    assert result.p_value == pytest.approx(p_value)
