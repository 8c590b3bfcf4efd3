"""What was proposed is judged as an evaluation would."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.category import Category
from engine.detect.ensemble import Ensemble
from engine.evaluation.predict import predict
from engine.evaluation.scores.matching import NEVER, hidden_from, inside
from engine.geometry import Box, Size, box_to_upright, upright_size
from engine.plan import Detection
from engine.policy import Policy
from models.train.calibration.matching import Proposals, match_proposals
from tests.engine.evaluation.made import FACE, JEWELRY, TATTOO, label, labelled
from tests.models.train.proposed import SIZE, proposal
from tests.scenes import FakeDetector, picture

HERE, THERE = (80, 60, 140, 130), (220, 160, 280, 230)
NEAR, NARROW = (80, 60, 142, 130), (80, 60, 100, 130)
BESIDE, APART = (42, 60, 102, 130), (20, 100, 100, 160)


def stored_as(path, rng, orientation, size):
    """A JPEG of this size as stored, to be shown turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = picture(rng, size.height, size.width)
    Image.fromarray(pixels).save(path, "JPEG", exif=exif, quality=95)
    return path


@pytest.fixture
def judge(tmp_path, rng):
    """Judges what was seen in one picture of 300 x 240 with these labels."""
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), picture(rng, 240, 300))

    def run(seen, labels=(), second=None, **how):
        one = replace(labelled(*labels, name="a", **how), path=path)
        raw_detections = tuple(
            Detection(Box(*box), category, score, "one@0") for box, category, score in seen
        )
        (found,) = match_proposals([one], {"a": raw_detections}, second, Policy())
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
        pytest.param((100, 100, 101, 101), [label(HERE)], ALL, None, id="one pixel of it"),
        pytest.param(HERE, [], ALL, False, id="no label"),
        pytest.param(HERE, [label(HERE, TATTOO)], ALL, False, id="another category"),
        pytest.param(HERE, [label(HERE)], PARTLY, True, id="partly labelled, found"),
        pytest.param(THERE, [label(HERE)], PARTLY, None, id="partly labelled, elsewhere"),
        pytest.param(HERE, [label(HERE)], NONE, None, id="unlabelled, on a box"),
        pytest.param(THERE, [], NONE, None, id="unlabelled"),
        pytest.param(HERE, [label(HERE, ignored=True)], ALL, None, id="ignored"),
        pytest.param(NARROW, [label(HERE)], ALL, None, id="a third of it"),
        pytest.param(BESIDE, [label(HERE)], ALL, None, id="a third of it and as much beside"),
        pytest.param(APART, [label(HERE)], ALL, False, id="a corner of it and more beside"),
        pytest.param(APART, [label(HERE, ignored=True)], ALL, False, id="a corner of an ignored"),
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

    assert [one.cluster.box.corners for one in found.proposals] == [HERE]


def test_what_reaches_beyond_the_picture_is_judged_by_the_part_inside(judge):
    found = judge([((-60, 60, 60, 130), FACE, 0.9)], [label((0, 60, 60, 130))])

    (one,) = found.proposals
    assert one.is_true
    assert one.region.box.corners == (0, 60, 60, 130)


