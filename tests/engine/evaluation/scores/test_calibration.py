from __future__ import annotations

import pytest

from engine.evaluation.scores.calibration import bins_by_slice, expected_error, reliability
from engine.evaluation.scores.counts import Slice
from engine.evaluation.scores.proportion import Proportion
from tests.engine.evaluation.made import FACE, TATTOO, label, masked, scored

BOX = (100, 100, 200, 200)


def seen(*scores, on=BOX):
    return [masked(on, score=score) for score in scores]


def test_of_no_detections_there_are_no_bins():
    assert reliability([scored([label(BOX)])], FACE) == ()
    assert expected_error(()) is None


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (0.0, "0.0 to 0.1"),
        (0.0999, "0.0 to 0.1"),
        (0.1, "0.1 to 0.2"),
        (0.3, "0.3 to 0.4"),
        (0.7, "0.7 to 0.8"),
        (1.0, "0.9 to 1.0"),
    ],
)
def test_bins_are_half_open_tenths_and_the_last_is_closed(score, name):
    (one,) = reliability([scored([label(BOX)], seen(score))], FACE)

    assert (one.label, one.mean_score, one.on_labels) == (name, score, Proportion(1, 1))


def test_a_perfectly_sure_and_wrong_detector_is_off_by_everything():
    bins = reliability([scored([], seen(1.0))], FACE)

    assert bins[0].gap == expected_error(bins) == 1.0


def test_the_error_weighs_bins_by_their_detections():
    on_label = scored([label(BOX)], seen(0.75, 0.85, 0.85))
    beside = scored([], seen(0.25))

    error = expected_error(reliability([on_label, beside], FACE))

    assert error == pytest.approx((0.25 * 1 + 0.15 * 2 + 0.25 * 1) / 4)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(scored([label(BOX)], seen(0.9), complete=[TATTOO]), id="not labelled"),
        pytest.param(
            scored([label(BOX)], seen(0.9), complete=[], partial=[FACE]), id="labelled in part"
        ),
        pytest.param(scored([label(BOX, ignored=True)], seen(0.9)), id="on an ignored label"),
        pytest.param(scored([], [masked(BOX, TATTOO)]), id="of another category"),
    ],
)
def test_what_nobody_judged_says_nothing(picture):
    assert reliability([picture], FACE) == ()


def test_detections_below_the_thresholds_count_too():
    (one,) = reliability([scored([label(BOX)], seen(0.06))], FACE)

    assert one.on_labels == Proportion(1, 1)


def test_groups_are_what_pictures_have_in_common():
    pictures = [
        scored([label(BOX)], seen(0.9), source="street", licence="A"),
        scored([], seen(0.6), source="studio", licence="B"),
        scored([], [], source="none found", licence="C"),
    ]

    groups = bins_by_slice(pictures, FACE)

    assert {part: one.on_labels for part, one in groups.items()} == {
        Slice("source", "street"): Proportion(1, 1),
        Slice("source", "studio"): Proportion(0, 1),
    }
