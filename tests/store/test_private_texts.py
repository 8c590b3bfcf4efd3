"""Names, licences and reasons: sealed on disk, opened for lists, ended with their key."""

from __future__ import annotations

import errno
import shutil
from contextlib import closing

import duckdb
import pytest

from components.release import names
from engine.errors import UnusableKeys
from engine.files import atomic
from engine.plan import ReviewDecision
from engine.runs.jobs import Quarantined
from engine.runs.licences import read_licence_list
from store import rewriting
from store.audit import records
from store.batches import batches, intake, pictures, progress
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.evaluations import evaluations
from store.exchange.export_labels import export_labels
from store.originals import item
from store.releases import receipts
from store.review import decisions, queue, reviews
from store.schema import MIGRATIONS, migrate
from store.vault.vault import Vault
from store.worker import retry, tasks
from tests.planted import forms, holders
from tests.store.fakes import (
    ACTOR,
    ANY,
    NOW,
    FakeExecutor,
    an_evaluation,
    by_content,
)
from tests.store.runs import until

pytestmark = pytest.mark.slow

NAME, OTHER = "Zsófia Quendel.jpg", "Zsófia Quendel 2.jpg"
BATCH, SUBJECT, REASON = "Dr. Quorthon", "Süle Qvist", "It shows Qvaal, Ödön."
MANIFEST = f"filename,source,licence,attribution_needed\n{NAME},{SUBJECT},CC BY 4.0,yes\n"
PLANTED = forms(NAME, "Quendel", BATCH, "Quorthon", SUBJECT, "Qvist", REASON, "Qvaal")
DESTROYED = "name destroyed"


def quoting(job):
    """An executor that gives a reason with a name in it."""
    outcome = by_content(job)
    return Quarantined(job.id, REASON) if isinstance(outcome, Quarantined) else outcome


def worked_on(database, dispatch):
    """A batch of which one picture was released, one waits for review, and one is held back."""
    batch = batches.create(ACTOR, database, Request(BATCH, ""), NOW)
    incoming = [Incoming(NAME, b"r"), Incoming(OTHER, b"v"), Incoming("Quendel.gif", b"q")]
    manifest = read_licence_list(MANIFEST)
    ids = intake.add(ACTOR, database, batch.id, incoming, NOW, manifest=manifest)
    batches.start(ACTOR, database, batch.id, NOW)
    dispatch(FakeExecutor(quoting))
    until(lambda: progress.totals(ACTOR, database).remaining == 0)
    return batch.id, ids


def destroy_all(database, batch_id, ids):
    for picture_id in (*ids, batch_id):
        assert database.vault.destroy_picture(batch_id, picture_id)


def test_what_is_private_comes_back_and_is_nowhere_on_the_disk(database, dispatch, home):
    batch_id, _ = worked_on(database, dispatch)

    released, waiting, held = pictures.of_batch(ACTOR, database, batch_id)
    assert (released.source, waiting.source, held.reason) == (NAME, OTHER, REASON)
    assert (released.licence.source, waiting.licence) == (SUBJECT, None)
    assert batches.batch(ACTOR, database, batch_id).name == BATCH
    assert holders([home], PLANTED) == []
    database.close()
    assert holders([home], PLANTED) == []


def test_with_their_keys_names_end_and_every_list_says_so(database, dispatch):
    batch_id, ids = worked_on(database, dispatch)
    destroy_all(database, batch_id, ids)

    found = pictures.of_batch(ACTOR, database, batch_id)
    (entry,) = queue.entries(ACTOR, database, NOW)
    case = reviews.claim(ACTOR, database, "ada", NOW)
    ((_, facet, _),) = queue.facets(ACTOR, database).batches
    (known,) = progress.overview(ACTOR, database, NOW)
    decisions.reject(ACTOR, database, case.picture_id, ReviewDecision.on(case.plan, (), "ada"), NOW)
    shown = {
        *(one.source for one in found), entry.source, case.source, case.batch_name, facet,
        known.batch.name, decisions.last(ACTOR, database, "ada", NOW).source,
    }  # fmt: skip

    assert shown == {DESTROYED}
    assert found[2].reason == "reason destroyed"
    assert found[0].licence.source == "licence destroyed"
    assert pictures.picture(ACTOR, database, ids[1]).reason == "Rejected in review by ada."
    assert records.timeline(ACTOR, database, ids[0]).steps
    assert records.page(ACTOR, database, records.Filter()).records


