import threading
import time
from collections import Counter
from random import Random

import pytest

from engine.errors import InvalidDataset, InvalidPolicy
from engine.evaluation import recall
from engine.evaluation.labels import Dataset
from engine.outcome import Examination, Examined, NeedsReview, Quarantined
from engine.policy import Policy
from store import evaluations, pictures, progress, receipts, work
from store.database import Database
from store.dispatcher import Dispatcher
from store.errors import EvaluationRunning, UnknownRecord
from store.evaluations import Counts, Request
from tests.store.fakes import (
    NOW,
    FakeExecutor,
    a_batch,
    an_evaluation,
    by_content,
    findings,
    labelled,
    plan,
    released,
)
from tests.store.runs import kill_often, until


def counts(database, evaluation_id):
    return evaluations.counts(database, evaluation_id)


def is_finished(database, evaluation_id):
    return lambda: evaluations.evaluation(database, evaluation_id).finished_at is not None


def examine_all(database):
    """Do what a dispatcher does, but for closing."""
    while (task := work.take(database, NOW)) is not None:
        assert work.record(database, Examined(task.picture_id, findings()), NOW)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "labelled"


def test_a_labelled_set_is_looked_at_and_its_report_kept(database, dispatch, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 3 + [b"q"])

    dispatch(FakeExecutor())
    until(is_finished(database, evaluation_id))

    done = evaluations.evaluation(database, evaluation_id)
    pairs = evaluations.examined(database, evaluation_id)
    ((missing, reason),) = evaluations.unread(database, evaluation_id)
    assert counts(database, evaluation_id) == Counts(examined=3, unread=1)
    assert pairs == tuple((labelled(folder / f"000{n}.jpg"), findings()) for n in range(3))
    assert (missing, reason) == (
        labelled(folder / "0003.jpg"),
        "The file could not be read (made up).",
    )
    assert done.report == recall.report(pairs, Policy(), target=0.9, unread=1, problems=1)
    assert (done.finished_at, done.problem, done.is_open) == (NOW, None, False)


def test_an_evaluation_says_what_it_is_of(database, folder):
    first = an_evaluation(database, folder, [b"e"])
    second = an_evaluation(database, folder, [b"e"], policy_toml="[review]\naudit_share = 0.5")

    newest, oldest = evaluations.listed(database)

    assert [newest.id, oldest.id] == [second, first]
    assert [newest.number, oldest.number] == [2, 1]
    assert newest.policy != oldest.policy == Policy().fingerprint
    assert newest.fingerprint == oldest.fingerprint
    assert (oldest.name, oldest.source, oldest.made_by) == ("a measurement", str(folder), "ada")
    assert (oldest.problems, oldest.target) == (("labels.csv, line 3: It has no box.",), 0.9)
    assert (oldest.created_at, oldest.report, oldest.is_open) == (NOW, None, True)


def test_nothing_to_measure_is_refused_with_a_sentence_and_leaves_nothing(database):
    empty = Request("empty", "/a/folder", Dataset("bare", ()), "", 0.9, "ada")

    with pytest.raises(InvalidDataset, match="'bare' has no picture"):
        evaluations.create(database, empty, NOW)

    assert evaluations.listed(database) == ()


def test_a_policy_that_is_not_accepted_leaves_nothing(database, folder):
    with pytest.raises(InvalidPolicy):
        an_evaluation(database, folder, [b"e"], policy_toml="typo = 1")

    assert evaluations.listed(database) == ()


@pytest.mark.parametrize("target", [-0.1, 1.0, float("nan")])
def test_a_target_nobody_can_prove_is_a_broken_contract(target):
    with pytest.raises(ValueError, match="target"):
        Request("x", "y", Dataset("z", ()), "", target, "ada")


def test_what_is_not_there_is_said_to_be_unknown(database):
    for ask in (evaluations.evaluation, evaluations.counts, evaluations.delete):
        with pytest.raises(UnknownRecord):
            ask(database, "ab" * 16)
    with pytest.raises(UnknownRecord):
        evaluations.cancel(database, "ab" * 16, NOW)


def test_names_in_any_script_and_undecodable_ones_come_back_as_they_were(database, tmp_path):
    odd = labelled(tmp_path / "图片-\udcff.jpg")
    dataset = Dataset("odd", (odd,))

    made = evaluations.create(
        database, Request("Ünïcode", str(odd.path), dataset, "", 0.9, "ada"), NOW
    )
    task = work.take(database, NOW)
    work.record(database, Examined(task.picture_id, findings()), NOW)

    assert task.path == odd.path
    assert evaluations.examined(database, made.id) == ((odd, findings()),)


