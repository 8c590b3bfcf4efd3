"""A drawn picture is decided by two people, neither of whom sees what the other decided."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.errors import InvalidDecision, StaleRevision
from engine.geometry import Box
from engine.plan import Reason, ReasonKind, ReviewDecision
from engine.receipt import SignOff
from engine.runs.jobs import NeedsReview, Quarantined
from store.batches import batches, intake, pictures, progress
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.exchange.export_labels import export_labels
from store.releases import certificates, receipts
from store.review import audit_sample, decisions, queue, reviews, second_review, statistics
from store.review.claims import SavedDraft
from store.worker import retry, tasks
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
    object_to,
    plan,
    released,
)

pytestmark = pytest.mark.slow

ALWAYS = "[review]\nsecond_review_share = 1.0\n"
ASKED = Reason(ReasonKind.SECOND_REVIEW)
TATTOO = plan().review_regions[0]
WIDER = replace(FACE, box=Box(10, 10, 34, 30))
"""The face as another person draws it: an IoU of 0.83."""
HULL = replace(FACE, box=FACE.box.hull(WIDER.box))


def in_review(database, *contents, policy=ALWAYS, reasons=(UNSURE,)):
    """Pictures of a batch that wait for a person; gives their ids in order."""
    batch = batches.create(ACTOR, database, Request("a batch", policy), NOW)
    incoming = [Incoming(f"{place}.jpg", one) for place, one in enumerate(contents)]
    intake.add(ACTOR, database, batch.id, incoming, NOW)
    batches.start(ACTOR, database, batch.id, NOW)
    ids = []
    for _ in contents:
        task = tasks.take(ACTOR, database, NOW)
        made = plan(task.picture_id, reasons=reasons)
        tasks.record(ACTOR, database, NeedsReview(task.picture_id, made), NOW)
        ids.append(task.picture_id)
    return ids


@pytest.fixture
def picture(database):
    """A picture in review that will be drawn."""
    return in_review(database, b"v")[0]


def decide(database, picture_id, name, *regions, by=decisions.settle, now=NOW):
    """One person decides a picture as it waits now."""
    case = reviews.claim_picture(ACTOR, database, picture_id, name, now)
    by(ACTOR, database, picture_id, ReviewDecision.on(case.plan, regions, name), now)


def state(database, picture_id):
    return pictures.picture(ACTOR, database, picture_id).state


def release(database):
    """Do what the dispatcher and an executor do for the next picture; gives the task."""
    task = tasks.take(ACTOR, database, NOW)

    class Job:
        id, sign_off, release_id = task.picture_id, task.sign_off, "ab" * 16

    assert tasks.record(ACTOR, database, released(Job), NOW)
    return task


# drawing


def test_who_is_drawn_follows_from_content_and_keys_in_every_batch(database):
    contents = [str(number).encode() for number in range(20)]
    keys = database.signer.keys
    is_drawn = [
        keys.second_review_draw(keys.original_digest(hashlib.sha256(one).digest())) < 0.4
        for one in contents
    ]
    policy = "[review]\nsecond_review_share = 0.4\n"

    earlier = in_review(database, *contents, policy=policy)
    later = in_review(database, *contents, policy=policy)

    for picture_id, waits in zip(earlier + later, is_drawn * 2, strict=True):
        decide(database, picture_id, "ada", FACE)
        assert (state(database, picture_id) == "review") is waits
    assert set(is_drawn) == {True, False}


def test_the_draw_tells_nothing_of_the_sample_check(database):
    keys = database.signer.keys
    digests = [hashlib.sha256(str(number).encode()).digest() for number in range(2000)]

    both = [
        (keys.sample_draw(one), keys.second_review_draw(keys.original_digest(one)))
        for one in digests
    ]

    assert 0.07 < sum(second < 0.1 for _, second in both) / len(both) < 0.13
    assert sum(first < 0.1 and second < 0.1 for first, second in both) < 60  # 20 by chance


@pytest.mark.parametrize("policy", ["", "[review]\nsecond_review_share = 0\n"])
def test_without_a_share_one_person_is_enough(database, policy):
    (picture_id,) = in_review(database, b"v", policy=policy)

    decide(database, picture_id, "ada", FACE)

    assert state(database, picture_id) == "settled"


def test_an_original_that_nobody_knows_is_drawn(database):
    (picture_id,) = in_review(database, b"v", policy="[review]\nsecond_review_share = 1e-9\n")
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE pictures SET original = NULL")

    decide(database, picture_id, "ada", FACE)

    assert state(database, picture_id) == "review"


# the second person, who sees nothing of the first


@pytest.mark.parametrize("by", [decisions.settle, decisions.reject], ids=["settle", "reject"])
def test_a_drawn_picture_waits_for_somebody_else(database, picture, by):
    decide(database, picture, "ada", FACE, DRAWN, by=by)

    assert tasks.take(ACTOR, database, NOW) is None
    assert reviews.claim(ACTOR, database, "ada", NOW) is None
    assert reviews.claim(ACTOR, database, "Ada", NOW) is None
    with pytest.raises(StaleRevision, match="its second review is for somebody else"):
        reviews.claim_picture(ACTOR, database, picture, "ada", NOW)
    assert reviews.claim(ACTOR, database, "bo", NOW).picture_id == picture


def test_the_second_starts_from_what_the_machine_proposed(database, picture):
    before = reviews.claim(ACTOR, database, "ada", NOW)
    draft = SavedDraft("ada", (DRAWN,), {"items": []}, NOW)
    reviews.save_draft(ACTOR, database, picture, draft)

    decide(database, picture, "ada", DRAWN)

    case = reviews.claim(ACTOR, database, "bo", NOW)
    assert case.draft is None
    assert (case.plan.regions, case.plan.review_regions) == ((FACE,), (TATTOO,))
    assert case.plan.reasons == (*before.plan.reasons, ASKED)
    assert pictures.picture(ACTOR, database, picture).reason is None


def test_nobody_starts_from_a_draft_of_another_where_two_may_have_to_decide(database, picture):
    reviews.claim(ACTOR, database, "ada", NOW)
    reviews.save_draft(ACTOR, database, picture, SavedDraft("ada", (DRAWN,), {}, NOW))
    reviews.skip(ACTOR, database, picture, "ada", NOW)

    assert reviews.claim(ACTOR, database, "bo", NOW).draft is None
    reviews.skip(ACTOR, database, picture, "bo", NOW)
    assert reviews.claim(ACTOR, database, "ada", NOW).draft.regions == (DRAWN,)


def test_a_first_decision_is_no_standing_one_until_the_second(database, picture, tmp_path):
    decide(database, picture, "ada", FACE)

    assert audit_sample.comparisons(ACTOR, database, audit_sample=False) == ()
    decide(database, picture, "bo", WIDER, by=decisions.reject)
    assert audit_sample.comparisons(ACTOR, database, audit_sample=False) == ()
    assert audit_sample.rejected(ACTOR, database, audit_sample=False) == 1


def test_the_first_cannot_decide_twice(database, picture):
    decide(database, picture, "ada", FACE)
    case = reviews.peek(ACTOR, database, "bo", NOW)

    with pytest.raises(StaleRevision, match="second review is for somebody else"):
        decisions.settle(
            ACTOR, database, picture, ReviewDecision.on(case.plan, (FACE,), "ada"), NOW
        )
    with pytest.raises(StaleRevision, match="second review is for somebody else"):
        reviews.renew(ACTOR, database, picture, "ada", NOW)

    assert state(database, picture) == "review"


def test_a_decision_that_cannot_be_leaves_the_picture_to_the_first_person(database, picture):
    outside = replace(FACE, box=Box(200, 200, 210, 210))

    with pytest.raises(InvalidDecision):
        decide(database, picture, "ada", outside)

    assert reviews.claim(ACTOR, database, "ada", NOW).plan.reasons == (UNSURE,)


# what both decided


def test_what_either_marked_goes_and_both_are_named(database, picture):
    decide(database, picture, "ada", FACE, DRAWN)
    decide(database, picture, "bo", WIDER, TATTOO)

    task = release(database)

    assert set(task.settled.regions) == {HULL, DRAWN, TATTOO}
    assert task.sign_off == SignOff("ada", "bo")
    (receipt,) = receipts.newest(ACTOR, database)
    assert receipt.receipt["reviewer"] == "ada"
    assert receipt.receipt["second_reviewer"] == "bo"
    certificate = certificates.of_release(ACTOR, database, receipt.release_id)
    for name in ("ada", "bo"):
        assert database.signer.keys.pseudonym("reviewer", name).encode() in certificate


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        pytest.param(
            decisions.reject,
            decisions.settle,
            "Rejected in review by ada, one of two reviewers.",
            id="the first",
        ),
        pytest.param(
            decisions.settle,
            decisions.reject,
            "Rejected in review by bo, one of two reviewers.",
            id="the second",
        ),
        pytest.param(
            decisions.reject, decisions.reject, "Rejected in review by ada and bo.", id="both"
        ),
    ],
)
def test_what_either_rejects_is_held_back(database, picture, first, second, reason):
    decide(database, picture, "ada", FACE, by=first)
    decide(database, picture, "bo", FACE, by=second)

    kept = pictures.picture(ACTOR, database, picture)
    assert (kept.state, kept.reason) == ("quarantined", reason)
    assert tasks.take(ACTOR, database, NOW) is None
    assert not retry.try_held_back(ACTOR, database, kept.batch_id, NOW)


def test_a_release_names_nobody_else_where_one_decided(database):
    (picture_id,) = in_review(database, b"v", policy="")
    decide(database, picture_id, "ada", FACE)

    task = release(database)

    assert task.sign_off == SignOff("ada")


def test_labels_and_sample_checks_take_what_both_marked_once(database, tmp_path):
    (picture_id,) = in_review(database, b"v", reasons=(SAMPLE,))
    decide(database, picture_id, "ada", FACE)
    decide(database, picture_id, "bo", WIDER, DRAWN)

    exported = export_labels(ACTOR, database, tmp_path / "labels")
    (compared,) = audit_sample.comparisons(ACTOR, database)

    assert (exported.pictures, exported.labels) == (1, 2)
    assert set(compared.decided) == {HULL, DRAWN}


def test_what_a_witness_contests_is_decided_by_two_people_again(database, picture):
    decide(database, picture, "ada", FACE)
    decide(database, picture, "bo", FACE)

    object_to(database, OVERLOOKED)

    assert (
        decisions.last(ACTOR, database, "ada", NOW)
        is decisions.last(ACTOR, database, "bo", NOW)
        is None
    )
    assert audit_sample.comparisons(ACTOR, database, audit_sample=False) == ()
    decide(database, picture, "bo", FACE, OVERLOOKED)
    assert state(database, picture) == "review"
    decide(database, picture, "ada", FACE)
    task = release(database)
    assert set(task.settled.regions) == {FACE, OVERLOOKED}
    assert task.sign_off == SignOff("bo", "ada")


# taking back


def test_the_first_takes_back_what_waits_and_begins_anew(database, picture):
    decide(database, picture, "ada", DRAWN)

    case = decisions.reopen_last(ACTOR, database, "ada", NOW).claim

    assert case.plan.reasons == (UNSURE,)
    assert case.draft.regions == (DRAWN,)
    assert second_review.waiting_for_others(ACTOR, database, "ada") == 0
    decide(database, picture, "ada", FACE)
    decide(database, picture, "bo", FACE)
    assert release(database).settled.regions == (FACE,)


def test_nothing_is_taken_back_from_under_the_second(database, picture):
    decide(database, picture, "ada", DRAWN)
    reviews.claim(ACTOR, database, "bo", NOW)

    with pytest.raises(StaleRevision, match="bo has your last picture for its second review now"):
        decisions.reopen_last(ACTOR, database, "ada", NOW)

    decide(database, picture, "bo", FACE)
    assert set(release(database).settled.regions) == {DRAWN, FACE}


@pytest.mark.parametrize(("name", "other"), [("ada", "bo"), ("bo", "ada")])
def test_who_takes_back_of_two_decides_anew_and_the_other_decision_stays(
    database, picture, name, other
):
    marked = {"ada": FACE, "bo": DRAWN}
    decide(database, picture, "ada", FACE)
    decide(database, picture, "bo", DRAWN)
    release(database)

    reopened = decisions.reopen_last(ACTOR, database, name, NOW)

    assert reopened.withdrawn == "ab" * 16
    assert receipts.newest(ACTOR, database) == ()
    assert reopened.claim.plan.reasons == (UNSURE, ASKED)
    assert reopened.claim.draft.regions == (marked[name],)
    assert second_review.waiting_for_others(ACTOR, database, other) == 1
    assert reviews.claim(ACTOR, database, other, NOW) is None
    decide(database, picture, name, TATTOO)
    task = tasks.take(ACTOR, database, NOW)
    assert set(task.settled.regions) == {marked[other], TATTOO}
    assert {task.sign_off.reviewer, task.sign_off.second_reviewer} == {"ada", "bo"}


def test_a_decision_that_both_take_back_is_a_first_one_again(database, picture):
    decide(database, picture, "ada", FACE)
    decide(database, picture, "bo", DRAWN)
    decisions.reopen_last(ACTOR, database, "bo", NOW)
    reviews.skip(ACTOR, database, picture, "bo", NOW)

    case = decisions.reopen_last(ACTOR, database, "ada", NOW).claim

    assert case.plan.reasons == (UNSURE,)
    decide(database, picture, "ada", FACE)
    decide(database, picture, "cy", FACE)
    assert release(database).settled.regions == (FACE,)


def test_a_rejection_of_two_is_taken_back_like_any_other(database, picture):
    decide(database, picture, "ada", FACE)
    decide(database, picture, "bo", by=decisions.reject)

    decisions.reopen_last(ACTOR, database, "bo", NOW)
    decide(database, picture, "bo", FACE)

    assert state(database, picture) == "settled"


# counts


def test_the_queue_of_the_first_is_without_the_picture_and_nobody_elses_is(database):
    first, second = in_review(database, b"v1", b"v2")
    decide(database, first, "ada", FACE)

    def shown(name):
        entries = queue.entries(ACTOR, database, NOW, reviewer=name)
        ((_, _, count),) = queue.facets(ACTOR, database, reviewer=name).batches
        assert queue.pace(ACTOR, database, name, NOW).waiting == count == len(entries)
        return {entry.picture_id for entry in entries}

    assert shown("ada") == {second}
    assert shown("bo") == {first, second}
    assert {one.picture_id for one in queue.entries(ACTOR, database, NOW)} == {first, second}
    assert progress.totals(ACTOR, database).review == 2
    assert second_review.waiting_for_others(ACTOR, database, "ada") == 1
    assert second_review.waiting_for_others(ACTOR, database, "bo") == 0
    kinds = dict(queue.facets(ACTOR, database).kinds)
    assert kinds[ReasonKind.SECOND_REVIEW] == 1


def test_both_decisions_count_for_who_made_them(database, picture):
    decide(database, picture, "ada", FACE)
    decide(database, picture, "bo", FACE, DRAWN, now=NOW + MINUTE)

    ada, bo = statistics.by_reviewer(ACTOR, database, NOW + MINUTE)

    assert (ada.decided, ada.corrected, ada.overturned) == (1, 0, 0)
    assert (bo.decided, bo.corrected, bo.overturned) == (1, 1, 0)


# after a stop


def test_a_picture_still_waits_for_the_second_after_a_restart(home, database, picture):
    decide(database, picture, "ada", FACE)
    database.close()

    with_two = Database.open(home, NOW + MINUTE)
    try:
        assert reviews.claim(ACTOR, with_two, "ada", NOW + MINUTE) is None
        decide(with_two, picture, "bo", DRAWN, now=NOW + MINUTE)
        assert tasks.take(ACTOR, with_two, NOW).sign_off.second_reviewer == "bo"
    finally:
        with_two.close()

    again = Database.open(home, NOW + timedelta(hours=1))  # while it was worked on
    try:
        task = tasks.take(ACTOR, again, NOW)
        assert task.sign_off == SignOff("ada", "bo")
        assert set(task.settled.regions) == {FACE, DRAWN}
    finally:
        again.close()


def test_what_the_machine_held_back_of_two_is_tried_again_as_theirs(database, picture):
    decide(database, picture, "ada", FACE)
    decide(database, picture, "bo", FACE)
    task = tasks.take(ACTOR, database, NOW)
    tasks.record(ACTOR, database, Quarantined(task.picture_id, "A made-up fault."), NOW)

    retry.try_held_back(ACTOR, database, task.batch_id, NOW)

    again = tasks.take(ACTOR, database, NOW)
    assert again.sign_off == SignOff("ada", "bo")