def test_what_goes_out_says_destroyed_too(database, dispatch, tmp_path):
    batch_id, ids = worked_on(database, dispatch)
    destroy_all(database, batch_id, ids)
    batch = batches.batch(ACTOR, database, batch_id)

    rows = names.listing(ACTOR, database, batch).splitlines()

    assert [row.split(",")[0] for row in rows[1:]] == [DESTROYED] * 3
    assert receipts.newest(ACTOR, database, batch_id)
    with pytest.raises(Exception, match=r"gone|no settled|No picture was settled"):
        export_labels(ACTOR, database, tmp_path / "labels")


def test_a_credit_that_cannot_be_read_any_more_is_not_left_out_in_silence(database, dispatch):
    batch_id, ids = worked_on(database, dispatch)
    database.vault.destroy_picture(batch_id, ids[0])

    (due,) = [one for one in pictures.of_batch(ACTOR, database, batch_id) if one.release_id]

    assert due.licence.attribution_needed
    assert due.licence.licence == "licence destroyed"


def test_a_key_of_another_picture_opens_no_name(database, dispatch, home):
    batch_id, (first, second, _) = worked_on(database, dispatch)
    keys = home / "keyring" / batch_id
    shutil.copy(keys / f"{second}.key", keys / f"{first}.key")

    wrong, right, _ = pictures.of_batch(ACTOR, database, batch_id)

    assert wrong.source == "name unreadable: its key or its seal was changed"
    assert right.source == OTHER


def test_a_list_opens_no_name_that_nobody_looks_at(database, dispatch, monkeypatch):
    batch_id, _ = worked_on(database, dispatch)
    opened = []
    actual = Vault.open_text
    monkeypatch.setattr(Vault, "open_text", lambda *one: opened.append(one) or actual(*one))

    found = pictures.of_batch(ACTOR, database, batch_id)
    queue.entries(ACTOR, database, NOW)
    batches.newest(ACTOR, database)

    assert opened == []
    assert found[1].source == OTHER
    assert len(opened) == 1


def test_a_reason_goes_when_the_picture_is_tried_again(database, dispatch):
    batch_id, ids = worked_on(database, dispatch)
    database.close()
    with closing(Database.open(database.files.home, NOW)) as again:
        retry.try_held_back(ACTOR, again, batch_id, NOW)

        assert pictures.picture(ACTOR, again, ids[2]).reason is None


def test_a_reason_is_given_where_the_key_went_meanwhile(database):
    batch = batches.create(ACTOR, database, Request(BATCH, ""), NOW)
    (picture_id,) = intake.add(ACTOR, database, batch.id, [Incoming(NAME, b"r")], NOW)
    batches.start(ACTOR, database, batch.id, NOW)
    tasks.take(ACTOR, database, NOW)
    database.vault.destroy_picture(batch.id, picture_id)

    tasks.record(ACTOR, database, Quarantined(picture_id, REASON), NOW)

    assert "its key is gone" in pictures.picture(ACTOR, database, picture_id).reason


def test_equal_names_are_found_without_a_name(database):
    batch = batches.create(ACTOR, database, Request(BATCH, ""), NOW)
    incoming = [Incoming(name, b"r") for name in (NAME, NAME, OTHER)]
    intake.add(ACTOR, database, batch.id, incoming, NOW)
    with database.transaction(ACTOR, ANY) as cursor:
        rows = cursor.execute("SELECT source_lookup FROM pictures ORDER BY number").fetchall()

    (first,), (second,), (third,) = rows
    assert first == second != third