def test_five_thousand_pictures_are_taken_in_and_out_quickly(database, tmp_path):
    many = tuple(labelled(tmp_path / f"{index}.jpg") for index in range(5000))
    request = Request("many", "here", Dataset("many", many), "", 0.9, "ada")

    start = time.monotonic()
    made = evaluations.create(database, request, NOW)
    created = time.monotonic()
    for _ in range(20):
        work.record(database, Examined(work.take(database, NOW).picture_id, findings()), NOW)
    taken = time.monotonic()

    assert counts(database, made.id) == Counts(waiting=4980, examined=20)
    assert created - start < 3.0
    assert taken - created < 3.0


def test_pictures_of_people_come_before_labelled_ones_and_those_by_age(database, folder):
    old = an_evaluation(database, folder, [b"e"] * 2)
    young = an_evaluation(database, folder, [b"e"])
    batch_id = a_batch(database, [b"r"] * 2)

    order = [work.take(database, NOW) for _ in range(5)]

    assert [task.batch_id for task in order[:2]] == [batch_id] * 2
    assert [task.evaluation_id for task in order[2:]] == [old, old, young]
    assert [task.path.name for task in order[2:4]] == ["0000.jpg", "0001.jpg"]
    assert work.take(database, NOW) is None


def test_a_batch_that_comes_meanwhile_does_not_wait_for_the_evaluation(database, dispatch, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 200)
    worked_on = []

    def decide(job):
        worked_on.append(isinstance(job, Examination))
        return by_content(job)

    dispatch(FakeExecutor(decide, seconds=0.01))
    until(lambda: counts(database, evaluation_id).examined >= 3)
    begun = len(worked_on)
    batch_id = a_batch(database, [b"r"] * 3)
    until(lambda: progress.progress(database, batch_id, NOW).counts.released == 3)

    assert counts(database, evaluation_id).waiting > 100
    # What the executor had pulled already, and what it pulled while the batch was being made.
    assert worked_on[begun:].index(False) <= 20
    first = begun + worked_on[begun:].index(False)
    assert worked_on[first : first + 3] == [False] * 3


@pytest.mark.parametrize("state", ["new", "in work", "partly done", "cancelled", "done"])
def test_counts_add_up_to_the_number_of_pictures_in_every_state(database, folder, state):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 7)
    assert counts(database, evaluation_id) == Counts(waiting=7)

    if state != "new":
        tasks = [work.take(database, NOW) for _ in range(3)]
    if state in ("partly done", "cancelled"):
        work.record(database, Examined(tasks[0].picture_id, findings()), NOW)
        work.record(database, Quarantined(tasks[1].picture_id, "Not a picture."), NOW)
    if state == "cancelled":
        evaluations.cancel(database, evaluation_id, NOW)
    if state == "done":
        work.give_back(database, [task.picture_id for task in tasks], NOW, attempt_counts=False)
        examine_all(database)

    expected = {
        "new": Counts(waiting=7),
        "in work": Counts(waiting=4, working=3),
        "partly done": Counts(waiting=4, working=1, examined=1, unread=1),
        "cancelled": Counts(working=1, examined=1, unread=1, cancelled=4),
        "done": Counts(examined=7),
    }
    assert counts(database, evaluation_id) == expected[state]
    assert counts(database, evaluation_id).total == 7


def test_a_labelled_picture_is_never_released_or_put_before_a_reviewer(database, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 2)
    first, second = work.take(database, NOW), work.take(database, NOW)

    class Job:
        id, release_id, reviewer = first.picture_id, "ab" * 16, None

    assert work.record(database, released(Job), NOW)
    assert work.record(database, NeedsReview(second.picture_id, plan(), ()), NOW)

    (_, one), (_, other) = evaluations.unread(database, evaluation_id)
    assert counts(database, evaluation_id) == Counts(unread=2)
    assert one == other
    assert one.startswith("Left out because it came back as if it were to be released or reviewed")
    assert receipts.newest(database) == ()
    assert not list(database.files.releases.iterdir())
    assert progress.totals(database) == progress.Counts()


