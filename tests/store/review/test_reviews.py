import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.errors import InvalidDecision, StaleRevision
from engine.geometry import Box
from engine.plan import Reason, ReasonKind
from engine.runs.jobs import NeedsReview
from store import clock
from store.batches import batches, intake, pictures, progress
from store.batches.intake import Incoming
from store.database import Database
from store.errors import UnknownRecord
from store.releases import receipts
from store.review import audit_sample, queue, reviews
from store.review import decisions as verdicts
from store.review.claims import SavedDraft
from store.worker import tasks
from tests.store.fakes import (
    ACTOR,
    ANY,
    DRAWN,
    FACE,
    MINUTE,
    NOW,
    SAMPLE,
    a_batch,
    plan,
    released,
    verdict_on,
)

pytestmark = pytest.mark.slow

LATER = NOW + 31 * MINUTE


def in_review(database, *plans):
    """Pictures in review, one per plan; gives their ids in order."""
    a_batch(database, [b"v"] * len(plans))
    ids = []
    for made in plans:
        task = tasks.take(ACTOR, database, NOW)
        own = replace(made, image_id=task.picture_id)
        tasks.record(ACTOR, database, NeedsReview(task.picture_id, own), NOW)
        ids.append(task.picture_id)
    return ids


def a_draft(reviewer="ada", at=NOW, **state):
    return SavedDraft(reviewer, (DRAWN,), state, at)


def release(database, now=NOW):
    """Do what the dispatcher and an executor do for the next picture."""
    task = tasks.take(ACTOR, database, now)

    class Job:
        id, sign_off, release_id = task.picture_id, task.sign_off, "ab" * 16

    assert tasks.record(ACTOR, database, released(Job), now)


def test_the_riskiest_picture_comes_first(database):
    low, high, blind = in_review(
        database,
        plan(score=0.2),
        plan(score=0.8),
        plan(reasons=(Reason(ReasonKind.NOTHING_FOUND),)),
    )

    order = [reviews.claim(ACTOR, database, name, NOW).picture_id for name in ("ada", "bo", "cy")]

    assert order == [blind, high, low]
    assert reviews.claim(ACTOR, database, "di", NOW) is None


def test_an_empty_queue_gives_nothing(database):
    assert reviews.claim(ACTOR, database, "ada", NOW) is None
    assert reviews.peek(ACTOR, database, "ada", NOW) is None
    assert verdicts.reopen_last(ACTOR, database, "ada", NOW) is None
    assert queue.facets(ACTOR, database) == queue.Facets((), (), ())


