from __future__ import annotations

import pytest

from engine.errors import InvalidDataset
from engine.evaluation.report.remarks import remarks
from engine.evaluation.scores.error_causes import FalsePositiveCause
from engine.evaluation.scores.recall import report
from engine.evaluation.scores.scoring import score, upright_labels
from engine.geometry import Size
from engine.plan import Reason, ReasonKind
from tests.engine.evaluation.made import (
    FACE,
    JEWELRY,
    PLAIN,
    SIZE,
    TATTOO,
    findings,
    label,
    labelled,
    masked,
    scored,
)

BOX = (100, 100, 200, 200)
LEFT, RIGHT = (100, 100, 150, 200), (150, 100, 200, 200)
WHOLE = (0, 0, *SIZE)


def only(picture):
    (one,) = picture.labels
    return one


def alarms(picture, category=FACE):
    return [one.region.box.corners for one in picture.false_positives(category)]


@pytest.mark.parametrize(
    ("found", "own", "hidden", "removed"),
    [
        pytest.param([], False, 0.0, 0.0, id="nothing found"),
        pytest.param([masked(BOX)], True, 1.0, 1.0, id="the same"),
        pytest.param([masked(BOX, score=0.3)], True, 1.0, 0.0, id="a doubt"),
        pytest.param([masked(BOX, score=0.19)], False, 0.0, 0.0, id="below every threshold"),
        pytest.param([masked(BOX, TATTOO)], False, 0.0, 0.0, id="of another category"),
        pytest.param([masked((0, 100, 100, 200))], False, 0.0, 0.0, id="touching"),
        pytest.param([masked((150, 150, 151, 151))], False, 0.0001, 0.0001, id="one pixel"),
        pytest.param([masked(WHOLE)], False, 0.0, 0.0, id="whole picture"),
        pytest.param([masked(LEFT)], True, 0.5, 0.5, id="half"),
        pytest.param([masked(LEFT), masked(RIGHT)], True, 1.0, 1.0, id="two halves"),
        pytest.param([masked(LEFT), masked(RIGHT, score=0.3)], True, 1.0, 0.5, id="half a doubt"),
        pytest.param([masked(LEFT), masked(RIGHT, JEWELRY)], True, 0.5, 0.5, id="half another's"),
        pytest.param([masked((9, 9, 20, 20), mask=BOX)], False, 1.0, 1.0, id="grown mask alone"),
    ],
)
def test_a_label_is_found_by_its_own_box_and_hidden_by_masks_of_its_category(
    found, own, hidden, removed
):
    one = only(scored([label(BOX)], found))

    assert (one.has_own_region, one.hidden, one.removed) == (own, hidden, removed)
    assert one.is_found is (hidden >= 0.9)
    assert one.is_removed is (removed >= 0.9)


@pytest.mark.parametrize("share", [0.89, 0.9, 0.91])
def test_nine_tenths_under_a_mask_are_hidden(share):
    one = only(scored([label(BOX)], [masked(BOX, mask=(100, 100, 100 + int(share * 100), 200))]))

    assert one.is_found is (share >= 0.9)


@pytest.mark.parametrize(
    ("height", "is_found"), [(440.96, True), (440.97, False)], ids=["at the cap", "over the cap"]
)
def test_a_region_over_the_size_cap_hides_nothing(height, is_found):
    one = only(scored([label(BOX)], [masked((100, 100, 200, 100 + height))]))

    assert one.is_found is is_found
    assert one.is_removed is is_found


class TestAtTheEdge:
    def test_what_lies_beyond_the_picture_makes_no_region_too_large(self):
        one = only(scored([label((0, 100, 20, 200))], [masked((-80, -300, 20, 200))]))

        assert one.is_found

    def test_label_and_region_are_compared_inside_the_picture(self):
        picture = scored([label((0, 100, 20, 200))], [masked((-60, 100, 20, 200))])

        assert only(picture).has_own_region
        assert alarms(picture) == []

    def test_a_label_partly_outside_is_cut_off(self):
        one = only(scored([label((-100, 0, 100, 100))], [masked((0, 0, 100, 100))]))

        assert one.label.box.corners == (0, 0, 100, 100)
        assert one.is_found

    @pytest.mark.parametrize(
        "corners",
        [(1000, 0, 1100, 50), (-50, -50, 0, 0), (2000, 2000, 2100, 2100), (30, 30, 30, 60)],
        ids=["touching the right", "touching the corner", "far outside", "empty"],
    )
    def test_a_label_without_area_in_the_picture_is_refused(self, corners):
        with pytest.raises(InvalidDataset, match="1000 x 800"):
            scored([label(corners)])


