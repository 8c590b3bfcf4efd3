"""Receipts of releases, as many as there are."""

from __future__ import annotations

import json

import pytest

from store.releases import receipts
from tests.store.fakes import ACTOR, ANY, NOW, a_batch, receipt

COUNT = 100_001


@pytest.mark.slow
def test_no_release_that_stands_is_left_out_however_many_there_are(database):
    """A download holds what `newest` gives; a page says how many from `standing`."""
    batch = a_batch(database, [b"one"])
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute(
            """
            INSERT INTO receipts (release_id, picture_id, live_picture_id, batch_id, format, bytes,
                sha256, receipt, released_at)
            SELECT printf('%032x', n), printf('%032x', n), printf('%032x', n), ?, 'png', 1, '', ?, ?
            FROM range(?) AS r(n)
            """,
            [batch, json.dumps(receipt("ab" * 16).to_json()), NOW.replace(tzinfo=None), COUNT],
        )

    assert receipts.standing(ACTOR, database, batch).ready == COUNT
    assert len(receipts.newest(ACTOR, database, batch)) == COUNT
    assert len(receipts.newest(ACTOR, database, batch, limit=3)) == 3