def test_many_threads_never_get_the_same_picture(database):
    in_review(database, *[plan()] * 24)
    got = []

    def take(name):
        for turn in range(4):
            got.append(reviews.claim(ACTOR, database, f"{name}-{turn}", NOW))

    threads = [threading.Thread(target=take, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ids = [case.picture_id for case in got if case is not None]
    assert len(got) == 32
    assert len(ids) == len(set(ids)) == 24


def test_the_same_reviewer_gets_the_current_case_again(database):
    in_review(database, plan(), plan())

    first = reviews.claim(ACTOR, database, "ada", NOW)
    again = reviews.claim(ACTOR, database, "ada", NOW + 5 * MINUTE)

    assert again.picture_id == first.picture_id
    assert again.claimed_until == NOW + 35 * MINUTE


def test_an_expired_claim_passes_on_and_the_draft_stays(database):
    (picture_id,) = in_review(database, plan())
    reviews.claim(ACTOR, database, "ada", NOW)
    reviews.save_draft(ACTOR, database, picture_id, a_draft(zoom=2))

    assert reviews.claim(ACTOR, database, "bo", NOW + 29 * MINUTE) is None
    case = reviews.claim(ACTOR, database, "bo", LATER)

    assert case.picture_id == picture_id
    assert case.draft == a_draft(zoom=2)
    with pytest.raises(StaleRevision, match="bo has it now; your last saved draft was kept"):
        reviews.renew(ACTOR, database, picture_id, "ada", LATER)
    with pytest.raises(StaleRevision):
        reviews.save_draft(ACTOR, database, picture_id, a_draft(at=LATER))


def test_an_expired_claim_nobody_took_can_be_renewed_and_settled(database):
    (picture_id,) = in_review(database, plan())
    reviews.claim(ACTOR, database, "ada", NOW)

    until = reviews.renew(ACTOR, database, picture_id, "ada", LATER)
    verdicts.settle(
        ACTOR,
        database,
        picture_id,
        verdict_on(database, picture_id, (DRAWN,), "ada", 0),
        until + MINUTE,
    )

    assert pictures.picture(ACTOR, database, picture_id).state == "settled"


def test_a_draft_survives_a_restart_and_a_later_one_replaces_it(home):
    database = Database.open(home, NOW)
    (picture_id,) = in_review(database, plan())
    reviews.claim(ACTOR, database, "ada", NOW)
    reviews.save_draft(ACTOR, database, picture_id, a_draft(zoom=1))
    reviews.save_draft(ACTOR, database, picture_id, a_draft(zoom=2, note="näher 图"))
    database.close()

    database = Database.open(home, NOW)

    assert reviews.claim(ACTOR, database, "ada", NOW).draft.state == {"zoom": 2, "note": "näher 图"}
    database.close()


def test_saving_a_draft_keeps_the_claim_alive(database):
    (picture_id,) = in_review(database, plan())
    reviews.claim(ACTOR, database, "ada", NOW)

    until = reviews.save_draft(ACTOR, database, picture_id, a_draft(at=NOW + 20 * MINUTE))

    assert until == NOW + 50 * MINUTE
    assert reviews.claim(ACTOR, database, "bo", NOW + 40 * MINUTE) is None


def test_a_skipped_picture_is_last_for_this_reviewer_and_first_for_another(database):
    risky, calm = in_review(database, plan(score=0.9), plan(score=0.1))
    reviews.claim(ACTOR, database, "ada", NOW)

    reviews.skip(ACTOR, database, risky, "ada", NOW)

    assert reviews.peek(ACTOR, database, "bo", NOW).picture_id == risky
    assert reviews.claim(ACTOR, database, "ada", NOW).picture_id == calm
    reviews.skip(ACTOR, database, calm, "ada", NOW + MINUTE)
    assert reviews.claim(ACTOR, database, "ada", NOW).picture_id == risky


def test_skipping_one_case_keeps_its_draft(database):
    (picture_id,) = in_review(database, plan())
    reviews.claim(ACTOR, database, "ada", NOW)
    reviews.save_draft(ACTOR, database, picture_id, a_draft())

    reviews.skip(ACTOR, database, picture_id, "ada", NOW)

    assert reviews.claim(ACTOR, database, "bo", NOW).draft == a_draft()


def test_a_certain_picture_can_be_claimed_and_the_other_is_let_go(database):
    first, second = in_review(database, plan(score=0.9), plan(score=0.1))
    reviews.claim(ACTOR, database, "ada", NOW)

    case = reviews.claim_picture(ACTOR, database, second, "ada", NOW)

    assert case.picture_id == second
    assert reviews.claim(ACTOR, database, "bo", NOW).picture_id == first
    with pytest.raises(StaleRevision, match="bo has this picture"):
        reviews.claim_picture(ACTOR, database, first, "ada", NOW)
    with pytest.raises(UnknownRecord):
        reviews.claim_picture(ACTOR, database, "00", "ada", NOW)


def test_a_skipped_picture_is_free_for_others_once_its_holder_skips_it(database):
    (picture_id,) = in_review(database, plan())
    reviews.claim(ACTOR, database, "ada", NOW)

    reviews.skip(ACTOR, database, picture_id, "bo", NOW)
    assert reviews.claim(ACTOR, database, "bo", NOW) is None
    reviews.skip(ACTOR, database, picture_id, "ada", NOW)

    assert reviews.claim(ACTOR, database, "bo", NOW).picture_id == picture_id


def test_peeking_shows_what_comes_next_without_taking_it(database):
    in_review(database, plan(score=0.9), plan(score=0.5), plan(score=0.1))
    current = reviews.claim(ACTOR, database, "ada", NOW)

    ahead = reviews.peek(ACTOR, database, "ada", NOW, after=current.picture_id)
    verdicts.settle(
        ACTOR,
        database,
        current.picture_id,
        verdict_on(database, current.picture_id, (), "ada", 0),
        NOW,
    )

    assert ahead.claimed_until is None
    assert reviews.claim(ACTOR, database, "ada", NOW).picture_id == ahead.picture_id


def test_settling_keeps_the_machines_plan_beside_the_verdict(database):
    (picture_id,) = in_review(database, plan(reasons=(SAMPLE,)))
    reviews.claim(ACTOR, database, "ada", NOW)

    verdicts.settle(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (FACE, DRAWN), "ada", 0), NOW
    )

    (compared,) = audit_sample.comparisons(ACTOR, database)
    assert compared.audit_sample
    assert compared.machine == plan(picture_id, reasons=(SAMPLE,))
    assert compared.decided == (FACE, DRAWN)
    assert (compared.reviewer, compared.decided_at) == ("ada", NOW)
    assert audit_sample.comparisons(ACTOR, database, audit_sample=False) == ()


@pytest.mark.parametrize(
    ("reasons", "is_sample"),
    [
        ((SAMPLE,), True),
        ((Reason(ReasonKind.NOTHING_FOUND),), False),
        ((SAMPLE, Reason(ReasonKind.NOTHING_FOUND)), False),
    ],
    ids=["sample alone", "another reason", "sample among others"],
)
def test_only_a_picture_drawn_for_nothing_but_the_check_is_an_audit_sample(
    database, reasons, is_sample
):
    made = replace(plan(reasons=reasons), review_regions=())

    (picture_id,) = in_review(database, made)

    assert pictures.picture(ACTOR, database, picture_id).audit_sample is is_sample


def test_a_stale_revision_is_refused_and_the_regions_are_kept_on_record(database):
    (picture_id,) = in_review(database, plan())
    reviews.claim(ACTOR, database, "ada", NOW)
    verdicts.settle(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (), "ada", 0), NOW
    )
    verdicts.reopen_last(ACTOR, database, "ada", NOW)

    with pytest.raises(StaleRevision, match="1 region was kept on record but not applied"):
        verdicts.settle(
            ACTOR, database, picture_id, verdict_on(database, picture_id, (DRAWN,), "ada", 0), NOW
        )

    with database.transaction(ACTOR, ANY) as cursor:
        decisions = cursor.execute("SELECT decision FROM verdicts ORDER BY number").fetchall()
    assert decisions == [("settled",), ("refused",)]
    assert pictures.picture(ACTOR, database, picture_id).state == "review"


