"""Sessions on record: once each, by ids alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from store.accounts import sessions
from store.accounts.actor import Actor
from store.accounts.role import Role
from store.errors import NotAllowed, SessionExpired
from tests.store.fakes import ACTOR, ANY, NOW

ANA = Actor("a1b2", "ana@example.org", frozenset({Role.ANALYST}), "one", is_signed_in=True)


def recorded(database):
    with database.transaction(ACTOR, ANY) as cursor:
        return cursor.execute(
            "SELECT act, actor, subject, details FROM events WHERE act LIKE 'sign%' ORDER BY number"
        ).fetchall()


def test_each_session_begins_once_and_ends(database):
    assert sessions.begun(ANA, database)
    assert not sessions.begun(ANA, database)
    sessions.ended(ANA, database)
    assert sessions.begun(replace(ANA, session="two"), database)

    assert recorded(database) == [
        ("sign_in", "a1b2", "one", "{}"),
        ("sign_out", "a1b2", "one", "{}"),
        ("sign_in", "a1b2", "two", "{}"),
    ]


def test_who_may_not_come_in_is_on_record_and_may_later(database):
    nobody = replace(ANA, roles=frozenset())
    late = replace(ANA, session="two", expires=NOW - timedelta(days=400))

    with pytest.raises(NotAllowed):
        sessions.begun(nobody, database)
    with pytest.raises(SessionExpired):
        sessions.begun(late, database)

    assert [row[3] for row in recorded(database)] == [
        '{"refused":"NotAllowed"}', '{"refused":"SessionExpired"}'
    ]  # fmt: skip
    assert sessions.begun(ANA, database)
