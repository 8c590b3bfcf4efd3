"""The end of an evaluation, whatever stops it on the way."""

import threading
from collections import Counter
from random import Random

import pytest

from engine.evaluation.scores import recall
from store.batches import progress
from store.database import Database
from store.evaluations import evaluations
from store.evaluations.evaluations import Counts
from store.worker import tasks
from store.worker.dispatcher import Dispatcher
from tests.store.fakes import (
    ACTOR,
    ANY,
    NOW,
    FakeExecutor,
    a_batch,
    an_evaluation,
    by_content,
)
from tests.store.runs import examine_all, is_finished, kill_often, until

pytestmark = pytest.mark.slow


def test_a_crash_between_the_last_outcome_and_the_report_costs_nothing(home, folder):
    database = Database.open(home, NOW)
    evaluation_id = an_evaluation(database, folder, [b"e"] * 2)
    examine_all(database)
    assert evaluations.evaluation(ACTOR, database, evaluation_id).is_open
    database.close()

    database = Database.open(home, NOW)
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    until(is_finished(database, evaluation_id))
    dispatcher.stop()

    assert evaluations.evaluation(ACTOR, database, evaluation_id).report.pictures == 2
    database.close()


def test_an_evaluation_is_closed_while_batches_keep_the_line_busy(database, dispatch, folder):
    batch_id = a_batch(database, [b"r"])
    evaluation_id = an_evaluation(database, folder, [b"e"])
    until_closed = threading.Event()

    class Endless(FakeExecutor):
        """Never lets a round end before the evaluation is closed."""

        def run(self, jobs):
            yield from (by_content(job) for job in jobs)
            until_closed.wait(10)

    dispatch(Endless())
    until(is_finished(database, evaluation_id), seconds=5)
    until_closed.set()

    assert progress.progress(ACTOR, database, batch_id, NOW).counts.released == 1


def test_a_picture_that_stopped_the_program_three_times_is_unread(home, folder):
    database = Database.open(home, NOW)
    evaluation_id = an_evaluation(database, folder, [b"poison"])
    for _ in range(3):
        assert evaluations.counts(ACTOR, database, evaluation_id) == Counts(waiting=1)
        assert tasks.take(ACTOR, database, NOW) is not None
        database.close()
        database = Database.open(home, NOW)

    ((_, reason),) = evaluations.unread(ACTOR, database, evaluation_id)
    assert tasks.take(ACTOR, database, NOW) is None
    assert reason.endswith("work on it was cut short 3 times.")
    database.close()


def test_an_executor_that_swallows_a_picture_three_times_leaves_it_unread(
    database, dispatch, folder
):
    evaluation_id = an_evaluation(database, folder, [b"e"])

    class Swallowing(FakeExecutor):
        def run(self, jobs):
            list(jobs)
            return iter(())

    dispatch(Swallowing())
    until(is_finished(database, evaluation_id))

    assert evaluations.counts(ACTOR, database, evaluation_id) == Counts(unread=1)
    assert evaluations.evaluation(ACTOR, database, evaluation_id).report.unread == 1


def test_stopping_gives_labelled_pictures_back_without_counting(database, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 3)
    for _ in range(4):
        dispatcher = Dispatcher(database, FakeExecutor(seconds=0.3), lambda: NOW)
        dispatcher.start()
        until(lambda: dispatcher.health().under_way == 2)  # noqa: B023 - read at once
        dispatcher.stop(patience_s=0.0)

    assert evaluations.counts(ACTOR, database, evaluation_id) == Counts(waiting=3)


def test_a_report_that_cannot_be_made_stops_nothing_and_is_tried_again_at_the_next_start(
    home, folder, monkeypatch, caplog
):
    database = Database.open(home, NOW)
    evaluation_id = an_evaluation(database, folder, [b"e"])
    report = recall.report

    def failing(pairs, policy, **given):
        raise ZeroDivisionError("with a-private-name inside")

    monkeypatch.setattr(recall, "report", failing)
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    until(is_finished(database, evaluation_id))
    batch_id = a_batch(database, [b"r"])
    until(lambda: progress.progress(ACTOR, database, batch_id, NOW).counts.released == 1)
    failed, health = evaluations.evaluation(ACTOR, database, evaluation_id), dispatcher.health()
    dispatcher.stop()
    database.close()
    monkeypatch.setattr(recall, "report", report)

    database = Database.open(home, NOW)
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    until(is_finished(database, evaluation_id))
    dispatcher.stop()

    mended = evaluations.evaluation(ACTOR, database, evaluation_id)
    assert failed.report is None
    assert failed.problem.startswith("The report could not be made (ZeroDivisionError)")
    assert "a-private-name" not in failed.problem + caplog.text
    assert health.problem is None
    assert (mended.problem, mended.report.pictures) == (None, 1)
    database.close()


def test_a_policy_no_longer_accepted_leaves_the_pictures_unread_and_says_so(
    database, dispatch, folder
):
    evaluation_id = an_evaluation(database, folder, [b"e"])
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE evaluations SET policy_toml = 'old_key = 1'")

    dispatch(FakeExecutor())
    until(is_finished(database, evaluation_id))

    ((_, reason),) = evaluations.unread(ACTOR, database, evaluation_id)
    assert "its policy cannot be read any more" in reason
    assert "old_key" in evaluations.evaluation(ACTOR, database, evaluation_id).problem


def test_no_kill_loses_or_doubles_a_labelled_picture(home, folder):
    database = Database.open(home, NOW)
    evaluation_id = an_evaluation(database, folder, [b"e"] * 60 + [b"q"] * 20)
    batch_id = a_batch(database, [b"r"] * 3)
    database.close()
    kill_often(home, Random(11), times=5)  # noqa: S311 - when to kill is no secret

    database = Database.open(home, NOW)
    halfway = evaluations.counts(ACTOR, database, evaluation_id)
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    until(is_finished(database, evaluation_id))
    dispatcher.stop()

    names = Counter(
        picture.name
        for picture, _ in (
            *evaluations.examined(ACTOR, database, evaluation_id),
            *evaluations.unread(ACTOR, database, evaluation_id),
        )
    )
    done = evaluations.evaluation(ACTOR, database, evaluation_id)
    assert halfway.examined > 0
    assert halfway.waiting > 0
    assert halfway.total == 80
    assert evaluations.counts(ACTOR, database, evaluation_id).remaining == 0
    assert set(names.values()) == {1}
    assert len(names) == 80
    assert done.report.pictures + done.report.unread == 80
    assert progress.progress(ACTOR, database, batch_id, NOW).counts.released == 3
    database.close()