def test_an_evaluation_tells_no_name_on_the_disk_and_ends_with_its_key(database, home, tmp_path):
    folder = tmp_path / "Quendel"
    evaluation_id = an_evaluation(database, folder, [b"1", b"q"])
    first = tasks.take(ACTOR, database, NOW)
    tasks.record(ACTOR, database, Quarantined(first.picture_id, REASON), NOW)

    ((picture, reason),) = evaluations.unread(ACTOR, database, evaluation_id)
    assert (picture.path.parent, reason) == (folder, REASON)
    assert evaluations.sources(ACTOR, database) == (str(folder),)
    assert holders([home], PLANTED) == []

    evaluations.cancel(ACTOR, database, evaluation_id, NOW)
    evaluations.delete(ACTOR, database, evaluation_id)
    assert not (home / "keyring" / evaluation_id).exists()


def test_an_evaluation_whose_key_is_away_waits_and_stops_nobody(database, home, tmp_path):
    away = home.with_name("away")
    evaluation_id = an_evaluation(database, tmp_path / "set", [b"1", b"2"])
    (home / "keyring" / evaluation_id).rename(away)

    assert tasks.take(ACTOR, database, NOW) is None
    (run,) = evaluations.listed(ACTOR, database)
    assert (run.name, run.source, run.problems) == (DESTROYED, "place destroyed",
                                                    ("reason destroyed",))  # fmt: skip
    assert len(retry.postponed(ACTOR, database)) == 1
    away.rename(home / "keyring" / evaluation_id)
    retry.try_postponed(ACTOR, database)
    assert tasks.take(ACTOR, database, NOW).evaluation_id == evaluation_id


PICTURE_ID, BATCH_ID, EVALUATION_ID, LABELLED_ID = ("ab" * 16, "cd" * 16, "ef" * 16, "12" * 16)


@pytest.fixture
def old_home(home, tmp_path):
    """A data folder from before names were sealed."""
    home.mkdir()
    older = tmp_path / "older"
    older.mkdir()
    for file in MIGRATIONS.glob("*.sql"):
        if int(file.name[:4]) < 18:
            shutil.copy(file, older)
    with duckdb.connect(str(home / "lethe.duckdb")) as connection:
        migrate(connection, older)
        connection.execute(
            """
            INSERT INTO batches
                (id, name, policy_toml, policy, format, require_licence, created_at, started_at)
            VALUES (?, ?, '', '', 'same', FALSE, now(), now())
            """,
            [BATCH_ID, BATCH],
        )
        connection.execute(
            """
            INSERT INTO pictures
                (id, batch_id, source, licence, reason, state, added_at, changed_at)
            VALUES (?, ?, ?, ?, ?, 'quarantined', now(), now())
            """,
            [PICTURE_ID, BATCH_ID, NAME, f'{{"source": "{SUBJECT}"}}', REASON],
        )
        connection.execute(
            """
            INSERT INTO evaluations (id, name, source, fingerprint, policy_toml, policy, problems,
                target, made_by, created_at)
            VALUES (?, ?, ?, '', '', '', [?], 0.9, 'ada', now())
            """,
            [EVALUATION_ID, BATCH, f"/data/{NAME}", REASON],
        )
        connection.execute(
            """
            INSERT INTO predictions (id, evaluation_id, labelled, state, reason, changed_at)
            VALUES (?, ?, ?, 'unread', ?, now())
            """,
            [
                LABELLED_ID,
                EVALUATION_ID,
                f'{{"name": "{NAME}", "path": "/data/{NAME}", "labels": [], "labelled_for": []}}',
                REASON,
            ],
        )
    assert holders([home], PLANTED)
    return home