class TestTwoLabels:
    def test_under_one_region_share_it_by_coverage_but_not_by_iou(self):
        picture = scored([label(LEFT), label(RIGHT)], [masked(BOX)])

        assert [one.is_found for one in picture.labels] == [True, True]
        assert [one.has_own_region for one in picture.labels].count(True) == 1
        assert alarms(picture) == []

    def test_with_the_same_box_need_two_regions_by_iou(self):
        picture = scored([label(BOX), label(BOX)], [masked(BOX)])

        assert [one.has_own_region for one in picture.labels].count(True) == 1

    def test_get_the_regions_that_serve_both_best(self):
        wide, narrow = label((100, 100, 200, 200)), label((100, 100, 160, 200))
        both, for_wide_alone = masked((100, 100, 170, 200)), masked((130, 100, 230, 200), score=0.8)

        picture = scored([wide, narrow], [both, for_wide_alone])

        assert [one.has_own_region for one in picture.labels] == [True, True]


class TestFalseRegions:
    @pytest.mark.parametrize(
        ("found", "false"),
        [
            pytest.param([], [], id="nothing found"),
            pytest.param([masked(BOX)], [], id="the same"),
            pytest.param([masked(BOX), masked(BOX, score=0.8)], [], id="twice the same"),
            pytest.param([masked(LEFT), masked(RIGHT)], [], id="both halves are needed"),
            pytest.param(
                [masked(LEFT), masked(LEFT, score=0.8), masked(RIGHT)], [], id="one twice"
            ),
            pytest.param([masked((300, 300, 301, 301))], [(300, 300, 301, 301)], id="one pixel"),
            pytest.param([masked(WHOLE)], [WHOLE], id="whole picture"),
            pytest.param([masked((200, 100, 300, 200))], [(200, 100, 300, 200)], id="touching"),
            pytest.param([masked(BOX, TATTOO)], [], id="another category's"),
            pytest.param([masked((300, 300, 400, 400), score=0.19)], [], id="below thresholds"),
        ],
    )
    def test_are_those_that_no_label_needs(self, found, false):
        assert alarms(scored([label(BOX)], found)) == false

    def test_say_whether_a_person_is_asked(self):
        picture = scored([], [masked(BOX), masked((300, 300, 400, 400), score=0.3)])

        assert [one.needs_review for one in picture.regions] == [False, True]

    @pytest.mark.parametrize(
        ("complete", "partial", "labels", "false"),
        [
            pytest.param([FACE], [], 1, 1, id="complete"),
            pytest.param([], [FACE], 1, 0, id="in part: recall alone"),
            pytest.param([TATTOO], [], 0, 0, id="for something else"),
            pytest.param([], [], 0, 0, id="for nothing"),
            pytest.param([FACE], [FACE], 1, 1, id="both: complete"),
        ],
    )
    def test_count_only_where_the_picture_is_labelled_completely(
        self, complete, partial, labels, false
    ):
        picture = scored(
            [label(BOX)],
            [masked(BOX), masked((500, 500, 600, 600))],
            complete=complete,
            partial=partial,
        )

        assert len(picture.labels) == labels
        assert len(alarms(picture)) == false
        assert len(picture.scored_detections) == 2 * false


class TestIgnored:
    @pytest.mark.parametrize(
        ("corners", "false"),
        [
            pytest.param(BOX, 0, id="on it"),
            pytest.param((110, 110, 120, 120), 0, id="one of a crowd"),
            pytest.param((150, 150, 151, 151), 0, id="one pixel of it"),
            pytest.param((150, 100, 250, 200), 0, id="half on it"),
            pytest.param((151, 100, 251, 200), 1, id="less than half"),
            pytest.param((200, 100, 300, 200), 1, id="touching"),
            pytest.param(WHOLE, 1, id="whole picture"),
        ],
    )
    def test_a_region_on_it_is_neither_right_nor_wrong(self, corners, false):
        picture = scored([label(BOX, ignored=True)], [masked(corners)])

        assert picture.labels == ()
        assert len(alarms(picture)) == false
        assert len(picture.scored_detections) == false

    def test_only_regions_of_its_category_are_forgiven(self):
        picture = scored([label(BOX, ignored=True)], [masked(BOX, TATTOO)])

        assert alarms(picture, TATTOO) == [BOX]

    def test_a_label_within_a_crowd_still_counts(self):
        crowd, face = label((0, 0, 500, 500), ignored=True), label(BOX)

        picture = scored([crowd, face], [masked(BOX)])

        assert only(picture).is_found
        assert alarms(picture) == []

    def test_a_missed_label_within_a_crowd_is_missed(self):
        assert not only(scored([label(WHOLE, ignored=True), label(BOX)])).is_found


