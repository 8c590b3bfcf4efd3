"""Everything that is held about a picture goes into its export, and nothing of others."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest

from engine.plan import ReviewDecision
from store.accounts.actor import Actor
from store.accounts.role import Role
from store.audit.state import verify_now
from store.batches import originals
from store.errors import NotAllowed, UnknownRecord
from store.releases import certificates, receipts, revocations
from store.releases.revocations import Reason
from store.review import decisions, reviews
from store.review.claims import SavedDraft
from store.subjects import correction, deliveries, export, holdings
from store.subjects.correction import Ground
from tests.store.fakes import ACTOR, ANY, DRAWN, NOW

pytestmark = pytest.mark.slow

AUDITOR = Actor("aud", "Aud", frozenset({Role.AUDITOR}))
ADMIN = Actor("adm", "Adm", frozenset({Role.ADMIN}))
REVIEWER = "Bo Ek"


def opened(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def exported(worked, actor=AUDITOR, **more):
    return opened(export.exported(actor, worked.database, worked.picture_id, NOW, **more))


def rows(files, table):
    return json.loads(files[f"{table}.json"])


def decided(worked):
    """The first picture, objected to and decided by a person."""
    correction.corrected(ACTOR, worked.database, worked.picture_id, Ground.MISSED, NOW)
    case = reviews.claim(ACTOR, worked.database, REVIEWER, NOW)
    draft = SavedDraft(REVIEWER, (DRAWN,), {}, NOW)
    reviews.save_draft(ACTOR, worked.database, case.picture_id, draft)
    decision = ReviewDecision.on(case.plan, (*case.plan.regions, DRAWN), REVIEWER)
    decisions.settle(ACTOR, worked.database, case.picture_id, decision, NOW)
    worked.work()


def test_an_export_holds_plan_decision_receipts_certificates_events_and_release(worked):
    first = worked.release.release_id
    decided(worked)
    second = worked.release.release_id

    files = exported(worked)

    (picture,) = rows(files, "pictures")
    assert (picture["source"], picture["state"]) == ("0.jpg", "released")
    assert [row["release_id"] for row in rows(files, "receipts")] == sorted([first, second])
    (verdict,) = rows(files, "verdicts")
    assert [region["category"] for region in verdict["regions"]] == ["face", "tattoo"]
    assert len(rows(files, "plans")) == 2
    for release in (first, second):
        document = certificates.of_release(ACTOR, worked.database, release)
        assert files[f"certificates/{release}.certificate.json"] == document
    assert files[f"released/{second}.png"] == worked.release.path.read_bytes()
    assert f"released/{first}.png" not in files
    acts = [event["act"] for event in rows(files, "events")]
    assert acts[:2] == ["create_batch", "add_pictures"]
    assert {"record_outcome", "correct_subject", "claim", "decide"} <= set(acts)
    assert not {name for name in files if "original" in name}


def test_the_readme_names_every_file(worked):
    decided(worked)

    files = exported(worked, ADMIN, with_original=True)

    readme = files["README.txt"].decode()
    assert {name for name in files if name not in readme} == {"README.txt"}
    assert "rows of the table" not in readme


def test_every_table_about_a_picture_has_its_words(worked):
    with worked.database.transaction(ACTOR, ANY) as cursor:
        tables = {table for table, _ in holdings._tables(cursor)}

    assert tables | {"batches"} == export.TABLES.keys()


def test_nothing_of_another_picture_is_in_it(worked):
    decided(worked)
    other = worked.pictures[1]
    releases = receipts.newest(ACTOR, worked.database, worked.batch_id)
    (release,) = [one.release_id for one in releases if one.picture_id == other]

    text = b"".join(exported(worked).values())

    assert other.encode() not in text
    assert release.encode() not in text
    assert b"1.jpg" not in text


def test_a_reviewer_is_a_pseudonym_in_it_wherever_a_row_names_one(worked):
    decided(worked)
    correction.corrected(ACTOR, worked.database, worked.picture_id, Ground.OTHER, NOW)
    case = reviews.claim(ACTOR, worked.database, REVIEWER, NOW)
    decision = ReviewDecision.on(case.plan, (), REVIEWER)
    decisions.reject(ACTOR, worked.database, case.picture_id, decision, NOW)
    pseudonym = worked.database.signer.keys.pseudonym("reviewer", REVIEWER)

    files = exported(worked)

    assert REVIEWER.encode() not in b"".join(files.values())
    assert rows(files, "verdicts")[0]["reviewer"] == pseudonym
    assert rows(files, "pictures")[0]["reason"] == f"Rejected in review by {pseudonym}."
    assert pseudonym.encode() in files["receipts.json"]


def test_the_original_goes_along_for_whoever_may_see_it_alone(worked):
    files = exported(worked, ADMIN, with_original=True)

    assert files["original.jpg"] == b"one"
    with pytest.raises(NotAllowed):
        exported(worked, AUDITOR, with_original=True)


@pytest.mark.parametrize("name", ["x/../../etc.passwd.d/y", "a.p/ng", "a", "a.ünd", "a.toolong"])
def test_a_name_that_somebody_chose_goes_into_no_path(name):
    assert "/" not in export._ending(name)
    assert export._ending(name) == ""


def test_taking_it_is_on_record_with_its_hash(worked):
    data = export.exported(AUDITOR, worked.database, worked.picture_id, NOW)

    with worked.database.transaction(ACTOR, ANY) as cursor:
        actor, act, subject, details = cursor.execute(
            "SELECT actor, act, subject, details FROM events ORDER BY number DESC LIMIT 1"
        ).fetchone()
    assert (actor, act, subject) == ("aud", "export_subject", worked.picture_id)
    assert json.loads(details)["sha256"] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    "change",
    [lambda path: path.write_bytes(b"release of another"), lambda path: path.unlink()],
    ids=["changed", "gone"],
)
def test_a_release_file_that_is_not_the_release_is_left_out_and_that_is_said(worked, change):
    release = worked.release
    change(release.path)

    files = exported(worked)

    assert not {name for name in files if name.startswith("released/")}
    assert f"Release {release.release_id} is left out" in files["README.txt"].decode()


def test_a_release_that_waits_for_a_second_person_goes_out_this_way_neither(worked):
    with worked.database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE batches SET four_eyes = TRUE")

    files = exported(worked)

    assert not {name for name in files if name.startswith("released/")}
    assert "a second person has not approved" in files["README.txt"].decode()


def test_a_picture_that_there_is_not_is_a_sentence(worked):
    with pytest.raises(UnknownRecord):
        export.exported(ACTOR, worked.database, "nothing", NOW)


def deliver(worked):
    found = receipts.newest(ACTOR, worked.database, worked.batch_id)
    releases = [one.release_id for one in found if one.revoked_at is None]
    manifest = f"{len(worked.now):064x}"
    receipts.handed_out(ACTOR, worked.database, worked.batch_id, releases, manifest)


def test_a_download_since_it_was_revoked_has_no_release_of_it(worked):
    deliver(worked)
    worked.now.append(NOW + timedelta(days=1))
    revoked = [worked.release.release_id]
    revocations.revoke(ACTOR, worked.database, revoked, Reason.SHOWS, worked.now[-1])
    worked.now.append(NOW + timedelta(days=2))
    deliver(worked)

    (only,) = deliveries.of_picture(AUDITOR, worked.database, worked.picture_id)

    assert only.at == NOW


def test_deliveries_are_the_downloads_that_took_a_release_along(worked):
    deliver(worked)
    first = worked.release.release_id
    worked.now.append(NOW + timedelta(days=1))
    correction.corrected(ACTOR, worked.database, worked.picture_id, Ground.OTHER, worked.now[-1])
    worked.now.append(NOW + timedelta(days=2))
    deliver(worked)  # holds the other picture alone

    (only,) = deliveries.of_picture(AUDITOR, worked.database, worked.picture_id)
    assert (only.at, only.actor, only.manifest) == (NOW, "tester", f"{1:064x}")
    assert only.release_ids == (first,)
    (told,) = rows(exported(worked), "deliveries")
    assert told["manifest"] == f"{1:064x}"
    assert "name" not in told
    assert len(deliveries.of_picture(AUDITOR, worked.database, worked.pictures[1])) == 2


def test_a_download_that_was_being_made_while_a_release_was_withdrawn_may_hold_it(worked):
    correction.corrected(ACTOR, worked.database, worked.picture_id, Ground.OTHER, NOW)
    worked.now.append(NOW + timedelta(minutes=5))
    deliver(worked)

    assert len(deliveries.of_picture(AUDITOR, worked.database, worked.picture_id)) == 1


def test_an_export_leaves_the_trail_whole(worked):
    exported(worked, ADMIN, with_original=True)

    assert originals.is_open_to(ADMIN, worked.database, worked.picture_id)
    assert verify_now(ACTOR, worked.database).problems == ()