@pytest.mark.parametrize("decide", [verdicts.settle, verdicts.reject], ids=["settle", "reject"])
def test_a_verdict_after_the_claim_went_to_somebody_else_is_refused(database, decide):
    (picture_id,) = in_review(database, plan())
    reviews.claim(ACTOR, database, "ada", NOW)
    reviews.claim(ACTOR, database, "bo", LATER)

    with pytest.raises(StaleRevision, match="ran out and bo has it now"):
        decide(
            ACTOR, database, picture_id, verdict_on(database, picture_id, (DRAWN,), "ada", 0), LATER
        )

    assert pictures.picture(ACTOR, database, picture_id).state == "review"
    decide(ACTOR, database, picture_id, verdict_on(database, picture_id, (DRAWN,), "bo", 0), LATER)


def test_settling_twice_says_that_it_was_decided(database):
    (picture_id,) = in_review(database, plan())
    verdicts.settle(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (), "ada", 0), NOW
    )

    with pytest.raises(StaleRevision, match="decided meanwhile"):
        verdicts.settle(
            ACTOR, database, picture_id, verdict_on(database, picture_id, (), "ada", 0), NOW
        )


def test_a_region_outside_the_picture_changes_nothing(database):
    (picture_id,) = in_review(database, plan())
    reviews.claim(ACTOR, database, "ada", NOW)
    outside = type(DRAWN)(Box(200, 200, 210, 210), DRAWN.category, DRAWN.origin)

    with pytest.raises(InvalidDecision, match="outside the picture"):
        verdicts.settle(
            ACTOR, database, picture_id, verdict_on(database, picture_id, (outside,), "ada", 0), NOW
        )

    assert reviews.claim(ACTOR, database, "ada", NOW).picture_id == picture_id
    assert queue.pace(ACTOR, database, "ada", NOW).decided == 0


def test_a_rejected_picture_is_held_back_with_the_reviewers_name(database):
    (picture_id,) = in_review(database, plan())

    verdicts.reject(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (), "ada", 0), NOW
    )

    picture = pictures.picture(ACTOR, database, picture_id)
    assert (picture.state, picture.reason) == ("quarantined", "Rejected in review by ada.")


def test_undo_brings_the_case_back_with_the_verdicts_regions_as_draft(database):
    (picture_id,) = in_review(database, plan())
    reviews.claim(ACTOR, database, "ada", NOW)
    verdicts.settle(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (DRAWN,), "ada", 0), NOW
    )

    reopened = verdicts.reopen_last(ACTOR, database, "ada", NOW)

    assert reopened.claim.picture_id == picture_id
    assert reopened.claim.draft.regions == (DRAWN,)
    assert reopened.claim.plan.revision == 2
    assert reopened.claim.plan.review_regions == plan().review_regions
    assert reopened.withdrawn is None
    assert verdicts.reopen_last(ACTOR, database, "ada", NOW) is None
    verdicts.settle(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (), "ada", 2), NOW
    )


