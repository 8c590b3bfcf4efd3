"""The figures of monitoring: what they count, and that they stay quick."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.errors import UnreadableImage, UnsafeRelease
from engine.plan import ReviewDecision
from engine.runs.jobs import HeldFor, NeedsReview, Quarantined
from engine.runs.licences import read_licence_list
from engine.runs.refusal import failed, refusal
from store.accounts.act import Act
from store.accounts.actor import MACHINE, Actor
from store.accounts.role import Role
from store.batches import batches, intake, pictures
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.batches.pictures import PictureState
from store.database import Database
from store.errors import NotAllowed
from store.monitoring.figures import Held, figures
from store.retention import shredding
from store.retention.holding import Holding
from store.review import audit_sample, decisions, reviews
from store.review.audit_sample import SampleResult
from store.worker import retry, tasks
from tests.store.batches.test_intake import STRICT
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
)
from tests.store.review.test_audit_sample import RECTS

pytestmark = pytest.mark.slow

MANY = """
INSERT INTO batches
    (id, name, policy_toml, policy, format, require_licence, created_at, started_at)
VALUES ('b', 'b', '', '', 'same', FALSE, '2026-01-01', '2026-01-01');

INSERT INTO pictures (id, batch_id, source, state, added_at, prepared_at, changed_at)
SELECT i::VARCHAR, 'b', 'x', CASE WHEN i % 2 = 0 THEN 'review' ELSE 'quarantined' END,
    '2026-01-01', '2026-01-01', '2026-01-01'
FROM range(100000) AS t(i);

