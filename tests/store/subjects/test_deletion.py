"""A deleted subject is gone, its request done, and the trail of who did it whole."""

import hashlib
import json
from datetime import timedelta

import pytest

from engine.errors import UnreadableImage
from store.accounts.actor import Actor
from store.accounts.role import Role
from store.audit import __main__ as audit
from store.audit.state import verify_now
from store.batches import originals, pictures
from store.database import Database
from store.errors import NotAllowed, UnknownRecord
from store.releases import certificates, receipts
from store.retention import steps
from store.review import decisions, reviews
from store.subjects import correction, deletion, export, finding, requests
from store.subjects.correction import Ground
from store.subjects.requests import Kind, Outcome
from tests.store.fakes import ACTOR, ANY, DRAWN, NOW
from tests.store.subjects.test_correction import decide

pytestmark = pytest.mark.slow

AUDITOR = Actor("aud", "Aud", frozenset({Role.AUDITOR}))
ADMIN = Actor("adm", "Adm", frozenset({Role.ADMIN}))


def delete(worked, **more):
    return deletion.deleted(ADMIN, worked.database, worked.picture_id, NOW, **more)


def count(database, table, picture_id):
    with database.transaction(ACTOR, ANY) as cursor:
        return len(cursor.table(table).filter(f"picture_id = '{picture_id}'").fetchall())


def only(database):
    (request,) = requests.listed(ACTOR, database)
    return request


def test_original_name_decisions_and_release_are_gone_and_the_certificate_stays(worked):
    correction.corrected(ACTOR, worked.database, worked.picture_id, Ground.MISSED, NOW)
    decide(worked, DRAWN)
    worked.work()
    release = worked.release

    done = delete(worked)

    assert done.withdrawn == release.release_id
    assert not release.path.exists()
    assert not worked.database.files.original(worked.picture_id).exists()
    assert not list(worked.database.files.home.glob(f"keyring/*/{worked.picture_id}.key*"))
    assert pictures.picture(ACTOR, worked.database, worked.picture_id).source != "0.jpg"
    for table in ("plans", "verdicts", "drafts"):
        assert count(worked.database, table, worked.picture_id) == 0
    assert certificates.of_release(ACTOR, worked.database, release.release_id)
    with pytest.raises(UnreadableImage):
        originals.content(ADMIN, worked.database, worked.picture_id)
    assert reviews.claim(ACTOR, worked.database, "bo", NOW) is None


def test_the_other_picture_of_the_batch_is_as_it_was(worked):
    delete(worked)

    (standing,) = receipts.newest(ACTOR, worked.database, worked.batch_id)
    assert standing.picture_id == worked.pictures[1]
    assert standing.path.exists()
    assert originals.content(ADMIN, worked.database, worked.pictures[1]) == b"two"


def test_the_trail_is_whole_afterwards_in_the_app_and_from_the_shell(worked, capsys):
    correction.corrected(ACTOR, worked.database, worked.picture_id, Ground.MISSED, NOW)
    decide(worked, DRAWN)
    worked.work()
    delete(worked)

    assert verify_now(ACTOR, worked.database).problems == ()
    home = worked.database.files.home
    worked.database.close()
    assert audit.main(["verify", "--home", str(home)]) == 0
    assert "all as recorded" in capsys.readouterr().out


def test_a_release_that_is_kept_stands_with_what_was_decided(worked):
    release = worked.release

    done = delete(worked, keeps_release=True)

    assert done.withdrawn is None
    assert worked.release.path == release.path
    assert release.path.exists()
    assert worked.release.receipt["regions"]
    assert not worked.database.files.original(worked.picture_id).exists()
    with pytest.raises(UnreadableImage, match="nobody can decide it anew"):
        correction.corrected(ACTOR, worked.database, worked.picture_id, Ground.OTHER, NOW)
    assert worked.release.path.exists()


def test_what_is_left_is_found_and_exported_without_the_name(worked):
    release, data = worked.release, worked.release.path.read_bytes()
    delete(worked)

    digest = hashlib.sha256(data).digest()
    by_file = finding.by_file(ACTOR, worked.database, "x.png", digest)
    assert by_file.picture_ids == (worked.picture_id,)
    assert finding.by_id(ACTOR, worked.database, release.release_id).picture_ids
    assert finding.by_name(ACTOR, worked.database, "0.jpg").picture_ids == ()
    assert b"0.jpg" not in export.exported(AUDITOR, worked.database, worked.picture_id, NOW)


def test_the_request_that_asked_for_it_is_done_and_named_in_both_events(worked):
    picture_id = worked.picture_id
    asked = requests.opened(ACTOR, worked.database, Kind.DELETION, picture_id, NOW)

    done = delete(worked)

    assert done.request_id == asked.id
    assert only(worked.database).outcome is Outcome.DONE
    with worked.database.transaction(ACTOR, ANY) as cursor:
        rows = cursor.execute(
            "SELECT act, details FROM events WHERE subject = ? ORDER BY number DESC LIMIT 4",
            [picture_id],
        ).fetchall()
    (closing, shredded, will, deleting) = rows
    assert [row[0] for row in (deleting, will, shredded, closing)] == [
        "delete_subject", "will_shred", "shredded", "close_request"
    ]  # fmt: skip
    assert json.loads(deleting[1]) == {"request": asked.id, "keeps_release": False}
    assert json.loads(closing[1]) == {"request": asked.id, "outcome": "done"}


def test_a_disk_that_fails_leaves_the_request_open_and_the_next_start_goes_on(worked, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(steps, "remove_files", fail)
        with pytest.raises(OSError, match="No space"):
            delete(worked)
    request = only(worked.database)
    assert request.outcome is None

    home, picture_id = worked.database.files.home, worked.picture_id
    worked.database.close()
    again = Database.open(home, NOW)
    assert not again.files.original(picture_id).exists()
    assert deletion.deleted(ADMIN, again, picture_id, NOW).request_id == request.id
    assert only(again).outcome is Outcome.DONE
    assert verify_now(ACTOR, again).problems == ()
    again.close()


def test_again_is_harmless(worked):
    delete(worked)

    assert delete(worked).withdrawn is None
    assert verify_now(ACTOR, worked.database).problems == ()


def test_an_auditor_deletes_nothing(worked):
    with pytest.raises(NotAllowed):
        deletion.deleted(AUDITOR, worked.database, worked.picture_id, NOW)

    assert worked.release.path.exists()
    assert requests.listed(ACTOR, worked.database) == ()


def test_a_picture_that_there_is_not_is_a_sentence(worked):
    with pytest.raises(UnknownRecord):
        deletion.deleted(ADMIN, worked.database, "nothing", NOW)

    assert requests.listed(ACTOR, worked.database) == ()


def test_a_decision_on_a_deleted_picture_cannot_be_taken_back(worked):
    correction.corrected(ACTOR, worked.database, worked.picture_id, Ground.MISSED, NOW)
    decide(worked, DRAWN)
    worked.work()
    delete(worked)

    later = NOW + timedelta(minutes=1)
    assert decisions.reopen_last(ACTOR, worked.database, "bo", later) is None
