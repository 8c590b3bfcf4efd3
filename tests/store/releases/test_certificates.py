"""A release in the app has its certificate from the moment it is real."""

from __future__ import annotations

import hashlib

import duckdb
import pytest

from engine.errors import UnusableKeys
from engine.receipt import SignOff
from engine.signing.verification.findings import (
    VerificationResult,
    read_signed_certificate,
    verify_file,
)
from store.database import Database
from store.releases import certificates, receipts
from store.schema import MIGRATIONS, migrate
from store.worker import tasks
from tests.store.fakes import ACTOR, ANY, NOW, FakeExecutor, a_batch, released
from tests.store.runs import until


class FakeJob:
    sign_off = SignOff("ada")

    def __init__(self, picture_id):
        self.id = picture_id
        self.release_id = "ab" * 16


def record_one(database):
    """One release, made as the dispatcher makes it."""
    batch_id = a_batch(database, [b"r"])
    task = tasks.take(ACTOR, database, NOW)
    tasks.record(ACTOR, database, released(FakeJob(task.picture_id)), NOW)
    return batch_id, *receipts.newest(ACTOR, database)


def test_a_release_has_a_certificate_that_fits_its_file(database):
    _, kept = record_one(database)

    document = read_signed_certificate(certificates.of_release(ACTOR, database, kept.release_id))

    public_keys = database.signer.keys.public_keys
    assert (
        verify_file(kept.path, "file", document, public_keys, {}).result is VerificationResult.FITS
    )
    assert document.certificate.output.sha256 == kept.sha256
    assert document.certificate.day == "2026-11-22"
    assert document.certificate.reviewer == database.signer.keys.pseudonym("reviewer", "ada")


def test_every_release_of_a_batch_has_one(database, dispatch):
    batch_id = a_batch(database, [b"r"] * 5 + [b"v", b"q"])

    dispatch(FakeExecutor())
    until(lambda: len(receipts.newest(ACTOR, database, batch_id)) == 5)

    assert certificates.of_batch(ACTOR, database, batch_id).keys() == {
        one.release_id for one in receipts.newest(ACTOR, database, batch_id)
    }


def test_a_release_that_cannot_be_kept_leaves_no_certificate(database):
    batch_id = a_batch(database, [b"r"])
    first = tasks.take(ACTOR, database, NOW)
    tasks.give_back(ACTOR, database, [first.picture_id], NOW, attempt_counts=False)

    is_kept = tasks.record(ACTOR, database, released(FakeJob(first.picture_id)), NOW)

    assert not is_kept
    assert not certificates.of_batch(ACTOR, database, batch_id)


class NoNotary:
    def certificate(self, receipt, data, day):
        raise ValueError("cannot sign")


def test_what_cannot_be_certified_is_not_released(database):
    a_batch(database, [b"r"])
    task = tasks.take(ACTOR, database, NOW)
    database.signer = NoNotary()

    with pytest.raises(ValueError, match="cannot sign"):
        tasks.record(ACTOR, database, released(FakeJob(task.picture_id)), NOW)

    assert not receipts.newest(ACTOR, database)
    assert not list(database.files.releases.iterdir())


def test_a_withdrawn_release_keeps_its_certificate_inside(database):
    _, kept = record_one(database)

    with database.transaction(ACTOR, ANY) as cursor:
        receipts.withdraw(cursor, database.files, kept.picture_id, NOW)

    assert certificates.of_release(ACTOR, database, kept.release_id) is not None


def test_a_certificate_is_the_same_to_the_byte_after_a_restart(home):
    database = Database.open(home, NOW)
    _, kept = record_one(database)
    before = certificates.of_release(ACTOR, database, kept.release_id)
    database.close()

    database = Database.open(home, NOW)

    assert certificates.of_release(ACTOR, database, kept.release_id) == before
    assert hashlib.sha256(before).hexdigest() == read_signed_certificate(before).document.sha256
    database.close()


def test_a_database_from_before_certificates_opens_and_has_none(home, tmp_path):
    older = tmp_path / "older"
    older.mkdir()
    for file in sorted(MIGRATIONS.glob("*.sql"))[:2]:
        (older / file.name).write_text(file.read_text())
    home.mkdir()
    connection = duckdb.connect(str(home / "lethe.duckdb"))
    migrate(connection, older)
    connection.execute(
        """
        INSERT INTO receipts
            (release_id, picture_id, live_picture_id, batch_id, format, bytes, sha256, receipt,
            released_at)
        VALUES ('aaaaaaaaaaaaaaaa', 'bb', 'bb', 'cc', 'png', 1, 'dd', '{}',
            TIMESTAMP '2026-11-22 12:00:00')
        """
    )
    connection.close()

    database = Database.open(home, NOW)

    assert certificates.of_release(ACTOR, database, "aaaaaaaaaaaaaaaa") is None
    assert not certificates.of_batch(ACTOR, database, "cc")
    database.close()


def test_keys_that_others_can_read_keep_the_database_closed_and_unlocked(home):
    Database.open(home, NOW).close()
    (home / "keys" / "signing.pem").chmod(0o644)

    with pytest.raises(UnusableKeys):
        Database.open(home, NOW)

    (home / "keys" / "signing.pem").chmod(0o600)
    Database.open(home, NOW).close()