class TestExcess:
    @pytest.mark.parametrize(
        ("labels", "found", "over_masked"),
        [
            pytest.param([], [], 0.0, id="nothing"),
            pytest.param([label(BOX)], [masked(BOX)], 0.0, id="mask on label"),
            pytest.param([], [masked(WHOLE)], 1.0, id="whole picture"),
            pytest.param([label(WHOLE)], [masked(WHOLE)], 0.0, id="whole picture on label"),
            pytest.param([], [masked((5, 5, 6, 6))], 1 / 800_000, id="one pixel"),
            pytest.param([], [masked(BOX), masked(BOX, TATTOO)], 0.0125, id="one place twice"),
            pytest.param([label(BOX, TATTOO)], [masked(BOX)], 0.0, id="another category's label"),
            pytest.param([label(BOX, ignored=True)], [masked(BOX)], 0.0, id="ignored label"),
            pytest.param([], [masked(BOX, score=0.3)], 0.0125, id="doubts count too"),
            pytest.param([label(LEFT)], [masked(BOX)], 0.00625, id="half beside the label"),
            pytest.param([label((0, 100, 100, 200))], [masked(BOX)], 0.0125, id="touching"),
        ],
    )
    def test_is_the_share_of_the_picture_masked_on_no_label(self, labels, found, over_masked):
        assert scored(labels, found).over_masked == pytest.approx(over_masked)

    def test_is_told_apart_into_margins_around_what_is_there_and_the_rest(self):
        one = scored([label(LEFT)], [masked(BOX), masked((500, 500, 600, 600))])

        assert one.margins == pytest.approx(0.00625)
        assert one.over_masked == pytest.approx(0.00625 + 0.0125)

    def test_a_mask_on_an_ignored_label_is_a_margin_where_it_lies_beside_it(self):
        one = scored([label(LEFT, ignored=True)], [masked(BOX)])

        assert one.margins == one.over_masked == pytest.approx(0.00625)

    def test_is_unknown_where_nothing_is_labelled(self):
        nowhere = scored([], [masked(BOX)], complete=[], partial=[FACE])

        assert nowhere.over_masked is None
        assert nowhere.margins is None

    def test_leaves_out_masks_of_categories_that_nobody_labelled(self):
        assert scored([], [masked(BOX, TATTOO)], complete=[FACE]).over_masked == 0.0


class TestUprightLabels:
    LABEL = label((10, 20, 110, 220))

    def turned(self, size, orientation, stored):
        seen = findings(orientation=orientation, stored=stored)
        (one,) = upright_labels(labelled(self.LABEL, size=size), seen)
        return one.box.corners

    def test_labels_of_the_upright_size_are_upright(self):
        assert self.turned(SIZE, 6, Size(800, 1000)) == (10, 20, 110, 220)

    def test_labels_without_a_size_are_taken_as_upright(self):
        assert self.turned(None, 6, Size(800, 1000)) == (10, 20, 110, 220)

    @pytest.mark.parametrize(
        ("orientation", "corners"),
        [
            pytest.param(5, (20, 10, 220, 110), id="transposed"),
            pytest.param(6, (780, 10, 980, 110), id="turned right"),
            pytest.param(7, (780, 690, 980, 790), id="transverse"),
            pytest.param(8, (20, 690, 220, 790), id="turned left"),
        ],
    )
    def test_labels_of_the_stored_size_are_turned(self, orientation, corners):
        assert self.turned(Size(800, 1000), orientation, Size(800, 1000)) == corners

    @pytest.mark.parametrize(
        ("labels", "size", "is_turned"),
        [
            pytest.param([LABEL], Size(800, 1000), True, id="stored size"),
            pytest.param([LABEL], SIZE, False, id="upright size"),
            pytest.param([LABEL], None, False, id="no size"),
            pytest.param([], Size(800, 1000), False, id="no label"),
        ],
    )
    def test_that_labels_were_turned_is_counted_and_said(self, labels, size, is_turned):
        pair = labelled(*labels, size=size), findings(orientation=6, stored=Size(800, 1000))

        said = report([pair], PLAIN)

        assert score(*pair, PLAIN).is_turned is is_turned
        assert said.turned == int(is_turned)
        assert any("state the upright" in one for one in remarks(said)) is is_turned

    def test_labels_for_another_picture_are_refused(self):
        with pytest.raises(InvalidDataset, match=r"640 x 480 pixels, but it has 1000 x 800\."):
            self.turned(Size(640, 480), 1, SIZE)


def test_why_a_person_looks_comes_from_the_same_routing_as_in_daily_work():
    blind = Reason(ReasonKind.NO_DETECTOR, "tattoo")
    seen = findings(masked(BOX, score=0.3), standing=[blind])

    picture = score(labelled(), seen, PLAIN)

    assert picture.reasons == (Reason(ReasonKind.UNSURE, "face 0.30"), blind)
    assert picture.in_review == {FACE}
    assert picture.regions[0].false_positive is FalsePositiveCause.BACKGROUND