def test_undo_after_a_rejection_clears_the_reason(database):
    (picture_id,) = in_review(database, plan())
    verdicts.reject(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (), "ada", 0), NOW
    )

    verdicts.reopen_last(ACTOR, database, "ada", NOW)

    picture = pictures.picture(ACTOR, database, picture_id)
    assert (picture.state, picture.reason) == ("review", None)


def test_undo_while_the_picture_is_in_work_asks_for_patience(database):
    (picture_id,) = in_review(database, plan())
    verdicts.settle(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (), "ada", 0), NOW
    )
    tasks.take(ACTOR, database, NOW)

    with pytest.raises(StaleRevision, match="a few seconds"):
        verdicts.reopen_last(ACTOR, database, "ada", NOW)


def test_undo_after_the_release_withdraws_it_and_a_new_one_can_follow(database):
    (picture_id,) = in_review(database, plan())
    verdicts.settle(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (), "ada", 0), NOW
    )
    release(database)
    (first,) = receipts.newest(ACTOR, database)

    reopened = verdicts.reopen_last(ACTOR, database, "ada", NOW)

    assert reopened.withdrawn == first.release_id
    assert not first.path.exists()
    assert receipts.newest(ACTOR, database) == ()
    assert receipts.receipt(ACTOR, database, first.release_id).withdrawn_at == NOW
    verdicts.settle(
        ACTOR, database, picture_id, verdict_on(database, picture_id, (DRAWN,), "ada", 2), NOW
    )
    task = tasks.take(ACTOR, database, NOW)
    assert task.settled.regions == (DRAWN,)


def test_undo_reaches_only_ones_own_verdicts_the_last_first(database):
    first, second, third = in_review(database, plan(), plan(), plan())
    verdicts.settle(ACTOR, database, first, verdict_on(database, first, (), "ada", 0), NOW)
    verdicts.settle(ACTOR, database, second, verdict_on(database, second, (), "bo", 0), NOW)
    verdicts.settle(ACTOR, database, third, verdict_on(database, third, (), "ada", 0), NOW)

    assert verdicts.reopen_last(ACTOR, database, "ada", NOW).claim.picture_id == third
    assert verdicts.reopen_last(ACTOR, database, "ada", NOW).claim.picture_id == first


def test_pace_counts_the_last_hour_and_an_interruption_as_five_minutes(database):
    ids = in_review(database, *[plan()] * 5)
    now = NOW
    for picture_id, seconds in zip(ids[:3], (10, 20, 1500), strict=True):
        reviews.claim_picture(ACTOR, database, picture_id, "ada", now)
        now += timedelta(seconds=seconds)
        verdicts.settle(
            ACTOR, database, picture_id, verdict_on(database, picture_id, (), "ada", 0), now
        )

    pace = queue.pace(ACTOR, database, "ada", now)

    assert (pace.decided, pace.waiting) == (3, 2)
    assert pace.mean_seconds == pytest.approx((10 + 20 + 300) / 3)
    assert pace.seconds_left == pytest.approx(220)
    assert queue.pace(ACTOR, database, "bo", now).seconds_left is None
    assert queue.pace(ACTOR, database, "ada", now + timedelta(hours=2)).decided == 0


def test_the_queue_counts_pictures_per_reason_and_names_claims_that_run(database):
    in_review(database, plan(), plan(), plan(reasons=(SAMPLE,)))
    reviews.claim(ACTOR, database, "ada", NOW)

    kinds = dict(queue.facets(ACTOR, database).kinds)
    assert kinds == {ReasonKind.UNSURE: 2, ReasonKind.AUDIT_SAMPLE: 1}
    assert [entry.claimed_by for entry in queue.entries(ACTOR, database, LATER)] == [None] * 3
    assert [entry.claimed_by for entry in queue.entries(ACTOR, database, NOW)] == [
        "ada",
        None,
        None,
    ]


