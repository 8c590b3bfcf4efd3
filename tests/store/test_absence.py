"""What is made for new rows is discarded with them, and never from rows that stand."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from engine.runs.jobs import Released
from store.absence import absent
from store.accounts.actor import MACHINE
from store.batches import batches, intake, pictures
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.evaluations import evaluations
from store.exchange.import_run import ingest
from store.releases import receipts
from store.worker import tasks
from tests.growth.synthetic import write_run
from tests.store import fakes
from tests.store.fakes import ACTOR, NOW
from tests.store.sealed import opened


@pytest.fixture
def interrupted(database, monkeypatch):
    """A block that an interrupt ends: the moment its rows are in, or the moment before."""

    @contextmanager
    def ending(act, *, rows_stand=True):
        reached, append = database._trail.reached, database._trail.append

        def after(head, told, now):
            reached(head, told, now)
            raise KeyboardInterrupt

        def before(actor, done, *more):
            if done.key == act:
                raise KeyboardInterrupt
            return append(actor, done, *more)

        name, ends = ("reached", after) if rows_stand else ("append", before)
        with monkeypatch.context() as patch:
            patch.setattr(database._trail, name, ends)
            with pytest.raises(KeyboardInterrupt):
                yield

    return ending


@pytest.fixture
def unasked(database, monkeypatch):
    """A database that nobody can ask any more once a transaction has failed."""
    transaction = database.transaction
    failed = []

    @contextmanager
    def once(*given, **named):
        if failed:
            raise OSError(5, "Input/output error")
        try:
            with transaction(*given, **named) as cursor:
                yield cursor
        except BaseException:
            failed.append(True)
            raise

    monkeypatch.setattr(database, "transaction", once)


def a_batch(database):
    return batches.create(ACTOR, database, Request("holiday", ""), NOW)


def originals(database):
    return sorted(path.name for path in database.files.originals.iterdir())


def keys(database):
    return sorted(database.files.home.glob("keyring/*/*.key"))


def contents(database, batch_id):
    """Name and original of each picture."""
    return [
        (row.source, opened(database.files.home, database.files.original(row.id)))
        for row in pictures.of_batch(ACTOR, database, batch_id)
    ]


def test_a_run_whose_rows_are_in_keeps_its_originals(database, tmp_path, interrupted):
    run = write_run(tmp_path / "run", 4, database.signer)
    review = run.out / "review.jsonl"
    lines = review.read_text().splitlines(keepends=True)
    review.write_text("".join(lines[:2]))
    batch_id = ingest(ACTOR, database, run.out, run.inputs, NOW).batch_id

    review.write_text("".join(lines))
    with interrupted("import_run"):
        ingest(ACTOR, database, run.out, run.inputs, NOW)

    found = contents(database, batch_id)
    assert len(found) == 4
    assert all(content.startswith(b"synthetic picture") for _, content in found)
    again = ingest(ACTOR, database, run.out, run.inputs, NOW)
    assert (again.added, again.known) == (0, 4)


def test_pictures_whose_rows_are_in_keep_their_originals(database, interrupted):
    batch = a_batch(database)

    with interrupted("add_pictures"):
        intake.add(ACTOR, database, batch.id, [Incoming("a.png", b"a")], NOW)

    assert contents(database, batch.id) == [("a.png", b"a")]


def test_a_batch_whose_row_is_in_keeps_its_key(database, interrupted):
    with interrupted("create_batch"):
        a_batch(database)

    (batch,) = batches.newest(ACTOR, database)
    assert batch.name == "holiday"


def test_an_evaluation_whose_row_is_in_keeps_its_key(database, folder, interrupted):
    with interrupted("evaluate"):
        fakes.an_evaluation(database, folder, [b"e"])

    (found,) = evaluations.listed(ACTOR, database)
    assert found.name == "a measurement"


def a_release(database):
    batch = a_batch(database)
    intake.add(ACTOR, database, batch.id, [Incoming("a.png", b"r")], NOW)
    batches.start(ACTOR, database, batch.id, NOW)
    task = tasks.take(ACTOR, database, NOW)
    return Released(task.picture_id, fakes.receipt("ab" * 16, task.picture_id), b"released")


def test_a_release_whose_receipt_is_in_keeps_its_file(database, interrupted):
    outcome = a_release(database)

    with interrupted("record_outcome"):
        tasks.record(ACTOR, database, outcome, NOW)

    (receipt,) = receipts.newest(ACTOR, database)
    assert receipt.path.read_bytes() == b"released"


def test_what_has_no_row_is_discarded(database, folder, interrupted):
    batch, outcome = a_batch(database), a_release(database)
    before = originals(database), keys(database)

    with interrupted("add_pictures", rows_stand=False):
        intake.add(ACTOR, database, batch.id, [Incoming("a.png", b"a")], NOW)
    with interrupted("create_batch", rows_stand=False):
        a_batch(database)
    with interrupted("evaluate", rows_stand=False):
        fakes.an_evaluation(database, folder, [b"e"])
    with interrupted("record_outcome", rows_stand=False):
        tasks.record(ACTOR, database, outcome, NOW)

    assert (originals(database), keys(database)) == before
    assert list(database.files.releases.iterdir()) == []


@pytest.mark.usefixtures("unasked")
def test_nothing_is_discarded_where_nobody_can_tell_whether_its_row_stands(
    database, monkeypatch, caplog
):
    batch = a_batch(database)

    def fail(*_):
        raise RuntimeError("made up")

    monkeypatch.setattr(intake, "insert", fail)
    with pytest.raises(RuntimeError, match="made up"):
        intake.add(ACTOR, database, batch.id, [Incoming("a.png", b"a")], NOW)

    (left,) = originals(database)
    assert opened(database.files.home, database.files.original(left)) == b"a"
    assert "1 new files and keys were left (OSError)" in caplog.text


def test_those_without_a_row_are_absent(database):
    batch = a_batch(database)

    assert absent(MACHINE, database, "batches", [batch.id, "00" * 16]) == {"00" * 16}
    assert absent(MACHINE, database, "pictures", []) == frozenset()
