"""What an evaluation is from its making to its deletion."""

import threading
import time

import pytest

from engine.errors import InvalidDataset, InvalidPolicy
from engine.evaluation.data.labels import Dataset
from engine.evaluation.data.uncounted import Missing
from engine.evaluation.prediction_job import Prediction
from engine.evaluation.scores import recall
from engine.policy import read_policy
from store.batches import progress
from store.database import Database
from store.errors import EvaluationRunning, UnknownRecord
from store.evaluations import evaluations
from store.evaluations.evaluations import Counts, Request
from store.worker import tasks
from tests.store.fakes import (
    ACTOR,
    ANY,
    NOW,
    FakeExecutor,
    a_batch,
    an_evaluation,
    findings,
    labelled,
)
from tests.store.runs import is_finished, until

pytestmark = pytest.mark.slow


def test_a_labelled_set_is_looked_at_and_its_report_kept(database, dispatch, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 3 + [b"q"])

    dispatch(FakeExecutor())
    until(is_finished(database, evaluation_id))

    done = evaluations.evaluation(ACTOR, database, evaluation_id)
    pairs = evaluations.examined(ACTOR, database, evaluation_id)
    ((missing, reason),) = evaluations.unread(ACTOR, database, evaluation_id)
    assert evaluations.counts(ACTOR, database, evaluation_id) == Counts(examined=3, unread=1)
    assert pairs == tuple((labelled(folder / f"000{n}.jpg"), findings()) for n in range(3))
    assert (missing, reason) == (
        labelled(folder / "0003.jpg"),
        "The file could not be read (made up).",
    )
    assert done.report == recall.report(
        pairs,
        read_policy(""),
        target=0.9,
        unread=1,
        problems=1,
        missing=Missing((missing,), done.lost),
    )
    assert done.report.uncounted["unread"] == 1
    assert (done.finished_at, done.problem, done.is_open) == (NOW, None, False)


def test_an_evaluation_says_what_it_is_of(database, folder):
    first = an_evaluation(database, folder, [b"e"])
    second = an_evaluation(database, folder, [b"e"], policy_toml="[review]\naudit_share = 0.5")

    newest, oldest = evaluations.listed(ACTOR, database)

    assert [newest.id, oldest.id] == [second, first]
    assert [newest.number, oldest.number] == [2, 1]
    assert newest.policy != oldest.policy == read_policy("").fingerprint
    assert newest.fingerprint == oldest.fingerprint
    assert (oldest.name, oldest.source, oldest.made_by) == ("a measurement", str(folder), "ada")
    assert (oldest.problems, oldest.target) == (("labels.csv, line 3: It has no box.",), 0.9)
    assert (oldest.created_at, oldest.report, oldest.is_open) == (NOW, None, True)


def test_nothing_to_measure_is_refused_with_a_sentence_and_leaves_nothing(database):
    empty = Request("empty", "/a/folder", Dataset("bare", ()), "", 0.9, "ada")

    with pytest.raises(InvalidDataset, match="'bare' has no picture"):
        evaluations.create(ACTOR, database, empty, NOW)

    assert evaluations.listed(ACTOR, database) == ()


def test_a_policy_that_is_not_accepted_leaves_nothing(database, folder):
    with pytest.raises(InvalidPolicy):
        an_evaluation(database, folder, [b"e"], policy_toml="typo = 1")

    assert evaluations.listed(ACTOR, database) == ()


@pytest.mark.parametrize("target", [-0.1, 1.0, float("nan")])
def test_a_target_nobody_can_prove_is_a_broken_contract(target):
    with pytest.raises(ValueError, match="target"):
        Request("x", "y", Dataset("z", ()), "", target, "ada")


def test_what_is_not_there_is_said_to_be_unknown(database):
    for ask in (evaluations.evaluation, evaluations.counts, evaluations.delete):
        with pytest.raises(UnknownRecord):
            ask(ACTOR, database, "ab" * 16)
    with pytest.raises(UnknownRecord):
        evaluations.cancel(ACTOR, database, "ab" * 16, NOW)


def test_names_in_any_script_and_undecodable_ones_come_back_as_they_were(database, tmp_path):
    odd = labelled(tmp_path / "图片-\udcff.jpg")
    dataset = Dataset("odd", (odd,))

    made = evaluations.create(
        ACTOR, database, Request("Ünïcode", str(odd.path), dataset, "", 0.9, "ada"), NOW
    )
    task = tasks.take(ACTOR, database, NOW)
    tasks.record(ACTOR, database, Prediction(task.picture_id, findings()), NOW)

    assert task.path == odd.path
    assert evaluations.examined(ACTOR, database, made.id) == ((odd, findings()),)


def test_five_thousand_pictures_are_taken_in_and_out_quickly(database, tmp_path):
    many = tuple(labelled(tmp_path / f"{index}.jpg") for index in range(5000))
    request = Request("many", "here", Dataset("many", many), "", 0.9, "ada")

    start = time.monotonic()
    made = evaluations.create(ACTOR, database, request, NOW)
    created = time.monotonic()
    for _ in range(20):
        tasks.record(
            ACTOR,
            database,
            Prediction(tasks.take(ACTOR, database, NOW).picture_id, findings()),
            NOW,
        )
    taken = time.monotonic()

    assert evaluations.counts(ACTOR, database, made.id) == Counts(waiting=4980, examined=20)
    assert created - start < 3.0
    assert taken - created < 3.0


