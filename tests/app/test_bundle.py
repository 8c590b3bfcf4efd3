"""The zip that goes out: pixels, receipts, credits that are owed, and nothing else."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from components.release.bundle import bundle, public_line
from engine.errors import InvalidSignature, StaleRevision, UnsafeRelease
from engine.runs.licences import read_licence_list
from engine.signing.envelope import sign
from engine.signing.keys import read_public, rotate
from engine.signing.verification.delivery import verify_folder
from engine.signing.verification.findings import VerificationResult
from engine.signing.verification.revoked import beside, with_revocations
from store.batches import batches, intake, pictures
from store.batches.batches import Batch, Request
from store.batches.intake import Incoming
from store.batches.progress import progress
from store.database import Database
from store.releases import receipts, revocations
from store.releases.revocations import Reason
from store.review import decisions
from store.worker.dispatcher import Dispatcher
from tests.store.fakes import ACTOR, ANY, NOW, FakeExecutor

pytestmark = pytest.mark.slow

NAMES = ["Müller_wedding.jpg", "祖母/birthday.jpg", "secret clinic.png", "held.png"]
EVER = {"README.txt", "receipts.jsonl", "public-key.pem", "released/manifest.json"}
CONTENTS = [b"one", b"two", b"three", b"quarantined"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path, NOW)
    yield opened
    opened.close()


def finished(database: Database, manifest: str = "") -> Batch:
    """A batch whose pictures all have an outcome: three releases, and one held back."""
    batch = batches.create(ACTOR, database, Request("The Müllers", ""), NOW)
    incoming = [Incoming(name, content) for name, content in zip(NAMES, CONTENTS, strict=True)]
    known = {"manifest": read_licence_list(manifest)} if manifest else {}
    intake.add(ACTOR, database, batch.id, incoming, NOW, **known)
    batches.start(ACTOR, database, batch.id, NOW)
    dispatcher = Dispatcher(database, FakeExecutor(), lambda: NOW)
    dispatcher.start()
    deadline = time.monotonic() + 20
    while progress(ACTOR, database, batch.id, NOW).counts.remaining and time.monotonic() < deadline:
        time.sleep(0.01)
    dispatcher.stop()
    return batches.batch(ACTOR, database, batch.id)


def entries(database: Database, batch: Batch) -> dict[str, bytes]:
    with bundle(ACTOR, database, batch, NOW) as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_manifest_takes_the_end_of_the_audit_trail_along(database):
    batch = finished(database)
    head = database.head

    manifest = json.loads(entries(database, batch)["released/manifest.json"])["manifest"]

    assert (manifest["version"], manifest["trail"]) == (
        3,
        {"number": head.number, "hash": head.hash},
    )


def test_the_zip_holds_every_release_byte_by_byte_and_a_receipt_for_each(database):
    batch = finished(database)

    content = entries(database, batch)

    kept = receipts.newest(ACTOR, database, batch.id)
    assert len(kept) == 3
    assert set(content) == EVER | {
        f"released/{one.release_id}{ending}"
        for one in kept
        for ending in (".png", ".certificate.json")
    }
    for one in kept:
        assert content[f"released/{one.release_id}.png"] == one.path.read_bytes()
    lines = [json.loads(line) for line in content["receipts.jsonl"].splitlines()]
    assert {line["release"] for line in lines} == {one.release_id for one in kept}


def test_a_revoked_release_goes_out_no_more_and_the_list_goes_along(database, tmp_path):
    batch = finished(database)
    gone, *others = sorted(one.release_id for one in receipts.newest(ACTOR, database, batch.id))
    received = unpacked(database, batch, tmp_path / "earlier")
    revocations.revoke(ACTOR, database, [gone], Reason.SHOWS, NOW)

    folder = unpacked(database, batch, tmp_path / "later")

    assert not list(folder.rglob(f"{gone}*"))
    assert all((folder / "released" / f"{one}.png").exists() for one in others)
    assert gone not in (folder / "receipts.jsonl").read_text()
    manifest = json.loads((folder / "released" / "manifest.json").read_text())["manifest"]
    assert manifest["version"] == 4
    assert "revocations.json" in {file["name"] for file in manifest["beside"]}
    keys = database.signer.keys.public_keys
    assert verify_folder(folder, keys).result is VerificationResult.FITS
    lists = beside(folder)
    assert list(lists) == ["revocations.json"]
    judged = with_revocations(verify_folder(received, keys), lists, keys)
    assert [one.file for one in judged.findings if one.result is VerificationResult.REVOKED] == [
        f"released/{gone}.png"
    ]


@pytest.mark.parametrize("how", ["revoked", "withdrawn"])
def test_a_release_that_ends_while_the_zip_is_made_goes_out_in_none(database, monkeypatch, how):
    batch = finished(database)
    gone = receipts.newest(ACTOR, database, batch.id)[0]

    def end(actor, of, now):
        listed(actor, of, now)
        if how == "revoked":
            revocations.revoke(ACTOR, database, [gone.release_id], Reason.SHOWS, NOW)
        else:
            with database.transaction(ACTOR, ANY) as cursor:
                receipts.withdraw(cursor, database.files, gone.picture_id, NOW)

    listed = revocations.signed_list
    monkeypatch.setattr(revocations, "signed_list", end)

    with pytest.raises(StaleRevision, match="take it once more"):
        bundle(ACTOR, database, batch, NOW)

    with database.transaction(ACTOR, ANY) as cursor:
        assert cursor.execute("SELECT * FROM events WHERE act = 'download'").fetchall() == []


def test_a_list_of_revocations_that_was_taken_out_of_a_delivery_is_missed(database, tmp_path):
    batch = finished(database)
    gone = receipts.newest(ACTOR, database, batch.id)[0]
    revocations.revoke(ACTOR, database, [gone.release_id], Reason.SHOWS, NOW)
    folder = unpacked(database, batch, tmp_path / "delivery")

    (folder / "revocations.json").unlink()

    found = verify_folder(folder, database.signer.keys.public_keys)
    assert [one.file for one in found.findings if one.result is VerificationResult.WRONG] == [
        "revocations.json"
    ]


def test_the_zip_is_a_kind_of_file_that_a_download_can_send(database):
    with bundle(ACTOR, database, finished(database), NOW) as file:
        assert isinstance(file, (io.RawIOBase, io.BufferedReader, io.BytesIO))
        assert file.tell() == 0


def test_no_name_and_no_inner_id_is_anywhere_in_the_zip(database):
    batch = finished(database)

    with bundle(ACTOR, database, batch, NOW) as file:
        raw = file.read()
    raw += entries(database, batch)["receipts.jsonl"]

    rows = pictures.of_batch(ACTOR, database, batch.id)
    secrets = [row.source for row in rows] + [batch.name, batch.id]
    secrets += [word for row in rows for word in row.source.replace("/", ".").split(".")[:-1]]
    for secret in secrets:
        for encoding in ("utf-8", "utf-16-le"):
            assert secret.encode(encoding) not in raw, secret
    content = entries(database, batch)
    # the fake release's own bytes name its picture, so ids are looked for in all the rest
    said = b"".join(part for name, part in content.items() if not name.startswith("released/"))
    assert not [row.id for row in rows if row.id.encode() in said or row.id in str(list(content))]


def test_the_order_of_the_zip_does_not_tell_the_order_of_the_batch(database):
    content = list(entries(database, finished(database)))

    released = [name for name in content if name.startswith("released/")]
    assert released == sorted(released)


def test_no_entry_says_when_it_was_written(database):
    batch = finished(database)

    with bundle(ACTOR, database, batch, NOW) as file, zipfile.ZipFile(file) as archive:
        dates = {entry.date_time for entry in archive.infolist()}

    assert dates == {(1980, 1, 1, 0, 0, 0)}


def test_credits_are_listed_only_for_releases_that_owe_them(database):
    batch = finished(
        database,
        "filename,source,licence,attribution_needed\n"
        "Müller_wedding.jpg,Ana Lima,CC BY 4.0,yes\n"
        "祖母/birthday.jpg,Bo Chen,CC0 1.0,no\n"
        "held.png,Cy Dee,CC BY 4.0,yes\n",
    )

    content = entries(database, batch)

    rows = list(csv.DictReader(io.StringIO(content["attribution.csv"].decode())))
    (owing,) = [
        row for row in pictures.of_batch(ACTOR, database, batch.id) if row.source == NAMES[0]
    ]
    assert rows == [{"release": owing.release_id, "source": "Ana Lima", "licence": "CC BY 4.0"}]


def test_a_credit_is_never_a_formula(database):
    batch = finished(
        database,
        "filename,source,licence,attribution_needed\nMüller_wedding.jpg,=SUM(1),@CC BY,yes\n",
    )

    (row,) = csv.DictReader(io.StringIO(entries(database, batch)["attribution.csv"].decode()))

    assert (row["source"], row["licence"]) == ("'=SUM(1)", "'@CC BY")


@pytest.mark.parametrize(
    "manifest",
    ["", "filename,source,licence,attribution_needed\nMüller_wedding.jpg,Ana,CC0,no\n"],
    ids=["no manifest", "no credit owed"],
)
def test_nothing_is_listed_where_no_credit_is_owed(database, manifest):
    assert "attribution.csv" not in entries(database, finished(database, manifest))


def test_a_batch_without_releases_gives_an_empty_list(database):
    batch = batches.create(ACTOR, database, Request("empty", ""), NOW)

    content = entries(database, batch)

    assert set(content) == EVER
    assert content["receipts.jsonl"] == b""


def test_a_withdrawn_release_is_not_in_the_zip(database):
    batch = finished(database)
    gone = receipts.newest(ACTOR, database, batch.id)[0]
    with database.transaction(ACTOR, ANY) as cursor:
        receipts.withdraw(cursor, database.files, gone.picture_id, NOW)

    content = entries(database, batch)

    assert f"released/{gone.release_id}.png" not in content
    assert gone.release_id.encode() not in content["receipts.jsonl"]
    assert decisions.reopen_last(ACTOR, database, "nobody", NOW) is None


def unpacked(database: Database, batch: Batch, folder: Path) -> Path:
    with bundle(ACTOR, database, batch, NOW) as file, zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    return folder


def test_an_unpacked_zip_verifies_with_the_installations_key_alone(database, tmp_path):
    folder = unpacked(database, finished(database), tmp_path / "unpacked")

    for where in (folder, folder / "released"):
        assert verify_folder(where, frozenset()).result is VerificationResult.UNKNOWN
        known = verify_folder(where, database.signer.keys.public_keys)
        assert (known.result, known.pictures) == (VerificationResult.FITS, 3)


class TestFilesBesideReleases:
    @pytest.fixture
    def folder(self, database, tmp_path):
        owed = "filename,source,licence,attribution_needed\nheld.png,Box,CC-BY,yes\n"
        owed += "secret clinic.png,Box,CC-BY,yes\n"
        return unpacked(database, finished(database, owed), tmp_path / "unpacked")

    @pytest.mark.parametrize("name", ["README.txt", "receipts.jsonl", "attribution.csv"])
    @pytest.mark.parametrize("how", ["changed", "longer", "missing"])
    def test_one_that_is_not_as_it_was_is_named(self, database, folder, name, how):
        file = folder / name
        if how == "missing":
            file.unlink()
        else:
            data = file.read_bytes()
            file.write_bytes(data + b"more" if how == "longer" else b"X" + data[1:])

        found = verify_folder(folder, database.signer.keys.public_keys)

        named = [one for one in found.findings if one.result is VerificationResult.WRONG]
        assert [one.file for one in named] == [name]
        assert ("is missing" if how == "missing" else "was changed") in named[0].words

    def test_one_that_was_added_is_named(self, database, tmp_path):
        folder = unpacked(database, finished(database), tmp_path / "no credits")
        (folder / "attribution.csv").write_text("release,source,licence\n")

        found = verify_folder(folder, database.signer.keys.public_keys)

        named = [one.file for one in found.findings if one.result is VerificationResult.WRONG]
        assert named == ["attribution.csv"]

    def test_without_the_folder_around_them_it_is_said_that_they_were_not_compared(
        self, database, folder
    ):
        found = verify_folder(folder / "released", database.signer.keys.public_keys)

        assert found.result is VerificationResult.FITS
        assert any("name that folder to have them compared" in one.words for one in found.findings)

    def test_of_a_manifest_from_before_they_pass_if_they_are_text(self, database, folder):
        path = folder / "released" / "manifest.json"
        body = json.loads(path.read_bytes())["manifest"]
        del body["beside"], body["trail"]
        path.write_bytes(sign("manifest", body | {"version": 1}, database.signer.keys.signing))
        (folder / "README.txt").write_text("other words")

        assert (
            verify_folder(folder, database.signer.keys.public_keys).result
            is VerificationResult.FITS
        )


def test_the_key_in_the_zip_is_the_one_that_signed(database, tmp_path):
    folder = unpacked(database, finished(database), tmp_path / "unpacked")

    assert read_public(folder / "public-key.pem") == database.signer.keys.public_keys


def test_after_a_rotation_the_zip_holds_both_keys_and_verifies(database, tmp_path):
    batch = finished(database)
    keys = rotate(database.files.home)
    database.signer = replace(database.signer, keys=keys)

    folder = unpacked(database, batch, tmp_path / "unpacked")

    assert read_public(folder / "public-key.pem") == keys.public_keys
    assert verify_folder(folder, keys.public_keys).result is VerificationResult.FITS


def test_no_hash_of_an_original_and_no_reviewer_is_in_the_zip(database):
    batch = finished(database)

    content = entries(database, batch)

    public = b"".join(part for name, part in content.items() if not name.endswith(".png"))
    for original in CONTENTS:
        for kind in ("md5", "sha1", "sha256"):
            digest = hashlib.new(kind, original)
            assert digest.hexdigest().encode()[:16] not in public
            assert base64.b64encode(digest.digest())[:16] not in public


def test_a_withdrawn_release_is_not_on_the_manifest_and_the_rest_verifies(database, tmp_path):
    batch = finished(database)
    gone = receipts.newest(ACTOR, database, batch.id)[0]
    with database.transaction(ACTOR, ANY) as cursor:
        receipts.withdraw(cursor, database.files, gone.picture_id, NOW)

    folder = unpacked(database, batch, tmp_path / "unpacked")

    assert gone.release_id.encode() not in (folder / "released" / "manifest.json").read_bytes()
    assert verify_folder(folder, database.signer.keys.public_keys).pictures == 2
    assert verify_folder(folder, database.signer.keys.public_keys).result is VerificationResult.FITS


def test_releases_from_before_certificates_are_named_and_not_vouched_for(database, tmp_path):
    batch = finished(database)
    old = receipts.newest(ACTOR, database, batch.id)[0]
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("DELETE FROM certificates WHERE release_id = ?", [old.release_id])

    folder = unpacked(database, batch, tmp_path / "unpacked")

    assert f"before certificates: {old.release_id}" in (folder / "README.txt").read_text()
    verification = verify_folder(folder, database.signer.keys.public_keys)
    assert verification.result is VerificationResult.WRONG
    assert verification.pictures == 2


def test_a_certificate_that_was_changed_inside_is_not_handed_out(database):
    batch = finished(database)
    with database.transaction(ACTOR, ANY) as cursor:
        cursor.execute("UPDATE certificates SET certificate = replace(certificate, '2026', '2025')")

    with pytest.raises(InvalidSignature):
        bundle(ACTOR, database, batch, NOW)


@pytest.mark.parametrize("forgotten", ["nothing", "certificates", "the receipt"])
@pytest.mark.parametrize("changed", [b"other", b"", None], ids=["changed", "empty", "missing"])
def test_a_file_that_is_not_the_one_released_is_not_handed_out(database, changed, forgotten):
    batch = finished(database)
    one = receipts.newest(ACTOR, database, batch.id)[0]
    one.path.unlink() if changed is None else one.path.write_bytes(changed)
    with database.transaction(ACTOR, ANY) as cursor:
        if forgotten == "certificates":
            cursor.execute("DELETE FROM certificates")
        elif forgotten == "the receipt":
            digest = hashlib.sha256(changed or b"").hexdigest()
            cursor.execute("UPDATE receipts SET sha256 = ?, bytes = 5", [digest])

    with pytest.raises(UnsafeRelease, match="its file is"):
        bundle(ACTOR, database, batch, NOW)


def test_what_goes_out_follows_the_mask_and_never_the_box_itself():
    def receipt(box):
        region = {"category": "face", "origin": "model", "box": box, "masked": [78, 78, 162, 162]}
        rest = dict.fromkeys(
            ["format", "not_looked_for", "policy", "weights", "checks", "codec_residual"]
        )
        known = {
            "release": "a",
            "picture": "b",
            "seconds": {},
            "reviewer": "ada",
            "size": [170, 300],
        }
        return {**known, **rest, "regions": [region, {**region, "masked": [0, 0, 17, 9]}]}

    one = public_line(receipt([103.21, 99.87, 148.4, 151.9]))
    other = public_line(receipt([103.5, 102.1, 146.9, 150.2]))

    assert one == other
    assert one["regions"] == [
        {"category": "face", "origin": "model", "masked": [0, 0, 32, 16]},
        {"category": "face", "origin": "model", "masked": [64, 64, 170, 176]},
    ]
    assert not {"picture", "seconds", "reviewer"} & one.keys()