@pytest.mark.parametrize("orientation", [1, 5, 6, 7, 8])
def test_labels_as_stored_are_turned_with_the_picture(tmp_path, rng, orientation):
    """2 to 4 keep the size, by which a data set would say that its labels are as stored."""
    stored, box, elsewhere = Size(300, 240), Box(*HERE), Box(*THERE)
    path = stored_as(tmp_path / "a.jpg", rng, orientation, stored)
    labels = [label(HERE), label((10, 150, 60, 200), TATTOO, ignored=True)]
    one = replace(labelled(*labels, name="a", size=stored), path=path)
    there = [box_to_upright(each, orientation, stored) for each in (box, elsewhere)]
    raw_detections = tuple(Detection(each, FACE, 0.7, "one@0") for each in there)

    (found,) = match_proposals([one], {"a": raw_detections}, None, Policy())

    assert [each.is_true for each in found.proposals] == [True, False]
    assert found.labels(FACE) == (there[0],)
    assert [each.is_ignored for each in found.picture.labels] == [False, True]
    assert found.hiding(FACE, [0.7, 0.6]) == (0.7,)


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("size", [None, "upright"])
def test_labels_in_upright_pixels_stay_where_they_are(tmp_path, rng, orientation, size):
    stored = Size(300, 300) if orientation == 3 else Size(240, 300)
    upright = upright_size(stored, orientation)
    path = stored_as(tmp_path / "a.jpg", rng, orientation, stored)
    one = replace(labelled(label(HERE), name="a", size=size and upright), path=path)

    (found,) = match_proposals(
        [one], {"a": (Detection(Box(*HERE), FACE, 0.7, "one@0"),)}, None, Policy()
    )

    assert found.labels(FACE) == (Box(*HERE),)
    assert [each.is_true for each in found.proposals] == [True]


@pytest.mark.parametrize(
    ("size", "corners"),
    [(Size(299, 240), HERE), (Size(240, 300), HERE), (None, (300, 0, 340, 40))],
    ids=["another size", "turned without saying so", "a label outside"],
)
def test_pictures_whose_labels_do_not_fit_are_left_out_and_the_others_not(
    tmp_path, rng, size, corners
):
    path = stored_as(tmp_path / "a.jpg", rng, 1, Size(300, 240))
    misfit = replace(labelled(label(HERE), label(corners), name="misfit", size=size), path=path)
    fine = replace(labelled(label(HERE), name="fine", size=Size(300, 240)), path=path)

    found = list(match_proposals([misfit, fine], {"misfit": (), "fine": ()}, None, Policy()))

    assert [one.picture.name for one in found] == ["fine"]


def test_a_label_over_the_edge_is_cut_off_as_in_an_evaluation(judge):
    found = judge([((0, 60, 60, 130), FACE, 0.9)], [label((-60, 60, 60, 130))])

    assert found.labels(FACE) == (Box(0, 60, 60, 130),)
    assert found.proposals[0].is_true


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
@pytest.mark.parametrize(
    "corners",
    [(-200, 60, 40, 130), (150, -90, 210, 50), (199.5, 150.5, 900, 900), (-9, -9, 999, 999), HERE],
    ids=["left", "top", "corner", "all around", "inside"],
)
def test_masks_are_those_that_an_examination_would_give(tmp_path, rng, orientation, corners):
    stored = Size(301, 243) if orientation < 5 else Size(243, 301)
    path = stored_as(tmp_path / "a.jpg", rng, orientation, stored)
    seen = (Detection(Box(*corners), TATTOO, 0.7, "one@0"),)
    policy = Policy()

    (one,) = match_proposals([replace(labelled(name="a"), path=path)], {"a": seen}, None, policy)
    there = predict(path.read_bytes(), "a", Ensemble([FakeDetector(seen)]), policy)

    (expected,) = inside(there.found, there.size)
    (own,) = one.proposals
    assert own.region.rect == there.found[0].rect == expected.rect
    assert own.region.box == expected.box
    assert own.region.rect.x1 <= there.size.width
    assert own.cluster.box.corners == corners


def test_a_mask_grows_by_the_whole_box_and_not_by_the_part_inside(judge):
    found = judge([((-200, 60, 40, 130), FACE, 0.9)], [label((0, 60, 40, 130))])

    # 0.15 of 240 pixels are 36; of the 40 inside they would be 6. Two more for chroma.
    assert found.proposals[0].region.rect.x1 >= 40 + 36
    assert found.proposals[0].is_true


def test_sightings_of_one_thing_are_one_proposal(judge):
    found = judge([(HERE, FACE, 0.9), (NEAR, FACE, 0.8), (HERE, JEWELRY, 0.7)])

    assert [len(one.cluster.raw_detections) for one in found.proposals] == [2, 1]
    assert [len(found.of(one)) for one in (FACE, TATTOO, JEWELRY)] == [1, 0, 1]


