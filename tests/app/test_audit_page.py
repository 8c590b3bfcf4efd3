"""The audit page: who may, what is found, one picture's way, the state of the chain, exports."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from components.app import session
from components.app.access import Role, User
from components.audit import search
from components.recall import misses, tables
from components.recall import page as recall
from components.release import names
from store.accounts.act import Act
from store.audit import records
from store.audit.records import Filter
from store.batches import batches
from tests.app.reading import UPRIGHT, WIDE, said
from tests.store.fakes import ACTOR, ANY, NOW

pytestmark = pytest.mark.slow


def shown(app):
    (table,) = [one.value for one in app.dataframe if "Event" in one.value]
    return table


def picture_ids(lethe):
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        return [
            id_ for (id_,) in cursor.execute("SELECT id FROM pictures ORDER BY number").fetchall()
        ]


def newest(lethe):
    return records.page(ACTOR, lethe.database, Filter()).records[0]


def test_a_picture_is_followed_from_its_arrival_to_its_release(lethe):
    lethe.batch(UPRIGHT)
    (picture_id,) = picture_ids(lethe)
    app = lethe.page("Audit")

    app.text_input(key="audit_word").set_value(picture_id).run()

    (steps,) = [table.value for table in app.table if "Step" in table.value]
    order = [step.partition("**")[2].strip("*") for step in steps["Step"]]
    assert order == [
        "Create a batch", "Arrived", "Add pictures", "Start a batch", "Record an outcome"
    ]  # fmt: skip
    assert "outcome released" in steps["Details"].iloc[-1]
    release = newest_release(lethe)
    app.text_input(key="audit_word").set_value(release).run()
    assert f"Picture `{picture_id}`" in said(app)


def newest_release(lethe):
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        return cursor.execute("SELECT release_id FROM receipts").fetchone()[0]


def test_filters_leave_what_was_asked_for(lethe):
    lethe.batch(UPRIGHT, WIDE)
    nobody = replace(ACTOR, id="bo", name="Bo Ek", roles=frozenset())
    with pytest.raises(Exception, match="is for"):
        batches.newest(nobody, lethe.database)
    app = lethe.page("Audit")

    app.segmented_control(key="audit_outcome").set_value("refused").run()
    assert list(shown(app)["Who"]) == ["Bo Ek (bo)"]
    assert list(shown(app)["Outcome"]) == ["Refused"]
    app.segmented_control(key="audit_outcome").set_value("done").run()
    app.multiselect(key="audit_acts").set_value([Act.START_BATCH]).run()
    assert list(shown(app)["What"]) == ["Start a batch"]
    app.text_input(key="audit_word").set_value("bo ek").run()
    assert "No event fits." in said(app)


def test_many_events_are_turned_a_page_at_a_time(lethe):
    lethe.page()
    for _ in range(records.PAGE + 5):
        batches.create(ACTOR, lethe.database, batches.Request("x", ""), NOW)
    app = lethe.page("Audit")

    assert len(shown(app)) == records.PAGE
    app.button(key="audit_older").click().run()
    assert list(shown(app)["Event"]) == [6, 5, 4, 3, 2, 1]
    app.button(key="audit_newer").click().run()
    assert len(shown(app)) == records.PAGE


def test_verifying_says_that_the_trail_is_whole_and_is_an_event(lethe):
    lethe.batch(UPRIGHT)
    app = lethe.page("Audit")
    assert "Nobody has verified the chain yet." in said(app)

    app.button(key="audit_verify").click().run()

    assert "The trail is whole: " in said(app)
    assert newest(lethe).act == Act.VERIFY_AUDIT.key
    assert "whole when it was last verified" in said(lethe.page("Audit"))


def test_a_broken_chain_is_told_with_its_first_bad_event(lethe):
    lethe.batch(UPRIGHT)
    with lethe.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE events SET actor = 'somebody' WHERE number IN (2, 3)")
    app = lethe.page("Audit")

    app.button(key="audit_verify").click().run()

    (error,) = app.error
    assert "The trail is not whole." in error.value
    assert "Event 2 was changed" in error.value
    assert "was not whole" in said(lethe.page("Audit"))


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_an_export_is_an_event_and_holds_what_the_filter_left(lethe, file_format):
    lethe.page()
    formula = replace(ACTOR, id="=1+1", name="=2+2")
    batches.create(formula, lethe.database, batches.Request("x", ""), NOW)

    data = search._export(Filter(acts=(Act.CREATE_BATCH,)), file_format).read()

    if file_format == "csv":
        (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        assert (row["actor"], row["actor_name"]) == ("'=1+1", "'=2+2")
    else:
        assert data.startswith(b"PAR1")
    event = newest(lethe)
    assert event.act == Act.EXPORT_AUDIT.key
    assert (event.details["events"], event.details["format"]) == (1, file_format)


def test_the_list_of_names_is_recorded_when_it_is_taken(lethe):
    batch_id = lethe.batch(UPRIGHT, WIDE)

    names.made(batches.batch(ACTOR, lethe.database, batch_id))

    event = newest(lethe)
    assert (event.act, event.subject) == (Act.EXPORT_NAMES.key, batch_id)
    assert json.dumps(dict(event.details)) == '{"pictures": 2}'


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMIN])
def test_an_auditor_and_an_admin_may_open_it(lethe, monkeypatch, role):
    monkeypatch.setattr(session, "user", lambda: User("ana", frozenset({role})))

    app = lethe.page("Audit")

    assert not app.error
    assert not app.exception


@pytest.mark.parametrize(
    ("take", "part"),
    [
        (lambda: tables._named("an evaluation", [{"picture": "a.png"}]), "boxes"),
        (lambda: misses._list("an evaluation", ()), "boxes"),
        (lambda: recall._left_out_list("an evaluation", ("a.png: gone",)), "left out"),
    ],
    ids=["changed labels", "misses", "left out"],
)
def test_what_names_pictures_of_an_evaluation_is_recorded_when_it_is_taken(lethe, take, part):
    lethe.page()

    take()

    event = newest(lethe)
    assert (event.act, event.subject) == (Act.EXPORT_EVALUATION.key, "an evaluation")
    assert dict(event.details) == {"part": part}