def test_a_dispatcher_lets_no_release_of_a_labelled_picture_through(database, dispatch, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"])

    class Releasing(FakeExecutor):
        def run(self, jobs):
            for job in jobs:
                job_like = type("Job", (), {"id": job.id, "release_id": "ab" * 16})
                job_like.reviewer = None
                yield released(job_like)

    dispatch(Releasing())
    until(is_finished(database, evaluation_id))

    assert counts(database, evaluation_id) == Counts(unread=1)
    assert not list(database.files.releases.iterdir())


def test_a_picture_of_a_batch_that_was_only_examined_is_held_back(database, dispatch):
    batch_id = a_batch(database, [b"r"])

    dispatch(FakeExecutor(lambda job: Examined(job.id, findings())))
    until(lambda: progress.progress(database, batch_id, NOW).counts.quarantined == 1)

    (picture,) = pictures.of_batch(database, batch_id)
    assert picture.reason.startswith("Held back because it was examined instead of worked on")


def test_an_outcome_of_a_labelled_picture_that_is_not_in_work_changes_nothing(database, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"])
    task = work.take(database, NOW)
    work.record(database, Quarantined(task.picture_id, "first"), NOW)

    assert not work.record(database, Examined(task.picture_id, findings()), NOW)
    assert counts(database, evaluation_id) == Counts(unread=1)


def test_cancelling_spares_what_is_under_way_and_there_is_never_a_report(
    database, dispatch, folder
):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 40)

    dispatcher = dispatch(FakeExecutor(seconds=0.02))
    until(lambda: counts(database, evaluation_id).examined >= 2)
    cancelled = evaluations.cancel(database, evaluation_id, NOW)
    until(lambda: counts(database, evaluation_id).remaining == 0)
    following = an_evaluation(database, folder / "next", [b"e"])
    until(is_finished(database, following))

    final = counts(database, evaluation_id)
    one = evaluations.evaluation(database, evaluation_id)
    assert final.cancelled == cancelled > 30
    assert final.examined == 40 - cancelled
    assert (one.cancelled_at, one.finished_at, one.report) == (NOW, None, None)
    assert len(evaluations.examined(database, evaluation_id)) == final.examined
    assert dispatcher.health().problem is None


def test_cancelling_what_is_finished_leaves_it_finished(database, dispatch, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"])
    dispatch(FakeExecutor())
    until(is_finished(database, evaluation_id))

    assert evaluations.cancel(database, evaluation_id, NOW) == 0

    assert evaluations.evaluation(database, evaluation_id).cancelled_at is None
    assert evaluations.evaluation(database, evaluation_id).report is not None


def test_cancelling_while_the_report_is_made_wins(database, dispatch, folder, monkeypatch):
    evaluation_id = an_evaluation(database, folder, [b"e"])
    begun, cancelled = threading.Event(), threading.Event()

    def slow(pairs, policy, **given):
        begun.set()
        cancelled.wait(10)
        return {}

    monkeypatch.setattr(recall, "report", slow)
    dispatch(FakeExecutor())
    assert begun.wait(10)
    evaluations.cancel(database, evaluation_id, NOW)
    cancelled.set()
    batch_id = a_batch(database, [b"r"])
    until(lambda: progress.progress(database, batch_id, NOW).counts.released == 1)

    one = evaluations.evaluation(database, evaluation_id)
    assert (one.cancelled_at, one.finished_at, one.report) == (NOW, None, None)


def test_a_crash_puts_pictures_of_a_cancelled_evaluation_to_the_cancelled(home, folder):
    database = Database.open(home, NOW)
    cancelled, going_on = an_evaluation(database, folder, [b"e"]), None
    work.take(database, NOW)
    evaluations.cancel(database, cancelled, NOW)
    going_on = an_evaluation(database, folder, [b"e"])
    work.take(database, NOW)
    database.close()

    database = Database.open(home, NOW)

    assert database.recovered.put_back == 2
    assert counts(database, cancelled) == Counts(cancelled=1)
    assert counts(database, going_on) == Counts(waiting=1)
    database.close()


def test_deleting_takes_labels_and_findings_and_nothing_of_others(database, folder):
    gone, kept = (an_evaluation(database, folder, [b"e"] * 2) for _ in range(2))
    work.take(database, NOW)

    with pytest.raises(EvaluationRunning, match="still running"):
        evaluations.delete(database, gone)
    evaluations.cancel(database, gone, NOW)
    with pytest.raises(EvaluationRunning, match="right now"):
        evaluations.delete(database, gone)
    assert counts(database, gone).total == 2
    with database.transaction() as cursor:
        ((working,),) = cursor.execute(
            "SELECT id FROM examinations WHERE state = 'working'"
        ).fetchall()
    work.record(database, Examined(working, findings()), NOW)
    evaluations.delete(database, gone)

    assert [one.id for one in evaluations.listed(database)] == [kept]
    assert counts(database, kept) == Counts(waiting=2)
    with database.transaction() as cursor:
        assert cursor.execute("SELECT count(*) FROM examinations").fetchone() == (2,)


def test_a_number_is_not_used_again(database, folder):
    first = an_evaluation(database, folder, [b"e"])
    evaluations.cancel(database, first, NOW)
    evaluations.delete(database, first)

    second = an_evaluation(database, folder, [b"e"])

    assert evaluations.evaluation(database, second).number == 2


def test_a_crash_between_the_last_outcome_and_the_report_costs_nothing(home, folder):
    database = Database.open(home, NOW)
    evaluation_id = an_evaluation(database, folder, [b"e"] * 2)
    examine_all(database)
    assert evaluations.evaluation(database, evaluation_id).is_open
    database.close()

    database = Database.open(home, NOW)
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    until(is_finished(database, evaluation_id))
    dispatcher.stop()

    assert evaluations.evaluation(database, evaluation_id).report["pictures"] == 2
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

    assert progress.progress(database, batch_id, NOW).counts.released == 1


def test_a_picture_that_stopped_the_program_three_times_is_unread(home, folder):
    database = Database.open(home, NOW)
    evaluation_id = an_evaluation(database, folder, [b"poison"])
    for _ in range(3):
        assert counts(database, evaluation_id) == Counts(waiting=1)
        assert work.take(database, NOW) is not None
        database.close()
        database = Database.open(home, NOW)

    ((_, reason),) = evaluations.unread(database, evaluation_id)
    assert work.take(database, NOW) is None
    assert reason.endswith("stopped 3 times while working on it.")
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

    assert counts(database, evaluation_id) == Counts(unread=1)
    assert evaluations.evaluation(database, evaluation_id).report["unread"] == 1


def test_stopping_gives_labelled_pictures_back_without_counting(database, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 3)
    for _ in range(4):
        dispatcher = Dispatcher(database, FakeExecutor(seconds=0.3), lambda: NOW)
        dispatcher.start()
        until(lambda: dispatcher.health().under_way == 2)  # noqa: B023 - read at once
        dispatcher.stop(patience_s=0.0)

    assert counts(database, evaluation_id) == Counts(waiting=3)


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
    until(lambda: progress.progress(database, batch_id, NOW).counts.released == 1)
    failed, health = evaluations.evaluation(database, evaluation_id), dispatcher.health()
    dispatcher.stop()
    database.close()
    monkeypatch.setattr(recall, "report", report)

    database = Database.open(home, NOW)
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    until(is_finished(database, evaluation_id))
    dispatcher.stop()

    mended = evaluations.evaluation(database, evaluation_id)
    assert failed.report is None
    assert failed.problem.startswith("The report could not be made (ZeroDivisionError)")
    assert "a-private-name" not in failed.problem + caplog.text
    assert health.problem is None
    assert (mended.problem, mended.report["pictures"]) == (None, 1)
    database.close()


def test_a_policy_no_longer_accepted_leaves_the_pictures_unread_and_says_so(
    database, dispatch, folder
):
    evaluation_id = an_evaluation(database, folder, [b"e"])
    with database.transaction() as cursor:
        cursor.execute("UPDATE evaluations SET policy_toml = 'old_key = 1'")

    dispatch(FakeExecutor())
    until(is_finished(database, evaluation_id))

    ((_, reason),) = evaluations.unread(database, evaluation_id)
    assert "its policy cannot be read any more" in reason
    assert "old_key" in evaluations.evaluation(database, evaluation_id).problem


def test_no_kill_loses_or_doubles_a_labelled_picture(home, folder):
    database = Database.open(home, NOW)
    evaluation_id = an_evaluation(database, folder, [b"e"] * 60 + [b"q"] * 20)
    batch_id = a_batch(database, [b"r"] * 3)
    database.close()
    kill_often(home, Random(11), times=5)  # noqa: S311 - when to kill is no secret

    database = Database.open(home, NOW)
    halfway = counts(database, evaluation_id)
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    until(is_finished(database, evaluation_id))
    dispatcher.stop()

    names = Counter(
        picture.name
        for picture, _ in (
            *evaluations.examined(database, evaluation_id),
            *evaluations.unread(database, evaluation_id),
        )
    )
    done = evaluations.evaluation(database, evaluation_id)
    assert halfway.examined > 0
    assert halfway.waiting > 0
    assert halfway.total == 80
    assert counts(database, evaluation_id).remaining == 0
    assert set(names.values()) == {1}
    assert len(names) == 80
    assert done.report["pictures"] + done.report["unread"] == 80
    assert progress.progress(database, batch_id, NOW).counts.released == 3
    database.close()
