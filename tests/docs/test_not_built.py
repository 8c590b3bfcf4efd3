"""What the process document calls missing is missing: each sentence beside what the code does.

Whoever builds one of these sees its test fail here, and rewrites the sentence with it.
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

from components.app import session
from docs.build.__main__ import DOCUMENT
from engine.runs.jobs import NeedsReview
from store.accounts.role import PEOPLE
from store.audit.state import verify_now
from store.batches import batches, intake
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.review import decisions
from store.worker import tasks
from tests.store.fakes import ACTOR, ANY, DRAWN, NOW, a_batch, plan, verdict_on

_, _, MISSING = DOCUMENT.read_text(encoding="utf-8").partition("Not built yet")
CENTURY = timedelta(days=36_525)


def test_one_local_person_has_every_role():
    assert "the app knows one local person with every role" in MISSING
    assert session.user().roles == PEOPLE


def test_names_lie_on_disk_as_they_came_and_originals_do_not(tmp_path):
    assert "originals are encrypted, names and boxes are not: use an encrypted disk" in MISSING
    incoming = [Incoming("Ann at the beach.jpg", b"what was in the picture")]

    with closing(Database.open(tmp_path, NOW)) as database:
        batch = batches.create(ACTOR, database, Request("spring", ""), NOW)
        intake.add(ACTOR, database, batch.id, incoming, NOW)
        batches.start(ACTOR, database, batch.id, NOW)

    contents = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert any(b"Ann at the beach" in content for content in contents)
    assert not any(b"what was in the picture" in content for content in contents)


def test_a_changed_plan_is_not_noticed_by_the_trail_and_a_changed_decision_is(tmp_path):
    assert "shows a changed event or decision, not a changed plan" in MISSING

    with closing(Database.open(tmp_path, NOW)) as database:
        a_batch(database, [b"1"])
        picture_id = tasks.take(ACTOR, database, NOW).picture_id
        tasks.record(ACTOR, database, NeedsReview(picture_id, plan(picture_id)), NOW)
        decisions.settle(
            ACTOR, database, picture_id, verdict_on(database, picture_id, (DRAWN,), "ada", 0), NOW
        )
        with database.transaction(ACTOR, ANY) as cursor:
            cursor.execute("UPDATE plans SET made_at = made_at - INTERVAL 1 DAY")
        assert verify_now(ACTOR, database).problems == ()

        with database.transaction(ACTOR, ANY) as cursor:
            cursor.execute("UPDATE verdicts SET decided_at = decided_at - INTERVAL 1 DAY")
        assert "was changed after it was made" in verify_now(ACTOR, database).problems[0]