def test_no_page_costs_more_than_eight_readings_of_the_waiting_plans(database):
    batch = batches.create(ACTOR, database, batches.Request("big", ""), NOW)
    intake.add(ACTOR, database, batch.id, (Incoming(f"{n}.jpg", b"v") for n in range(500)), NOW)
    batches.start(ACTOR, database, batch.id, NOW)
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute(
            """
            INSERT INTO pictures
                (id, batch_id, source, state, risk, audit_sample, added_at, changed_at)
            SELECT printf('%032x', range), ?, range || '.jpg',
                CASE WHEN range % 2 = 0 THEN 'review' ELSE 'released' END,
                (range * 7919 % 10007) / 10007, FALSE, added_at, added_at
            FROM range(19500), (SELECT added_at FROM pictures LIMIT 1)
            """,
            [batch.id],
        )
        tasks.plans.keep(cursor, "00", tasks.StoredPlan(plan()), NOW)
        cursor.execute(
            """
            INSERT INTO plans
            SELECT p.id, 0, l.plan, l.masked, l.kinds, NULL, l.made_at, NULL
            FROM pictures AS p, plans AS l
            WHERE p.state = 'review'
            """
        )
    case = reviews.claim(ACTOR, database, "ada", NOW)
    timed = {
        "progress": lambda: progress.progress(ACTOR, database, batch.id, NOW),
        "overview": lambda: progress.overview(ACTOR, database, NOW),
        "totals": lambda: progress.totals(ACTOR, database),
        "facets": lambda: queue.facets(ACTOR, database),
        "entries": lambda: queue.entries(ACTOR, database, NOW),
        "claim": lambda: reviews.claim(ACTOR, database, "bo", NOW),
        "peek": lambda: reviews.peek(ACTOR, database, "ada", NOW, after=case.picture_id),
        "draft": lambda: reviews.save_draft(ACTOR, database, case.picture_id, a_draft()),
        "pace": lambda: queue.pace(ACTOR, database, "ada", NOW),
        "take": lambda: tasks.take(ACTOR, database, NOW),
    }

    took_ms = {name: min(_ms(call) for _ in range(7)) for name, call in timed.items()}
    reading_ms = min(_ms(lambda: _read_plans(database)) for _ in range(7))

    assert progress.totals(ACTOR, database).total == 20_000
    assert max(took_ms.values()) < 8 * reading_ms, (took_ms, reading_ms)


def _read_plans(database):
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute(
            "SELECT sum(len(json_extract_string(plan, '$.regions[*].category'))) FROM plans"
        ).fetchall()


def _ms(call):
    began = time.process_time()
    call()
    return (time.process_time() - began) * 1000


def test_a_verdict_of_long_ago_is_not_undone(database):
    (picture,) = in_review(database, plan())
    verdicts.settle(ACTOR, database, picture, verdict_on(database, picture, (), "ada", 0), NOW)

    later = NOW + verdicts.UNDO_WINDOW + timedelta(seconds=1)

    assert verdicts.reopen_last(ACTOR, database, "ada", later) is None


def test_a_verdict_given_while_the_clock_was_ahead_is_not_undone_for_a_year_nor_another_for_it(
    database,
):
    first, second = in_review(database, plan(), plan())
    ahead = NOW + timedelta(days=365)
    verdicts.settle(ACTOR, database, first, verdict_on(database, first, (), "ada", 0), NOW)
    verdicts.settle(ACTOR, database, second, verdict_on(database, second, (), "ada", 0), ahead)

    assert verdicts.reopen_last(ACTOR, database, "ada", NOW) is None
    assert queue.pace(ACTOR, database, "ada", NOW).decided == 1
    assert verdicts.reopen_last(ACTOR, database, "ada", ahead).claim.picture_id == second


def test_work_that_is_dated_later_than_now_is_told(database):
    assert clock.ahead(ACTOR, database, NOW) is None
    (picture,) = in_review(database, plan())
    ahead = NOW + timedelta(days=365)

    verdicts.settle(ACTOR, database, picture, verdict_on(database, picture, (), "ada", 0), ahead)

    assert clock.ahead(ACTOR, database, NOW) == ahead
    assert clock.ahead(ACTOR, database, ahead) is None


def test_a_verdict_on_another_picture_changes_nothing_though_both_plans_are_the_first(database):
    one, other = in_review(database, plan(), plan())

    for decide in (verdicts.settle, verdicts.reject):
        with pytest.raises(InvalidDecision, match="another picture"):
            decide(ACTOR, database, one, verdict_on(database, other, (), "ada", 0), NOW)

    assert pictures.picture(ACTOR, database, one).state == "review"


def test_a_verdict_on_a_plan_nobody_was_shown_is_kept_but_not_applied(database):
    (picture_id,) = in_review(database, plan())
    decision = replace(verdict_on(database, picture_id, (DRAWN,), "ada", 0), plan="0" * 64)

    with pytest.raises(StaleRevision, match="plan was changed"):
        verdicts.settle(ACTOR, database, picture_id, decision, NOW)

    with database.transaction(ACTOR, ANY) as cursor:
        kept = cursor.execute("SELECT decision, revision, plan FROM verdicts").fetchall()
    assert kept == [("refused", -1, "0" * 64)]
    assert pictures.picture(ACTOR, database, picture_id).state == "review"
