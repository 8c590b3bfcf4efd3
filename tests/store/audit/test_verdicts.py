"""A decision that is changed behind the app's back is found by its event."""

from __future__ import annotations

import re

import pytest

from engine.runs.jobs import NeedsReview
from engine.triage import contested
from store.audit.state import verify_now
from store.review import decisions
from store.worker import tasks
from tests.store.fakes import ACTOR, ANY, DRAWN, NOW, OVERLOOKED, a_batch, plan, verdict_on

pytestmark = pytest.mark.slow


@pytest.fixture
def decided(database):
    """A picture that somebody decided, took back and decided again."""
    a_batch(database, [b"v"])
    picture_id = tasks.take(ACTOR, database, NOW).picture_id
    tasks.record(ACTOR, database, NeedsReview(picture_id, plan(picture_id)), NOW)
    decide(database, picture_id, 0)
    decisions.reopen_last(ACTOR, database, "ada", NOW)
    decide(database, picture_id, 2)
    return picture_id


def decide(database, picture_id, revision):
    decision = verdict_on(database, picture_id, (DRAWN,), "ada", revision)
    decisions.settle(ACTOR, database, picture_id, decision, NOW)


def problems(database):
    return " ".join(verify_now(ACTOR, database).problems)


def tamper(database, statement):
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute(statement)


def test_decisions_that_nobody_touched_agree_with_their_events(database, decided):
    assert problems(database) == ""


@pytest.mark.parametrize(
    "change",
    [
        "regions = '[]'",
        "decision = 'rejected'",
        "reviewer = 'bo'",
        "picture_id = '00'",
        "revision = 1",
        "plan = '00'",
        "opened_at = decided_at - INTERVAL 1 DAY",
        "decided_at = decided_at - INTERVAL 1 DAY",
    ],
)
def test_a_changed_row_is_found(database, decided, change):
    tamper(database, f"UPDATE verdicts SET {change} WHERE number = 2")  # noqa: S608

    assert "Decision 2 on picture" in problems(database)
    assert "was changed after it was made" in problems(database)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE verdicts SET undone_at = NULL", "taken back as an event and not its row tells"),
        (
            "UPDATE verdicts SET undone_at = decided_at",
            "Decision 2 .* taken back as its row and no event tells",
        ),
        (
            "UPDATE verdicts SET contested_at = decided_at WHERE number = 2",
            "contested as its row and no event tells",
        ),
        ("DELETE FROM verdicts WHERE number = 2", "1 decision that .* gone, .* number 2"),
        (
            "INSERT INTO verdicts SELECT * REPLACE (9 AS number) FROM verdicts WHERE number = 2",
            "Decision 9 .* was added: no event",
        ),
    ],
    ids=["undoing gone", "undone by nobody", "contested by nobody", "removed", "added"],
)
def test_what_happened_to_a_decision_is_compared_too(database, decided, statement, said):
    tamper(database, statement)

    assert re.search(said, problems(database))


def test_a_decision_that_the_release_check_contested_agrees(database, decided):
    task = tasks.take(ACTOR, database, NOW)
    seen = contested(task.settled, [OVERLOOKED])

    assert tasks.record(ACTOR, database, NeedsReview(task.picture_id, seen), NOW)

    with database.transaction(ACTOR, ANY) as cursor:
        rows = cursor.execute(
            "SELECT number FROM verdicts WHERE contested_at IS NOT NULL"
        ).fetchall()
    assert rows == [(2,)]
    assert problems(database) == ""
    tamper(database, "UPDATE verdicts SET contested_at = NULL")
    assert "contested as an event and not its row tells" in problems(database)


def test_without_the_secret_they_are_not_called_fine(database, decided):
    (database.files.home / "keys" / "pseudonym").unlink()

    assert "could not be compared" in problems(database)


def test_decisions_from_before_are_not_compared(database, decided):
    tamper(database, "INSERT INTO verdicts SELECT * REPLACE (0 AS number) FROM verdicts "
           "WHERE number = 2")  # fmt: skip

    assert problems(database) == ""
