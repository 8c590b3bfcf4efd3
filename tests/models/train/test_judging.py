"""What was proposed is judged as an evaluation would."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.category import Category
from engine.evaluation.matching import NEVER, hidden_from
from engine.geometry import Box
from engine.masks import Masked
from engine.plan import Detection
from engine.policy import Policy
from models.train.judging import Judged, judged
from tests.engine.evaluation.made import FACE, JEWELRY, TATTOO, label, labelled
from tests.models.train.proposed import proposal
from tests.scenes import picture

HERE, THERE = (80, 60, 140, 130), (220, 160, 280, 230)
HALF, NEAR = (80, 60, 140, 85), (80, 60, 142, 130)


@pytest.fixture
def judge(tmp_path, rng):
    """Judges what was seen in one picture of 300 x 240 with these labels."""
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), picture(rng, 240, 300))

    def run(seen, labels=(), second=None, **how):
        one = replace(labelled(*labels, name="a", **how), path=path)
        sightings = tuple(
            Detection(Box(*box), category, score, "one@0") for box, category, score in seen
        )
        (found,) = judged([one], {"a": sightings}, second, Policy())
        return found

    return run


ALL, NONE = {"complete": [FACE]}, {"complete": []}
PARTLY = {"complete": [], "partial": [FACE]}


@pytest.mark.parametrize(
    ("box", "labels", "how", "is_true"),
    [
        pytest.param(HERE, [label(HERE)], ALL, True, id="the label itself"),
        pytest.param(NEAR, [label(HERE)], ALL, True, id="nearly there"),
        pytest.param(THERE, [label(HERE)], ALL, False, id="elsewhere"),
        pytest.param((140, 60, 200, 130), [label(HERE)], ALL, False, id="touching"),
        pytest.param((0, 0, 300, 240), [label((5, 5, 15, 15))], ALL, False, id="whole picture"),
        pytest.param((100, 100, 101, 101), [label(HERE)], ALL, False, id="one pixel"),
        pytest.param(HERE, [], ALL, False, id="no label"),
        pytest.param(HERE, [label(HERE, TATTOO)], ALL, False, id="another category"),
        pytest.param(HERE, [label(HERE)], PARTLY, True, id="partly labelled, found"),
        pytest.param(THERE, [label(HERE)], PARTLY, None, id="partly labelled, elsewhere"),
        pytest.param(HERE, [label(HERE)], NONE, None, id="unlabelled, on a box"),
        pytest.param(THERE, [], NONE, None, id="unlabelled"),
        pytest.param(HERE, [label(HERE, ignored=True)], ALL, None, id="ignored"),
        pytest.param(HERE, [label(HALF, ignored=True)], ALL, False, id="a third in an ignored one"),
        pytest.param(
            HERE, [label((80, 60, 110, 130), ignored=True)], ALL, None, id="half in an ignored one"
        ),
        pytest.param(
            HERE, [label((0, 0, 300, 240), ignored=True)], ALL, None, id="within an ignored one"
        ),
        pytest.param(
            HERE, [label(HERE, ignored=True), label(NEAR)], ALL, True, id="ignored and counted"
        ),
        pytest.param(HERE, [label(HERE, TATTOO, ignored=True)], ALL, False, id="ignored ink"),
    ],
)
def test_a_proposal_is_true_false_or_untold(judge, box, labels, how, is_true):
    found = judge([(box, FACE, 0.7)], labels, **how)

    (one,) = found.proposals
    assert one.is_true is is_true


@pytest.mark.parametrize(
    "box",
    [(300, 0, 340, 40), (-50, -50, 0, 0), (400, 400, 500, 500), (100, 240, 150, 250)],
    ids=["touching", "touching a corner", "far", "below"],
)
def test_what_lies_outside_the_picture_is_left_out(judge, box):
    found = judge([(box, FACE, 0.9), (HERE, FACE, 0.5)], [label(HERE)])

    assert [one.thing.box.corners for one in found.proposals] == [HERE]


def test_what_reaches_beyond_the_picture_is_judged_by_the_part_inside(judge):
    found = judge([((-60, 60, 60, 130), FACE, 0.9)], [label((0, 60, 60, 130))])

    (one,) = found.proposals
    assert one.is_true
    assert one.masked.region.box.corners == (0, 60, 60, 130)


def test_sightings_of_one_thing_are_one_proposal(judge):
    found = judge([(HERE, FACE, 0.9), (NEAR, FACE, 0.8), (HERE, JEWELRY, 0.7)])

    assert [len(one.thing.sightings) for one in found.proposals] == [2, 1]
    assert [len(found.of(one)) for one in (FACE, TATTOO, JEWELRY)] == [1, 0, 1]


def test_the_second_look_is_asked_about_each_thing(judge):
    class Says:
        name = "second@0"
        classes = (Category.TATTOO, Category.JEWELRY)

        def logits(self, rgb, boxes):
            assert rgb.shape == (240, 300, 3)
            return np.tile(np.float32([1.5, -2.5]), (len(boxes), 1))

    found = judge([(HERE, TATTOO, 0.9), (THERE, JEWELRY, 0.8)], second=Says())

    assert [one.clues.crop for one in found.proposals] == [1.5, -2.5]


def test_of_pictures_without_sightings_only_those_looked_at_are_judged(tmp_path):
    never, gone = labelled(name="never looked at"), labelled(name="gone")

    assert list(judged([never, gone], {}, None, Policy())) == []
    assert list(judged([], {"a": ()}, None, Policy())) == []


def test_nothing_seen_means_no_proposal(judge):
    found = judge([], [label(HERE)])

    assert found.proposals == ()
    assert found.hiding(FACE, []) == (NEVER,)


def test_a_picture_without_a_group_is_its_own():
    assert Judged(labelled(name="a", group="wedding"), ()).group == "wedding"
    assert Judged(labelled(name="a"), ()).group == "a"


def test_labels_that_are_ignored_or_of_another_category_are_not_counted():
    one = Judged(labelled(label(HERE), label(THERE, ignored=True), label(HERE, TATTOO)), ())

    assert one.labels(FACE) == (Box(*HERE),)
    assert one.hiding(FACE, []) == (NEVER,)


@pytest.mark.parametrize(
    ("how", "scores"),
    [(ALL, (0.25,)), (PARTLY, (0.25,)), (NONE, ())],
    ids=["completely", "partly", "not at all"],
)
def test_hiding_is_told_where_the_picture_is_labelled(how, scores):
    one = Judged(labelled(label(HERE), **how), (proposal(HERE, 0.9),))

    assert one.hiding(FACE, [0.25]) == scores


def test_a_label_that_two_masks_hide_together_is_hidden_at_the_lower_score():
    left, right = (80, 60, 110, 130), (110, 60, 140, 130)
    one = Judged(labelled(label(HERE)), (proposal(left, 0.9), proposal(right, 0.3)))

    assert one.hiding(FACE, [0.2, 0.7]) == (0.2,)


places = st.builds(
    lambda x, y, w, h: (20 * x, 20 * y, 20 * (x + w), 20 * (y + h)),
    st.integers(0, 6), st.integers(0, 6), st.integers(1, 4), st.integers(1, 4),
)  # fmt: skip
likely = st.integers(1, 20).map(lambda twentieth: twentieth / 20)


@given(st.lists(places, max_size=4), st.lists(st.tuples(places, likely), max_size=6))
def test_hiding_goes_by_probabilities_as_an_evaluation_does(labels, proposed):
    one = Judged(
        labelled(*(label(box) for box in labels)),
        tuple(proposal(box, 0.5) for box, _ in proposed),
    )
    scores = [score for _, score in proposed]

    regions = [
        Masked(replace(each.masked.region, score=score), each.masked.rect)
        for each, score in zip(one.proposals, scores, strict=True)
    ]
    surest_first = sorted(regions, key=lambda each: -each.region.score)
    expected = tuple(hidden_from(Box(*box), surest_first) for box in labels)
    assert one.hiding(FACE, scores) == expected


@given(st.lists(places, min_size=1, max_size=3), st.lists(st.tuples(places, likely), max_size=5))
def test_a_surer_proposal_never_hides_less(labels, proposed):
    one = Judged(
        labelled(*(label(box) for box in labels)),
        tuple(proposal(box, 0.5) for box, _ in proposed),
    )
    scores = [score for _, score in proposed]

    surer = one.hiding(FACE, [min(score + 0.1, 1.0) for score in scores])

    for before, after in zip(one.hiding(FACE, scores), surer, strict=True):
        assert after >= before
