"""A run is taken in by the thousand: what comes of it is what one at a time would give."""

from __future__ import annotations

import json

import pytest

from engine.files import atomic
from engine.plan import ReviewDecision
from store.audit.state import verify_now
from store.batches import batches, pictures
from store.batches.pictures import PictureState
from store.database import Database
from store.exchange import import_run
from store.exchange.import_run import ingest
from store.review import decisions, reviews
from tests.growth.synthetic import write_run
from tests.store.fakes import ACTOR, ANY, NOW
from tests.store.sealed import opened


def take_in(database, folder, count=7):
    run = write_run(folder, count, database.signer)
    return ingest(ACTOR, database, run.out, run.inputs, NOW)


def taken_in(database, batch_id):
    """Everything of the batch but ids."""
    known = {}
    with database.transaction(ACTOR, ANY) as cursor:
        for id_, *row in cursor.execute(
            """
            SELECT p.id, p.source_lookup, p.state, p.risk, p.audit_sample, p.revision, p.attempts,
                p.original, p.added_at, p.prepared_at, p.changed_at, l.plan, l.masked, l.kinds,
                l.made_by, l.revision
            FROM pictures AS p
            JOIN plans AS l ON l.picture_id = p.id
            WHERE p.batch_id = ?
            """,
            [batch_id],
        ).fetchall():
            plan = json.loads(row[10])
            assert plan.pop("image_id") == id_
            known[id_] = [*row[:10], plan, *row[11:]]
    rows = pictures.of_batch(ACTOR, database, batch_id)
    return [
        (row.source, opened(database.files.home, database.files.original(row.id)), *known[row.id])
        for row in rows
    ]


def test_many_at_once_are_what_they_are_one_by_one(tmp_path, monkeypatch):
    made = []
    for chunk in (1, 3, 1_000):
        monkeypatch.setattr(import_run, "_CHUNK", chunk)
        home = tmp_path / "home"  # keys of one installation: look-ups and digests are comparable
        database = Database.open(home, NOW)
        result = take_in(database, tmp_path / f"run {chunk}")
        made.append((result.added, result.known, result.problems,
                     taken_in(database, result.batch_id)))  # fmt: skip
        database.close()

    assert made[0][0] == 7
    assert made[0] == made[1] == made[2]
    assert [row[0] for row in made[0][3]] == [f"{number:06}.jpg" for number in range(7)]


def test_a_large_original_ends_a_chunk_and_all_come_in(database, tmp_path, monkeypatch):
    monkeypatch.setattr(import_run, "_CHUNK_BYTES", 1)

    result = take_in(database, tmp_path)

    assert (result.added, imports(database)) == (7, [1] * 7)


def imports(database):
    with database.transaction(ACTOR, ANY) as cursor:
        rows = cursor.execute(
            "SELECT details FROM events WHERE act = 'import_run' ORDER BY number"
        ).fetchall()
    return [json.loads(details)["pictures"] for (details,) in rows]


def test_pictures_that_come_in_together_are_one_event_with_their_number(
    database, tmp_path, monkeypatch
):
    monkeypatch.setattr(import_run, "_CHUNK", 3)

    take_in(database, tmp_path)

    assert imports(database) == [3, 3, 1]
    found = verify_now(ACTOR, database)
    assert found.problems == ()


def test_a_disk_that_is_full_leaves_no_original_and_no_key_of_its_chunk(
    database, tmp_path, monkeypatch
):
    monkeypatch.setattr(import_run, "_CHUNK", 3)
    synced = []

    def full(files):
        synced.append(len(files))
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_sync_files", full)
    with pytest.raises(OSError, match="No space"):
        take_in(database, tmp_path)
    monkeypatch.undo()

    assert synced == [6, 6]
    assert len(list(database.files.originals.iterdir())) == 3
    keys = [path for path in database.files.home.glob("keyring/*/*.key")
            if path.stem not in (path.parent.name, "batch")]  # fmt: skip
    assert sorted(path.stem for path in keys) == sorted(
        path.name for path in database.files.originals.iterdir()
    )


def test_what_was_decided_before_an_import_failed_stands_after_a_restart(
    home, tmp_path, monkeypatch
):
    database = Database.open(home, NOW)
    picture = decided_before_the_disk_is_full(database, tmp_path, monkeypatch)
    (batch,) = batches.newest(ACTOR, database)
    assert batch.started_at == NOW
    database.close()

    database = Database.open(home, NOW)

    assert pictures.picture(ACTOR, database, picture).state is PictureState.SETTLED
    assert len(list(database.files.originals.iterdir())) == 3
    run = tmp_path / "run"
    again = ingest(ACTOR, database, run / "out", run / "in", NOW)
    assert (again.added, again.known) == (4, 3)
    database.close()


def test_a_batch_in_which_a_person_decided_is_none_that_was_never_started(
    home, tmp_path, monkeypatch
):
    database = Database.open(home, NOW)
    picture = decided_before_the_disk_is_full(database, tmp_path, monkeypatch)
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE batches SET started_at = NULL")
    database.close()

    database = Database.open(home, NOW)

    assert pictures.picture(ACTOR, database, picture).state is PictureState.SETTLED
    (batch,) = batches.newest(ACTOR, database)
    assert batch.started_at == NOW
    database.close()


def decided_before_the_disk_is_full(database, folder, monkeypatch):
    """The id of a picture of the first chunk, decided while the second cannot come in."""
    monkeypatch.setattr(import_run, "_CHUNK", 3)
    sync_files, synced = atomic._sync_files, []

    def full(files):
        synced.append(len(files))
        if len(synced) == 2:
            raise OSError(28, "No space left on device")
        sync_files(files)

    with monkeypatch.context() as patched:
        patched.setattr(atomic, "_sync_files", full)
        with pytest.raises(OSError, match="No space"):
            take_in(database, folder / "run")
    case = reviews.claim(ACTOR, database, "ada", NOW)
    decision = ReviewDecision.on(case.plan, case.plan.proposed, "ada")
    decisions.settle(ACTOR, database, case.picture_id, decision, NOW)
    return case.picture_id


def test_a_record_that_fails_takes_its_files_along(database, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("made up")

    monkeypatch.setattr(import_run.tasks, "all_to_review", fail)
    with pytest.raises(RuntimeError, match="made up"):
        take_in(database, tmp_path)

    assert list(database.files.originals.iterdir()) == []
    assert imports(database) == []


def test_what_came_in_together_can_be_reviewed_and_read(database, tmp_path):
    result = take_in(database, tmp_path)

    case = reviews.claim(ACTOR, database, "ada", NOW)

    row = pictures.picture(ACTOR, database, case.picture_id)
    assert (row.batch_id, row.state) == (result.batch_id, PictureState.REVIEW)
    assert opened(database.files.home, case.original).startswith(b"synthetic picture")
