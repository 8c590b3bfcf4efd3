"""Taking a verdict back after a witness had seen something in the result of an earlier one."""

import pytest

from engine.plan import Reason, ReasonKind, ReviewDecision
from engine.runs.jobs import NeedsReview
from store.batches import pictures
from store.review import decisions, reviews
from store.worker import tasks
from tests.store.fakes import (
    ACTOR,
    DRAWN,
    NOW,
    OVERLOOKED,
    a_batch,
    object_to,
    plan,
    verdict_on,
)


@pytest.fixture(autouse=True)
def contested(database):
    """A picture that Ada settled, and that came back; gives its id."""
    a_batch(database, [b"v"])
    picture_id = tasks.take(ACTOR, database, NOW).picture_id
    tasks.record(ACTOR, database, NeedsReview(picture_id, plan(picture_id)), NOW)
    decisions.settle(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (DRAWN,), "ada", 0), NOW
    )
    object_to(database, OVERLOOKED)
    return picture_id


def decide_again(database, decide=decisions.settle):
    case = reviews.claim(ACTOR, database, "bo", NOW)
    decide(ACTOR, database, case.picture_id, ReviewDecision.on(case.plan, (DRAWN,), "bo"), NOW)


@pytest.mark.parametrize(
    "decide", [decisions.settle, decisions.reject], ids=["settled", "rejected"]
)
def test_the_doubt_is_asked_about_again_and_what_was_decided_before_is_not(database, decide):
    decide_again(database, decide)

    again = decisions.reopen_last(ACTOR, database, "bo", NOW).claim.plan

    assert again.regions == (DRAWN,)
    assert again.review_regions == (OVERLOOKED,)
    assert again.reasons == (Reason(ReasonKind.RESIDUAL, "face 0.71"),)
    assert again.decided == plan().proposed
    decide_again(database)
    settled = tasks.take(ACTOR, database, NOW).settled
    assert set(settled.decided) == {*plan().proposed, DRAWN, OVERLOOKED}


def test_the_first_verdict_cannot_be_undone_from_under_the_second(database, contested):
    assert decisions.reopen_last(ACTOR, database, "ada", NOW) is None

    decide_again(database)

    assert decisions.reopen_last(ACTOR, database, "ada", NOW) is None
    assert pictures.picture(ACTOR, database, contested).state == "settled"
