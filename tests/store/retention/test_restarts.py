"""What was destroyed stays so over starts, and comes back in no other way."""

from __future__ import annotations

import pytest

from store.batches import batches, pictures
from store.database import Database
from store.retention import steps
from store.retention.holding import Holding
from store.retention.names import NO_NAME
from store.retention.shredding import shred
from tests.store.fakes import ACTOR, ANY, NOW, a_batch
from tests.store.retention.conftest import make


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