def test_cancelling_spares_what_is_under_way_and_there_is_never_a_report(
    database, dispatch, folder
):
    evaluation_id = an_evaluation(database, folder, [b"e"] * 40)

    dispatcher = dispatch(FakeExecutor(seconds=0.02))
    until(lambda: evaluations.counts(ACTOR, database, evaluation_id).examined >= 2)
    cancelled = evaluations.cancel(ACTOR, database, evaluation_id, NOW)
    until(lambda: evaluations.counts(ACTOR, database, evaluation_id).remaining == 0)
    following = an_evaluation(database, folder / "next", [b"e"])
    until(is_finished(database, following))

    final = evaluations.counts(ACTOR, database, evaluation_id)
    one = evaluations.evaluation(ACTOR, database, evaluation_id)
    assert final.cancelled == cancelled > 30
    assert final.examined == 40 - cancelled
    assert (one.cancelled_at, one.finished_at, one.report) == (NOW, None, None)
    assert len(evaluations.examined(ACTOR, database, evaluation_id)) == final.examined
    assert dispatcher.health().problem is None


def test_cancelling_what_is_finished_leaves_it_finished(database, dispatch, folder):
    evaluation_id = an_evaluation(database, folder, [b"e"])
    dispatch(FakeExecutor())
    until(is_finished(database, evaluation_id))

    assert evaluations.cancel(ACTOR, database, evaluation_id, NOW) == 0

    assert evaluations.evaluation(ACTOR, database, evaluation_id).cancelled_at is None
    assert evaluations.evaluation(ACTOR, database, evaluation_id).report is not None


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
    evaluations.cancel(ACTOR, database, evaluation_id, NOW)
    cancelled.set()
    batch_id = a_batch(database, [b"r"])
    until(lambda: progress.progress(ACTOR, database, batch_id, NOW).counts.released == 1)

    one = evaluations.evaluation(ACTOR, database, evaluation_id)
    assert (one.cancelled_at, one.finished_at, one.report) == (NOW, None, None)


def test_a_crash_puts_pictures_of_a_cancelled_evaluation_to_the_cancelled(home, folder):
    database = Database.open(home, NOW)
    cancelled, going_on = an_evaluation(database, folder, [b"e"]), None
    tasks.take(ACTOR, database, NOW)
    evaluations.cancel(ACTOR, database, cancelled, NOW)
    going_on = an_evaluation(database, folder, [b"e"])
    tasks.take(ACTOR, database, NOW)
    database.close()

    database = Database.open(home, NOW)

    assert database.recovered.put_back == 2
    assert evaluations.counts(ACTOR, database, cancelled) == Counts(cancelled=1)
    assert evaluations.counts(ACTOR, database, going_on) == Counts(waiting=1)
    database.close()


def test_deleting_takes_labels_and_findings_and_nothing_of_others(database, folder):
    gone, kept = (an_evaluation(database, folder, [b"e"] * 2) for _ in range(2))
    tasks.take(ACTOR, database, NOW)

    with pytest.raises(EvaluationRunning, match="still running"):
        evaluations.delete(ACTOR, database, gone)
    evaluations.cancel(ACTOR, database, gone, NOW)
    with pytest.raises(EvaluationRunning, match="right now"):
        evaluations.delete(ACTOR, database, gone)
    assert evaluations.counts(ACTOR, database, gone).total == 2
    with database.transaction(ACTOR, ANY) as cursor:
        ((working,),) = cursor.execute(
            "SELECT id FROM predictions WHERE state = 'working'"
        ).fetchall()
    tasks.record(ACTOR, database, Prediction(working, findings()), NOW)
    evaluations.delete(ACTOR, database, gone)

    assert [one.id for one in evaluations.listed(ACTOR, database)] == [kept]
    assert evaluations.counts(ACTOR, database, kept) == Counts(waiting=2)
    with database.transaction(ACTOR, ANY) as cursor:
        assert cursor.execute("SELECT count(*) FROM predictions").fetchone() == (2,)


def test_a_number_is_not_used_again(database, folder):
    first = an_evaluation(database, folder, [b"e"])
    evaluations.cancel(ACTOR, database, first, NOW)
    evaluations.delete(ACTOR, database, first)

    second = an_evaluation(database, folder, [b"e"])

    assert evaluations.evaluation(ACTOR, database, second).number == 2


def test_sources_are_those_of_every_evaluation_while_a_list_is_cut_short(database, folder):
    """What is deleted goes by them."""
    wanted = {
        evaluations.evaluation(
            ACTOR, database, an_evaluation(database, folder / name, [b"e"])
        ).source
        for name in ("one", "two")
    }

    assert len(evaluations.listed(ACTOR, database, limit=1)) == 1
    assert len(wanted) == 2
    assert set(evaluations.sources(ACTOR, database)) == wanted