def test_the_second_look_is_asked_about_each_thing(judge):
    class Says:
        name = "second@0"
        classes = (Category.TATTOO, Category.JEWELRY)

        def logits(self, rgb, boxes):
            assert rgb.shape == (240, 300, 3)
            return np.tile(np.float32([1.5, -2.5]), (len(boxes), 1))

    found = judge([(HERE, TATTOO, 0.9), (THERE, JEWELRY, 0.8)], second=Says())

    assert [one.features.crops for one in found.proposals] == [{TATTOO: 1.5, JEWELRY: -2.5}] * 2


def test_of_pictures_without_sightings_only_those_looked_at_are_judged(tmp_path):
    never, gone = labelled(name="never looked at"), labelled(name="gone")

    assert list(match_proposals([never, gone], {}, None, Policy())) == []
    assert list(match_proposals([], {"a": ()}, None, Policy())) == []


def test_nothing_seen_means_no_proposal(judge):
    found = judge([], [label(HERE)])

    assert found.proposals == ()
    assert found.hiding(FACE, []) == (NEVER,)


def test_a_picture_without_a_group_is_its_own():
    assert Proposals(labelled(name="a", group="wedding"), (), SIZE).group == "wedding"
    assert Proposals(labelled(name="a"), (), SIZE).group == "a"


def test_labels_that_are_ignored_or_of_another_category_are_not_counted():
    one = Proposals(
        labelled(label(HERE), label(THERE, ignored=True), label(HERE, TATTOO)), (), SIZE
    )

    assert one.labels(FACE) == (Box(*HERE),)
    assert one.hiding(FACE, []) == (NEVER,)


@pytest.mark.parametrize(
    ("how", "scores"),
    [(ALL, (0.25,)), (PARTLY, (0.25,)), (NONE, ())],
    ids=["completely", "partly", "not at all"],
)
def test_hiding_is_told_where_the_picture_is_labelled(how, scores):
    one = Proposals(labelled(label(HERE), **how), (proposal(HERE, 0.9),), SIZE)

    assert one.hiding(FACE, [0.25]) == scores


def test_a_label_that_two_masks_hide_together_is_hidden_at_the_lower_score():
    left, right = (80, 60, 110, 130), (110, 60, 140, 130)
    one = Proposals(labelled(label(HERE)), (proposal(left, 0.9), proposal(right, 0.3)), SIZE)

    assert one.hiding(FACE, [0.2, 0.7]) == (0.2,)


places = st.builds(
    lambda x, y, w, h: (20 * x, 20 * y, 20 * (x + w), 20 * (y + h)),
    st.integers(0, 6), st.integers(0, 6), st.integers(1, 4), st.integers(1, 4),
)  # fmt: skip
likely = st.integers(1, 20).map(lambda twentieth: twentieth / 20)


@given(st.lists(places, max_size=4), st.lists(st.tuples(places, likely), max_size=6))
def test_hiding_goes_by_probabilities_as_an_evaluation_does(labels, proposed):
    one = Proposals(
        labelled(*(label(box) for box in labels)),
        tuple(proposal(box, 0.5) for box, _ in proposed),
        SIZE,
    )
    scores = [score for _, score in proposed]

    regions = [
        replace(each.region, score=score).with_rect(each.region.rect)
        for each, score in zip(one.proposals, scores, strict=True)
    ]
    surest_first = sorted(regions, key=lambda each: -each.score)
    expected = tuple(hidden_from(Box(*box), surest_first) for box in labels)
    assert one.hiding(FACE, scores) == expected


@given(st.lists(places, min_size=1, max_size=3), st.lists(st.tuples(places, likely), max_size=5))
def test_a_surer_proposal_never_hides_less(labels, proposed):
    one = Proposals(
        labelled(*(label(box) for box in labels)),
        tuple(proposal(box, 0.5) for box, _ in proposed),
        SIZE,
    )
    scores = [score for _, score in proposed]

    surer = one.hiding(FACE, [min(score + 0.1, 1.0) for score in scores])

    for before, after in zip(one.hiding(FACE, scores), surer, strict=True):
        assert after >= before
