"""A released picture goes to a person again, and its release is gone until it is decided anew."""

import json

import pytest

from engine.category import Category
from engine.errors import StaleRevision, UnreadableImage
from engine.plan import Reason, ReasonKind, ReviewDecision
from store.audit.state import verify_now
from store.batches import pictures
from store.batches.pictures import PictureState
from store.errors import UnknownRecord
from store.releases import receipts
from store.review import decisions, reviews
from store.subjects import correction, requests
from store.subjects.correction import Ground
from tests.store.fakes import ACTOR, ANY, DRAWN, FACE, MINUTE, NOW


def correct(worked, ground=Ground.MISSED):
    return correction.corrected(ACTOR, worked.database, worked.picture_id, ground, NOW)


def decide(worked, *regions, by="bo"):
    case = reviews.claim(ACTOR, worked.database, by, NOW)
    decision = ReviewDecision.on(case.plan, (*case.plan.regions, *regions), by)
    decisions.settle(ACTOR, worked.database, case.picture_id, decision, NOW)
    return case


def verdicts(database):
    with database.transaction(ACTOR, ANY) as cursor:
        return cursor.execute(
            "SELECT reviewer, contested_at IS NOT NULL FROM verdicts ORDER BY number"
        ).fetchall()


def test_the_release_is_withdrawn_and_a_person_sees_what_had_gone_and_why(worked):
    before = worked.release

    done = correct(worked)

    assert done.release_id == before.release_id
    assert not before.path.exists()
    assert receipts.receipt(ACTOR, worked.database, before.release_id).withdrawn_at == NOW
    case = reviews.claim(ACTOR, worked.database, "bo", NOW)
    assert case.picture_id == worked.picture_id
    assert case.plan.reasons == (Reason(ReasonKind.OBJECTION, "something was missed"),)
    (region,) = case.plan.regions
    assert (region.box, region.category, region.rect) == (FACE.box, Category.FACE, (8, 8, 32, 32))


def test_what_is_decided_then_is_another_release(worked):
    before = correct(worked)

    decide(worked, DRAWN)
    worked.work()

    assert worked.release.release_id != before.release_id
    assert pictures.picture(ACTOR, worked.database, worked.picture_id).state == "released"


def test_the_verdict_behind_the_release_is_contested_and_the_trail_stays_whole(worked):
    correct(worked)
    decide(worked)
    worked.work()

    correct(worked)

    assert verdicts(worked.database) == [("bo", True)]
    assert decisions.reopen_last(ACTOR, worked.database, "bo", NOW + MINUTE) is None
    decide(worked, DRAWN, by="cy")
    worked.work()
    assert verdicts(worked.database) == [("bo", True), ("cy", False)]
    assert verify_now(ACTOR, worked.database).problems == ()


def test_it_is_on_record_with_the_request_and_without_a_word_of_ones_own(worked):
    done = correct(worked, Ground.TOO_MUCH)

    with worked.database.transaction(ACTOR, ANY) as cursor:
        row = cursor.execute(
            "SELECT act, subject, details FROM events ORDER BY number DESC LIMIT 1"
        ).fetchone()
    assert row[:2] == ("correct_subject", worked.picture_id)
    assert json.loads(row[2]) == {
        "request": done.request_id,
        "ground": "too much was removed",
        "withdrawn": done.release_id,
        "contested": "",
    }


def test_a_picture_that_waits_already_is_left_as_it_is(worked):
    correct(worked)
    before = requests.listed(ACTOR, worked.database)

    with pytest.raises(StaleRevision, match="waits for review already"):
        correct(worked)
    decide(worked)
    with pytest.raises(StaleRevision, match="not done yet"):
        correct(worked)

    assert requests.listed(ACTOR, worked.database) == before


def test_a_picture_that_a_person_rejected_has_nothing_to_correct(worked):
    correct(worked)
    case = reviews.claim(ACTOR, worked.database, "bo", NOW)
    decisions.reject(
        ACTOR, worked.database, case.picture_id, ReviewDecision.on(case.plan, (), "bo"), NOW
    )

    with pytest.raises(StaleRevision, match="nothing to correct"):
        correct(worked)


def test_without_its_original_nobody_could_decide_so_the_release_stands(worked):
    worked.database.files.original(worked.picture_id).unlink()

    with pytest.raises(UnreadableImage, match="nobody can decide it anew"):
        correct(worked)

    assert worked.release.path.exists()
    state = pictures.picture(ACTOR, worked.database, worked.picture_id).state
    assert state is PictureState.RELEASED
    assert requests.listed(ACTOR, worked.database) == ()


def test_a_picture_that_there_is_not_is_a_sentence(worked):
    with pytest.raises(UnknownRecord):
        correction.corrected(ACTOR, worked.database, "nothing", Ground.OTHER, NOW)
