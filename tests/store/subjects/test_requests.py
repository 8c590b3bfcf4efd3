"""Requests: opened, due after 30 days, closed once, and never with a name."""

import json
from datetime import timedelta

import pytest

from store.errors import UnknownRecord, UnusableRequest
from store.subjects import correction, export, requests
from store.subjects.correction import Ground
from store.subjects.requests import Kind, Outcome
from tests.store.fakes import ACTOR, ANY, NOW

DAY = timedelta(days=1)


def open_one(worked, kind=Kind.ACCESS, **more):
    return requests.opened(ACTOR, worked.database, kind, worked.picture_id, NOW, **more)


def only(database):
    (request,) = requests.listed(ACTOR, database)
    return request


def test_a_request_is_due_30_days_after_it_came_in_and_overdue_from_then_on(worked):
    request = open_one(worked, received_at=NOW - 3 * DAY)

    assert request.due_at == NOW + 27 * DAY
    assert not request.is_overdue(NOW + 27 * DAY)
    assert request.is_overdue(NOW + 27 * DAY + timedelta(seconds=1))
    assert only(worked.database) == request
    requests.closed(ACTOR, worked.database, request.id, Outcome.REFUSED, NOW)
    assert not only(worked.database).is_overdue(NOW + 90 * DAY)


def test_a_request_that_is_said_to_come_tomorrow_is_not_opened(worked):
    with pytest.raises(UnusableRequest, match="still to come"):
        open_one(worked, received_at=NOW + DAY)

    assert requests.listed(ACTOR, worked.database) == ()


def test_no_request_is_opened_for_a_picture_that_there_is_not(worked):
    with pytest.raises(UnknownRecord):
        requests.opened(ACTOR, worked.database, Kind.ACCESS, "ab" * 16, NOW)

    assert requests.listed(ACTOR, worked.database) == ()
    request = requests.opened(ACTOR, worked.database, Kind.ACCESS, None, NOW)
    requests.closed(ACTOR, worked.database, request.id, Outcome.NOTHING_HELD, NOW)
    assert only(worked.database).outcome is Outcome.NOTHING_HELD


def test_a_request_is_closed_once_and_done_by_its_act_alone(worked):
    request = open_one(worked)

    with pytest.raises(UnusableRequest, match="by doing what it asks for"):
        requests.closed(ACTOR, worked.database, request.id, Outcome.DONE, NOW)
    assert only(worked.database).outcome is None
    requests.closed(ACTOR, worked.database, request.id, Outcome.TAKEN_BACK, NOW)
    with pytest.raises(UnusableRequest, match="closed already: taken back"):
        requests.closed(ACTOR, worked.database, request.id, Outcome.REFUSED, NOW)
    with pytest.raises(UnknownRecord):
        requests.closed(ACTOR, worked.database, "none", Outcome.REFUSED, NOW)


def test_an_act_closes_the_request_that_asked_for_it_and_no_other(worked):
    access, other = open_one(worked), open_one(worked, Kind.CORRECTION)

    export.exported(ACTOR, worked.database, worked.picture_id, NOW + DAY)

    known = {one.id: one for one in requests.listed(ACTOR, worked.database)}
    assert known.keys() == {access.id, other.id}
    assert known[access.id].outcome is Outcome.DONE
    assert known[access.id].closed_at == NOW + DAY
    assert known[other.id].outcome is None


def test_an_act_that_nobody_had_asked_for_in_writing_is_listed_as_done(worked):
    done = correction.corrected(ACTOR, worked.database, worked.picture_id, Ground.OTHER, NOW)

    request = only(worked.database)
    assert (request.id, request.kind) == (done.request_id, Kind.CORRECTION)
    assert (request.outcome, request.closed_at) == (Outcome.DONE, NOW)


def test_what_is_open_comes_first_and_what_is_due_next_at_the_top(worked):
    closed, late, soon = (open_one(worked, received_at=NOW - days * DAY) for days in (9, 1, 5))
    requests.closed(ACTOR, worked.database, closed.id, Outcome.REFUSED, NOW)

    assert [one.id for one in requests.listed(ACTOR, worked.database)] == [
        soon.id, late.id, closed.id
    ]  # fmt: skip


def test_every_step_is_an_event_with_the_id_of_its_request(worked):
    request = open_one(worked)
    requests.closed(ACTOR, worked.database, request.id, Outcome.REFUSED, NOW)

    with worked.database.transaction(ACTOR, ANY) as cursor:
        rows = cursor.execute(
            "SELECT act, subject, details FROM events ORDER BY number DESC LIMIT 2"
        ).fetchall()
    (closing, opening) = [(act, subject, json.loads(details)) for act, subject, details in rows]
    id_ = request.id
    assert opening == ("open_request", worked.picture_id, {"request": id_, "kind": "access"})
    assert closing == ("close_request", worked.picture_id, {"request": id_, "outcome": "refused"})
