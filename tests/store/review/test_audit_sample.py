from dataclasses import replace

import pytest

from engine.evaluation.scores.audit_sample import SampleCounts
from engine.evaluation.scores.proportion import Proportion
from engine.geometry import PixelRect
from engine.plan import ReviewDecision
from engine.runs.jobs import NeedsReview
from store.review import audit_sample, decisions, reviews
from store.review.audit_sample import SampleResult
from store.worker import tasks
from tests.store.fakes import (
    ACTOR,
    ANY,
    DRAWN,
    FACE,
    MINUTE,
    NOW,
    OVERLOOKED,
    SAMPLE,
    UNSURE,
    a_batch,
    object_to,
    plan,
    verdict_on,
)

pytestmark = pytest.mark.slow

RECTS = (PixelRect(8, 8, 32, 32),)


def decided(database, decide, reasons=(SAMPLE,), masked=RECTS):
    """A picture in review that one person decided; gives its id."""
    a_batch(database, [b"v"])
    task = tasks.take(ACTOR, database, NOW)
    made = replace(plan(task.picture_id, reasons=reasons), review_regions=())
    tasks.record(ACTOR, database, NeedsReview(task.picture_id, made.with_rects(masked)), NOW)
    reviews.claim(ACTOR, database, "ada", NOW)
    decide(
        ACTOR,
        database,
        task.picture_id,
        verdict_on(database, task.picture_id, (FACE, DRAWN), "ada", 0),
        NOW + MINUTE,
    )
    return task.picture_id


def test_a_comparison_says_what_would_have_been_removed_and_who_decided_when(database):
    picture_id = decided(database, decisions.settle)

    (one,) = audit_sample.comparisons(ACTOR, database)

    assert one.picture_id == picture_id
    assert one.machine.proposed == (FACE,)
    assert tuple(region.rect for region in one.machine.proposed) == RECTS
    assert one.decided == (FACE, DRAWN)
    assert (one.reviewer, one.decided_at) == ("ada", NOW + MINUTE)
    assert one.audit_sample


def test_rectangles_nobody_knows_are_none(database):
    decided(database, decisions.settle, masked=())

    (one,) = audit_sample.comparisons(ACTOR, database)
    assert not any(region.has_rect for region in one.machine.proposed)


@pytest.mark.parametrize("is_sample", [True, False], ids=["sample", "another reason"])
def test_rejected_pictures_are_counted_apart(database, is_sample):
    reasons = (SAMPLE,) if is_sample else (UNSURE,)
    decided(database, decisions.reject, reasons)
    decided(database, decisions.settle, reasons)

    assert audit_sample.rejected(ACTOR, database, audit_sample=is_sample) == 1
    assert audit_sample.rejected(ACTOR, database, audit_sample=not is_sample) == 0
    assert len(audit_sample.comparisons(ACTOR, database, audit_sample=is_sample)) == 1
    assert audit_sample.comparisons(ACTOR, database, audit_sample=not is_sample) == ()


def test_the_result_takes_rejected_pictures_as_missed_and_leaves_unknown_ones_out(database):
    for decide, masked in (
        (decisions.settle, RECTS),
        (decisions.settle, ()),
        (decisions.reject, RECTS),
    ):
        decided(database, decide, masked=masked)
        with database.transaction(ACTOR, ANY) as cursor:  # else the next round would take it
            cursor.execute("UPDATE pictures SET state = 'released' WHERE state = 'settled'")

    result = audit_sample.result(ACTOR, database)

    assert (result.checked, result.missed, result.unknown, result.rejected) == (1, 1, 1, 1)
    assert result.worst == Proportion(0, 2)
    assert result.over_time == (((NOW + MINUTE).date(), Proportion(0, 1)),)


@pytest.mark.parametrize(
    "decide", [decisions.settle, decisions.reject], ids=["settled", "rejected"]
)
def test_a_verdict_that_was_undone_does_not_count(database, decide):
    decided(database, decide)

    decisions.reopen_last(ACTOR, database, "ada", NOW + MINUTE)

    assert audit_sample.comparisons(ACTOR, database) == ()
    assert audit_sample.rejected(ACTOR, database) == 0


class TestAWitnessObjectedAfterTheVerdict:
    """The sample must not lose the very pictures in which something slipped through."""

    @pytest.fixture(params=[True, False], ids=["sample", "another reason"])
    def is_sample(self, request):
        return request.param

    @pytest.fixture
    def picture_id(self, database, is_sample):
        picture_id = decided(database, decisions.settle, (SAMPLE,) if is_sample else (UNSURE,))
        object_to(database, OVERLOOKED)
        return picture_id

    def again(self, database, decide):
        case = reviews.claim(ACTOR, database, "bo", NOW)
        decision = ReviewDecision.on(case.plan, (FACE, DRAWN, OVERLOOKED), "bo")
        decide(ACTOR, database, case.picture_id, decision, NOW + MINUTE)

    @pytest.mark.usefixtures("picture_id")
    def test_nothing_counts_until_a_person_has_decided_again(self, database, is_sample):
        assert audit_sample.comparisons(ACTOR, database, audit_sample=is_sample) == ()

    def test_the_last_verdict_counts_where_the_picture_was_drawn(
        self, database, is_sample, picture_id
    ):
        self.again(database, decisions.settle)

        (one,) = audit_sample.comparisons(ACTOR, database, audit_sample=is_sample)
        assert (one.picture_id, one.reviewer) == (picture_id, "bo")
        assert one.machine.proposed == (FACE,)
        assert OVERLOOKED in one.decided
        assert audit_sample.comparisons(ACTOR, database, audit_sample=not is_sample) == ()

    @pytest.mark.usefixtures("picture_id")
    def test_a_rejection_is_all_that_counts(self, database, is_sample):
        self.again(database, decisions.reject)

        assert audit_sample.comparisons(ACTOR, database, audit_sample=is_sample) == ()
        assert audit_sample.rejected(ACTOR, database, audit_sample=is_sample) == 1
        assert audit_sample.rejected(ACTOR, database, audit_sample=not is_sample) == 0

    @pytest.mark.usefixtures("picture_id")
    def test_undoing_the_last_verdict_does_not_bring_the_first_one_back(self, database, is_sample):
        self.again(database, decisions.settle)

        decisions.reopen_last(ACTOR, database, "bo", NOW + MINUTE)

        assert audit_sample.comparisons(ACTOR, database, audit_sample=is_sample) == ()


@pytest.mark.parametrize(
    ("clean", "checked", "rejected", "missed", "upper"),
    [
        pytest.param(0, 0, 0, 0, None, id="nothing was decided"),
        pytest.param(1, 1, 0, 0, 0.95, id="one, clean"),
        pytest.param(59, 59, 0, 0, 1 - 0.05 ** (1 / 59), id="all clean"),
        pytest.param(0, 2, 0, 2, 1.0, id="all missed"),
        pytest.param(0, 0, 1, 0, 1.0, id="one, rejected"),
        pytest.param(1, 1, 1, 0, 1 - (1 - 0.95**0.5), id="one rejected of two"),
    ],
)
def test_a_rejected_picture_is_missed_in_the_bound_alone(clean, checked, rejected, missed, upper):
    result = SampleResult(SampleCounts(Proportion(clean, checked)), rejected)

    assert result.upper == (None if upper is None else pytest.approx(upper))
    assert (result.checked, result.missed) == (checked, missed)
    assert result.worst == Proportion(clean, checked + rejected)
