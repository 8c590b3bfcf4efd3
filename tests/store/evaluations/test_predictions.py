"""Labelled pictures on the line: their turn, their outcomes, and none of anybody else's."""

import pytest

from engine.evaluation.prediction_job import Prediction, PredictionJob
from engine.receipt import UNATTENDED
from engine.runs.jobs import NeedsReview, Quarantined
from store.batches import pictures, progress
from store.evaluations import evaluations
from store.evaluations.evaluations import Counts
from store.releases import receipts
from store.worker import tasks as work
from tests.store.fakes import (
    ACTOR,
    NOW,
    FakeExecutor,
    a_batch,
    an_evaluation,
    by_content,
    findings,
    plan,
    released,
)
from tests.store.runs import examine_all, is_finished, until


def test_pictures_of_people_come_before_labelled_ones_and_those_by_age(database, folder):
    old = an_evaluation(database, folder, [b"e"] * 2)
    young = an_evaluation(database, folder, [b"e"])
    batch_id = a_batch(database, [b"r"] * 2)

    order = [work.take(ACTOR, database, NOW) for _ in range(5)]

    assert [task.batch_id for task in order[:2]] == [batch_id] * 2
    assert [task.evaluation_id for task in order[2:]] == [old, old, young]
    assert [task.path.name for task in order[2:4]] == ["0000.jpg", "0001.jpg"]
    assert work.take(ACTOR, database, NOW) is None


def test_a_batch_that_comes_meanwhile_does_not_wait_for_the_evaluation(database, dispatch, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 200)
    worked_on = []

    def decide(job):
        worked_on.append(isinstance(job, PredictionJob))
        return by_content(job)

    dispatch(FakeExecutor(decide, seconds=0.01))
    until(lambda: evaluations.counts(ACTOR, database, evaluation_id).examined >= 3)
    begun = len(worked_on)
    batch_id = a_batch(database, [b"r"] * 3)
    until(lambda: progress.progress(ACTOR, database, batch_id, NOW).counts.released == 3)

    assert evaluations.counts(ACTOR, database, evaluation_id).waiting > 100
    # What the executor had pulled already, and what it pulled while the batch was being made.
    assert worked_on[begun:].index(False) <= 20
    first = begun + worked_on[begun:].index(False)
    assert worked_on[first : first + 3] == [False] * 3


@pytest.mark.parametrize("state", ["new", "in work", "partly done", "cancelled", "done"])
def test_counts_add_up_to_the_number_of_pictures_in_every_state(database, folder, state):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 7)
    assert evaluations.counts(ACTOR, database, evaluation_id) == Counts(waiting=7)

    if state != "new":
        tasks = [work.take(ACTOR, database, NOW) for _ in range(3)]
    if state in ("partly done", "cancelled"):
        work.record(ACTOR, database, Prediction(tasks[0].picture_id, findings()), NOW)
        work.record(ACTOR, database, Quarantined(tasks[1].picture_id, "Not a picture."), NOW)
    if state == "cancelled":
        evaluations.cancel(ACTOR, database, evaluation_id, NOW)
    if state == "done":
        work.give_back(
            ACTOR, database, [task.picture_id for task in tasks], NOW, attempt_counts=False
        )
        examine_all(database)

    expected = {
        "new": Counts(waiting=7),
        "in work": Counts(waiting=4, working=3),
        "partly done": Counts(waiting=4, working=1, examined=1, unread=1),
        "cancelled": Counts(working=1, examined=1, unread=1, cancelled=4),
        "done": Counts(examined=7),
    }
    assert evaluations.counts(ACTOR, database, evaluation_id) == expected[state]
    assert evaluations.counts(ACTOR, database, evaluation_id).total == 7


def test_a_labelled_picture_is_never_released_or_put_before_a_reviewer(database, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 2)
    first, second = work.take(ACTOR, database, NOW), work.take(ACTOR, database, NOW)

    class Job:
        id, release_id, sign_off = first.picture_id, "ab" * 16, UNATTENDED

    assert work.record(ACTOR, database, released(Job), NOW)
    assert work.record(ACTOR, database, NeedsReview(second.picture_id, plan()), NOW)

    (_, one), (_, other) = evaluations.unread(ACTOR, database, evaluation_id)
    assert evaluations.counts(ACTOR, database, evaluation_id) == Counts(unread=2)
    assert one == other
    assert one.startswith("Left out because it came back as if it were to be released or reviewed")
    assert receipts.newest(ACTOR, database) == ()
    assert not list(database.files.releases.iterdir())
    assert progress.totals(ACTOR, database) == progress.Counts()


def test_a_dispatcher_lets_no_release_of_a_labelled_picture_through(database, dispatch, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"])

    class Releasing(FakeExecutor):
        def run(self, jobs):
            for job in jobs:
                job_like = type("Job", (), {"id": job.id, "release_id": "ab" * 16})
                job_like.sign_off = UNATTENDED
                yield released(job_like)

    dispatch(Releasing())
    until(is_finished(database, evaluation_id))

    assert evaluations.counts(ACTOR, database, evaluation_id) == Counts(unread=1)
    assert not list(database.files.releases.iterdir())


def test_a_picture_of_a_batch_that_was_only_examined_is_held_back(database, dispatch):
    batch_id = a_batch(database, [b"r"])

    dispatch(FakeExecutor(lambda job: Prediction(job.id, findings())))
    until(lambda: progress.progress(ACTOR, database, batch_id, NOW).counts.quarantined == 1)

    (picture,) = pictures.of_batch(ACTOR, database, batch_id)
    assert picture.reason.startswith("Held back because it was examined instead of worked on")


def test_an_outcome_of_a_labelled_picture_that_is_not_in_work_changes_nothing(database, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"])
    task = work.take(ACTOR, database, NOW)
    work.record(ACTOR, database, Quarantined(task.picture_id, "first"), NOW)

    assert not work.record(ACTOR, database, Prediction(task.picture_id, findings()), NOW)
    assert evaluations.counts(ACTOR, database, evaluation_id) == Counts(unread=1)
