"""How reviewers get on, from their decisions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.geometry import Box
from engine.runs.jobs import NeedsReview
from store.review import decisions, reviews, statistics
from store.worker import tasks
from tests.store.fakes import ACTOR, DRAWN, FACE, NOW, a_batch, plan, verdict_on

ASKED = plan().review_regions[0]


def in_review(database, count=1):
    """Pictures of which the machine asked about a tattoo; gives their ids."""
    a_batch(database, [bytes([number]) for number in range(count)])
    ids = [tasks.take(ACTOR, database, NOW).picture_id for _ in range(count)]
    for picture_id in ids:
        tasks.record(ACTOR, database, NeedsReview(picture_id, plan(picture_id)), NOW)
    return ids


def decide(database, picture_id, regions, *, name="ada", seconds=20, verdict=decisions.settle):
    """One person decides a picture; gives the moment."""
    reviews.claim_picture(ACTOR, database, picture_id, name, NOW)
    moment = NOW + timedelta(seconds=seconds)
    verdict(ACTOR, database, picture_id, verdict_on(database, picture_id, regions, name, 0), moment)
    return moment


def test_speed_and_outcomes_are_counted_for_each_reviewer(database):
    first, second, third = in_review(database, 3)
    decide(database, first, (FACE,), seconds=10)
    decide(database, second, (FACE,), seconds=30, verdict=decisions.reject)
    moment = decide(database, third, (FACE,), name="bo", seconds=1500)

    ada, bo = statistics.by_reviewer(ACTOR, database, moment)

    assert (ada.reviewer, ada.decided, ada.rejected) == ("ada", 2, 1)
    assert ada.per_hour == pytest.approx(180)
    assert bo.mean_seconds == 300  # an interruption


@pytest.mark.parametrize(
    ("regions", "is_corrected"),
    [
        pytest.param((FACE,), False, id="doubt dropped"),
        pytest.param((FACE, ASKED), False, id="doubt kept"),
        pytest.param((FACE, DRAWN), True, id="added"),
        pytest.param((), True, id="dropped"),
        pytest.param((replace(FACE, box=Box(9, 10, 30, 30)),), True, id="moved"),
    ],
)
def test_answering_a_question_is_no_correction(database, regions, is_corrected):
    moment = decide(database, *in_review(database), regions)

    (one,) = statistics.by_reviewer(ACTOR, database, moment)

    assert one.corrected == is_corrected


def test_what_was_taken_back_or_contested_is_overturned(database):
    moment = decide(database, *in_review(database), (FACE,))
    decisions.reopen_last(ACTOR, database, "ada", moment)

    (one,) = statistics.by_reviewer(ACTOR, database, moment)

    assert (one.decided, one.overturned) == (1, 1)


def test_decisions_of_long_ago_do_not_count(database):
    decide(database, *in_review(database), (FACE,))

    assert statistics.by_reviewer(ACTOR, database, NOW + timedelta(days=31)) == ()
