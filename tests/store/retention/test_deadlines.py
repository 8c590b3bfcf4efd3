"""Until when something may be held, from policy and manifest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from engine.errors import InvalidPolicy
from engine.policy import RetentionPolicy, read_policy
from engine.runs.licences import Entry, read_licence_list
from store.batches import batches, intake, pictures
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.retention.deadlines import KEPT, Deadlines, deadlines
from store.retention.holding import Holding
from store.schema import MIGRATIONS, migrate
from store.times import aware_or_none
from tests.store.fakes import ACTOR, ANY, NOW

POLICY = """
[retention]
originals_days = 30
previews_days = 7
releases_days = 365
"""
MANIFEST = "filename,licence,retain_days\nshort.jpg,CC0,3\nlong.jpg,CC0,3000\n"


def days(count):
    return NOW + timedelta(days=count)


def columns(database):
    """Deadlines by name, as anybody may ask for them."""
    until = ", ".join(f"{one.value}_until" for one in Holding)
    with database.transaction(ACTOR, ANY) as cursor:
        rows = cursor.table("pictures").project(f"id, {until}").fetchall()
    return {
        pictures.picture(ACTOR, database, picture_id).source: Deadlines(
            *map(aware_or_none, moments)
        )
        for picture_id, *moments in rows
    }


def test_the_earlier_of_policy_and_manifest_is_a_column_from_the_arrival_on(database):
    batch = batches.create(ACTOR, database, Request("a batch", POLICY), NOW)
    incoming = [Incoming(f"{name}.jpg", b"x") for name in ("short", "long", "unlisted")]

    intake.add(ACTOR, database, batch.id, incoming, NOW, manifest=read_licence_list(MANIFEST))

    assert columns(database) == {
        "short.jpg": Deadlines(days(3), days(3), days(3), days(365), days(3)),
        "long.jpg": Deadlines(days(30), days(7), days(30), days(365), days(3000)),
        "unlisted.jpg": Deadlines(days(30), days(7), days(30), days(365), None),
    }


def test_nothing_ends_where_nobody_says_when(database):
    batch = batches.create(ACTOR, database, Request("a batch", ""), NOW)

    intake.add(ACTOR, database, batch.id, [Incoming("a.jpg", b"x")], NOW)

    assert columns(database) == {"a.jpg": KEPT}


@pytest.mark.parametrize("retain_days", [10**30, 36_501])
def test_a_hundred_years_is_the_longest(retain_days):
    """Manifests are refused above that; a row may have come before they were."""
    found = deadlines(RetentionPolicy(), Entry(retain_days=retain_days), NOW)

    assert found.original == days(36_500)


def test_a_clock_at_the_end_of_time_overflows_nothing():
    late = datetime(9999, 12, 30, tzinfo=UTC)

    found = deadlines(RetentionPolicy(originals_days=30), None, late)

    assert found.original == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("value", ["-1", "36501", "1.5", "true", "1" + "0" * 30])
def test_a_policy_with_an_impossible_period_is_refused(value):
    with pytest.raises(InvalidPolicy, match=r"retention\.originals_days is"):
        read_policy(f"[retention]\noriginals_days = {value}\n")


def test_periods_that_manifests_gave_before_count_from_now_on_with_a_month_at_least(tmp_path):
    older = tmp_path / "older"
    older.mkdir()
    for file in MIGRATIONS.glob("*.sql"):
        if int(file.name[:4]) < 17:
            (older / file.name).write_text(file.read_text())
    connection = duckdb.connect()
    migrate(connection, older)
    for number, licence in enumerate(
        ['{"retain_days": 1}', '{"retain_days": 1' + "0" * 30 + "}", '{"retain_days": null}', None]
    ):
        connection.execute(
            "INSERT INTO pictures (id, batch_id, source, licence, state, added_at, changed_at) "
            "VALUES (?, 'b', 'a', ?, 'waiting', TIMESTAMP '2020-01-01', now())",
            [str(number), licence],
        )

    migrate(connection)

    rows = connection.execute(
        "SELECT original_until, name_until, release_until FROM pictures ORDER BY id"
    ).fetchall()
    soon, late, *unsaid = rows
    month = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=30)
    assert abs(soon[0] - month) < timedelta(hours=1)
    assert soon == (soon[0], soon[0], None)
    assert late[0] == datetime(2020, 1, 1) + timedelta(days=36_500)  # noqa: DTZ001
    assert unsaid == [(None, None, None)] * 2