INSERT INTO events
SELECT 10 + i, '2026-01-01', 'a', 'decide', 'x', '{"outcome":"released"}', '', ''
FROM range(400000) AS t(i);
"""


def held(database, outcome=None):
    """A picture that the machine held back; gives its batch."""
    batch_id = a_batch(database, [b"x"])
    task = tasks.take(ACTOR, database, NOW)
    made = outcome(task) if outcome else Quarantined(task.picture_id, "why")
    tasks.record(ACTOR, database, made, NOW)
    return batch_id


def in_review(database, at=NOW):
    a_batch(database, [b"v"])
    task = tasks.take(ACTOR, database, at)
    made = replace(plan(task.picture_id, reasons=(SAMPLE,)), review_regions=())
    tasks.record(ACTOR, database, NeedsReview(task.picture_id, made.with_rects(RECTS)), at)
    return task.picture_id


def decide(database, regions, act=decisions.settle):
    case = reviews.claim(ACTOR, database, "ada", NOW)
    verdict = ReviewDecision.on(case.plan, regions, "ada")
    act(ACTOR, database, case.picture_id, verdict, NOW + MINUTE)


def test_an_empty_installation_has_nothing_but_zeros(database):
    now = figures(ACTOR, database, NOW)

    assert set(now.pictures) == set(PictureState)
    assert set(now.held_back) == set(Held)
    assert not any([*now.pictures.values(), *now.held_back.values(), *now.refused.values()])
    assert (now.oldest, now.postponed, now.redaction_failures, now.refused_lately) == ({}, 0, 0, 0)
    assert now.sample == SampleResult()
    assert now.overdue == 0


def test_pictures_are_counted_where_they_are_with_the_longest_wait(database):
    in_review(database, NOW - timedelta(hours=3))
    in_review(database, NOW - timedelta(hours=1))
    a_batch(database, [b"x", b"x", b"x"])
    tasks.take(ACTOR, database, NOW - timedelta(minutes=7))
    batch = batches.create(ACTOR, database, Request("not started", ""), NOW)
    intake.add(ACTOR, database, batch.id, [Incoming("a.jpg", b"x")], NOW)

    now = figures(ACTOR, database, NOW + MINUTE)

    counts = {state: count for state, count in now.pictures.items() if count}
    assert counts == {PictureState.REVIEW: 2, PictureState.WAITING: 2, PictureState.WORKING: 1}
    assert now.oldest == {
        PictureState.REVIEW: NOW - timedelta(hours=3),
        PictureState.WAITING: NOW,
        PictureState.WORKING: NOW - timedelta(minutes=7),
    }


def test_what_is_held_back_is_counted_by_its_kind(database):
    def of(error):
        return lambda task: refusal(task.picture_id, task.original, error)

    held(database, of(UnreadableImage("torn")))
    held(database, of(PermissionError("no")))
    held(database, of(UnsafeRelease("T3")))
    held(database, lambda task: failed(task.picture_id, ValueError("x")))
    held(database)
    in_review(database)
    decide(database, (FACE,), decisions.reject)
    in_review(database)
    shredding.shred(ACTOR, database, reviews.claim(ACTOR, database, "ada", NOW).picture_id, NOW)
    manifest = read_licence_list("filename,licence,retain_days\nb.jpg,CC0,1\n")
    batch = batches.create(ACTOR, database, Request("licensed", STRICT), NOW)
    intake.add(ACTOR, database, batch.id, [Incoming("a.jpg", b"x")], NOW, manifest=manifest)

    now = figures(ACTOR, database, NOW)

    assert now.held_back == {
        Held.UNREADABLE: 2,
        Held.CHECK: 1,
        Held.DEFECT: 1,
        Held.OTHER: 1,
        Held.REJECTED: 1,
        Held.REFUSED: 1,
        Held.ENDED: 1,
    }
    assert now.redaction_failures == 2


@pytest.mark.parametrize("holding", [Holding.ORIGINAL, Holding.PREVIEW, Holding.REVIEW])
def test_a_picture_that_ended_in_review_was_rejected_by_nobody(database, holding):
    picture_id = in_review(database)

    shredding.shred(ACTOR, database, picture_id, NOW, holdings={holding})

    now = figures(ACTOR, database, NOW)
    assert {held for held, count in now.held_back.items() if count} == {Held.ENDED}


def test_a_doubt_of_what_nobody_may_see_any_more_is_tried_no_more(database):
    a_batch(database, [b"v"])
    task = tasks.take(ACTOR, database, NOW)
    shredding.shred(ACTOR, database, task.picture_id, NOW, holdings={Holding.PREVIEW})

    tasks.record(ACTOR, database, NeedsReview(task.picture_id, plan(task.picture_id)), NOW)

    now = figures(ACTOR, database, NOW)
    assert {held for held, count in now.held_back.items() if count} == {Held.ENDED}
    assert retry.held_back(ACTOR, database, task.batch_id) == 0


def test_a_failure_stays_one_when_its_original_ends(database):
    def unsafe(task):
        return refusal(task.picture_id, task.original, UnsafeRelease("T3"))

    batch_id = held(database, unsafe)
    (picture,) = pictures.of_batch(ACTOR, database, batch_id)

    shredding.shred(ACTOR, database, picture.id, NOW)

    assert figures(ACTOR, database, NOW).redaction_failures == 1


def test_pictures_of_which_something_is_overdue_are_counted_once(database):
    batch = batches.create(ACTOR, database, Request("licensed", ""), NOW)
    manifest = read_licence_list("filename,licence,retain_days\na.jpg,CC0,1\n")
    incoming = [Incoming("a.jpg", b"x"), Incoming("b.jpg", b"x")]
    intake.add(ACTOR, database, batch.id, incoming, NOW, manifest=manifest)

    assert figures(ACTOR, database, NOW).overdue == 0
    assert figures(ACTOR, database, NOW + timedelta(days=2)).overdue == 1


def test_the_kind_goes_with_another_try(database):
    batch_id = held(database, lambda task: failed(task.picture_id, ValueError("x")))
    retry.try_held_back(ACTOR, database, batch_id, NOW)
    task = tasks.take(ACTOR, database, NOW)
    tasks.record(ACTOR, database, NeedsReview(task.picture_id, plan(task.picture_id)), NOW)
    decide(database, (FACE,), decisions.reject)

    now = figures(ACTOR, database, NOW)

    assert {held: count for held, count in now.held_back.items() if count} == {Held.REJECTED: 1}


def test_a_picture_that_stopped_the_program_is_a_failure(database):
    a_batch(database, [b"x"])
    for _ in range(3):
        task = tasks.take(ACTOR, database, NOW)
        tasks.give_back(ACTOR, database, [task.picture_id], NOW, attempt_counts=True)

    assert figures(ACTOR, database, NOW).held_back[Held.DEFECT] == 1


def test_postponed_pictures_are_counted(database):
    a_batch(database, [b"x"])
    task = tasks.take(ACTOR, database, NOW)
    tasks.record(ACTOR, database, refusal(task.picture_id, task.original, MemoryError("none")), NOW)

    now = figures(ACTOR, database, NOW)

    assert now.postponed == 1
    assert now.pictures[PictureState.WAITING] == 1


def test_refused_accesses_are_counted_by_reason_and_how_many_lately(tmp_path):
    moments = [NOW - timedelta(days=2)]
    nobody = Actor("ana", "ana", frozenset({Role.ANALYST}))
    with closing(Database.open(tmp_path, NOW, clock=lambda: moments[-1])) as database:
        for act, moment in ((Act.ACTIVATE_POLICY, moments[0]), (Act.DECIDE, NOW)):
            moments.append(moment)
            with pytest.raises(NotAllowed):
                database.admit(nobody, act)

        now = figures(MACHINE, database, NOW)

    assert now.refused == {"NotAllowed": 2}
    assert now.refused_lately == 1


def test_samples_are_counted_again_when_somebody_decides_and_only_then(database, monkeypatch):
    counted = []
    real = audit_sample._counted
    monkeypatch.setattr(audit_sample, "_counted", lambda *asked: counted.append(1) or real(*asked))
    for _ in range(3):
        in_review(database)
    results = [_sample(database)]

    for regions, act in (
        ((FACE,), decisions.settle),
        ((FACE, DRAWN), decisions.settle),
        ((FACE,), decisions.reject),
    ):
        decide(database, regions, act)
        results += [_sample(database) for _ in range(2)]

    assert results[::2] == [(0, 0, 0), (1, 0, 0), (2, 1, 0), (2, 1, 1)]
    assert len(counted) == 4
    assert audit_sample.result(ACTOR, database) is figures(ACTOR, database, NOW).sample
    decisions.reopen_last(ACTOR, database, "ada", NOW + 2 * MINUTE)
    assert _sample(database) == (2, 1, 0)


def _sample(database):
    sample = figures(ACTOR, database, NOW).sample
    return sample.checked, sample.missed, sample.rejected


def test_every_kind_of_the_machine_is_told():
    assert {kind.value for kind in HeldFor} < {held.value for held in Held}


@pytest.mark.slow
def test_a_hundred_thousand_pictures_are_counted(database):
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute(MANY)

    now = figures(ACTOR, database, NOW)

    assert now.pictures[PictureState.REVIEW] == 50_000
    assert sum(now.held_back.values()) == 50_000
