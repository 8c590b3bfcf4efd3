"""What was destroyed stays so over starts, and comes back in no other way."""

from __future__ import annotations

import pytest

from engine.runs.licences import read_licence_list
from store.batches import batches, intake, pictures
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.retention import steps
from store.retention.holding import Holding
from store.retention.names import NO_NAME
from store.retention.shredding import shred
from store.worker import tasks
from tests.planted import forms, holders
from tests.store.fakes import ACTOR, ANY, NOW, a_batch, released
from tests.store.retention.conftest import Settled, make


def columns(database, picture_id):
    with database.transaction(ACTOR, ANY) as cursor:
        (row,) = cursor.execute(
            """
            SELECT source, sealed_source, source_lookup, sealed_licence, sealed_reason
            FROM pictures
            WHERE id = ?
            """,
            [picture_id],
        ).fetchall()
    return row


def keys(database):
    return sorted(path.name for path in database.files.home.glob("keyring/*/*.key"))


def test_a_name_that_was_destroyed_is_not_sealed_at_the_next_start(home):
    database = Database.open(home, NOW)
    picture = make(database, "released")
    shred(ACTOR, database, picture.id, NOW, holdings={Holding.ORIGINAL})
    before = keys(database)
    database.close()

    database = Database.open(home, NOW)

    assert columns(database, picture.id) == (NO_NAME, None, None, None, None)
    assert batches.batch(ACTOR, database, picture.batch_id).name == NO_NAME
    assert keys(database) == before
    assert database.vault.holders(picture.id) == frozenset()
    database.close()


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_batchs_key_ends_with_its_last_name_where_all_ended_in_one_go(
    home, is_restarted, monkeypatch
):
    """Each was begun before any was ended, as when the disk was full meanwhile."""
    database = Database.open(home, NOW)
    batch_id = a_batch(database, [b"one", b"two"])
    found = pictures.of_batch(ACTOR, database, batch_id)
    with monkeypatch.context() as full:
        full.setattr("store.retention.steps.remove_files", refuse)
        for one in found:
            with pytest.raises(OSError, match="full"):
                shred(ACTOR, database, one.id, NOW)
    if is_restarted:
        database.close()
        database = Database.open(home, NOW)
    else:
        with database.transaction(ACTOR, ANY) as cursor:
            waiting = steps.unfinished(cursor)
        for shredding in waiting:
            steps.go_on(ACTOR, database, shredding, NOW)

    assert batches.batch(ACTOR, database, batch_id).name == NO_NAME
    assert not database.vault.has_picture(batch_id, batch_id)
    database.close()


def refuse(*_):
    raise OSError(28, "full")


@pytest.mark.slow
def test_whom_a_release_was_by_is_nowhere_once_that_ended(home):
    """Kept in plain for as long as the release stands; pages of the file hold it a start longer."""
    database = Database.open(home, NOW)
    manifest = "filename,source,licence,attribution_needed\n0.jpg,Zsófia Quendel,CC BY,yes\n"
    batch = batches.create(ACTOR, database, Request("a batch", ""), NOW)
    intake.add(
        ACTOR,
        database,
        batch.id,
        [Incoming("0.jpg", b"x")],
        NOW,
        manifest=read_licence_list(manifest),
    )
    batches.start(ACTOR, database, batch.id, NOW)
    picture_id = tasks.take(ACTOR, database, NOW).picture_id
    tasks.record(ACTOR, database, released(Settled(picture_id)), NOW)
    shred(ACTOR, database, picture_id, NOW, holdings={Holding.ORIGINAL})
    database.close()
    assert holders([home], forms("Quendel"))
    database = Database.open(home, NOW)
    assert pictures.picture(ACTOR, database, picture_id).licence.source == "Zsófia Quendel"
    shred(ACTOR, database, picture_id, NOW, holdings={Holding.RELEASE})
    database.close()

    Database.open(home, NOW).close()

    assert holders([home], forms("Quendel")) == []