def is_as_before(database):
    picture = pictures.picture(ACTOR, database, PICTURE_ID)
    (run,) = evaluations.listed(ACTOR, database)
    return (
        (picture.source, picture.licence.source, picture.reason) == (NAME, SUBJECT, REASON)
        and batches.batch(ACTOR, database, BATCH_ID).name == BATCH
        and (run.name, run.source, run.problems) == (BATCH, f"/data/{NAME}", (REASON,))
    )


def test_names_of_an_older_home_are_sealed_and_leave_no_byte(old_home):
    with closing(Database.open(old_home, NOW)) as database:
        assert database.recovered.texts_in_plain == 0
        assert is_as_before(database)
        assert holders([old_home], PLANTED) == []
        batch = batches.create(ACTOR, database, Request("another", ""), NOW)
        assert [one.id for one in batches.newest(ACTOR, database)] == [batch.id, BATCH_ID]
    assert holders([old_home], PLANTED) == []
    assert not list(old_home.glob("lethe.duckdb?*"))

    with closing(Database.open(old_home, NOW)) as database:
        assert is_as_before(database)


def killed(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("where", "what"),
    [
        (rewriting, "written_anew"),
        (rewriting, "_copy"),
        (atomic, "link"),
        (atomic, "move"),
        (rewriting, "shred"),
    ],
)
def test_a_start_that_is_killed_while_it_seals_names_is_made_good_by_the_next(
    old_home, monkeypatch, where, what
):
    with monkeypatch.context() as patch:
        patch.setattr(where, what, killed)
        if what == "written_anew":
            patch.setattr("store.database.written_anew", killed)
        with pytest.raises(KeyboardInterrupt):
            Database.open(old_home, NOW)

    with closing(Database.open(old_home, NOW)) as database:
        assert is_as_before(database)
        assert holders([old_home], PLANTED) == []


@pytest.mark.parametrize(
    ("where", "what"), [(rewriting, "_copy"), (atomic, "link"), (atomic, "move")]
)
def test_a_disk_that_takes_no_copy_is_told_and_tried_again(old_home, monkeypatch, where, what):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(where, what, full)
        with closing(Database.open(old_home, NOW)) as database:
            assert database.recovered.texts_in_plain == 4
            assert is_as_before(database)

    with closing(Database.open(old_home, NOW)) as database:
        assert database.recovered.texts_in_plain == 0
        assert holders([old_home], PLANTED) == []


def test_a_row_whose_key_is_lost_gets_no_other_and_is_told(old_home):
    with closing(Database.open(old_home, NOW)) as database:
        batch_id = batches.create(ACTOR, database, Request("keyed", ""), NOW).id
        (picture_id,) = intake.add(ACTOR, database, batch_id, [Incoming(NAME, b"r")], NOW)
        batches.start(ACTOR, database, batch_id, NOW)
        with database.transaction(ACTOR, ANY) as cursor:
            cursor.execute(
                "UPDATE pictures SET source = ?, sealed_source = NULL WHERE id = ?",
                [NAME, picture_id],
            )
            cursor.execute(
                "UPDATE batches SET name = ?, sealed_name = NULL WHERE id = ?", [BATCH, batch_id]
            )
        away = old_home.with_name("away")
        (old_home / "keyring" / batch_id).rename(away)

    with closing(Database.open(old_home, NOW)) as database:
        assert database.recovered.texts_in_plain == 1
        assert batches.batch(ACTOR, database, batch_id).name == BATCH
        assert pictures.picture(ACTOR, database, picture_id).source == NAME
        with pytest.raises(UnusableKeys):
            database.originals.source(item(batch_id, picture_id))
        assert not (old_home / "keyring" / batch_id).exists()
    away.rename(old_home / "keyring" / batch_id)

    with closing(Database.open(old_home, NOW)) as database:
        assert database.recovered.texts_in_plain == 0
        assert holders([old_home], PLANTED) == []
        database.originals.source(item(batch_id, picture_id))
