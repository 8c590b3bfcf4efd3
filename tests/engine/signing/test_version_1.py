"""Certificates of version 1, made and signed by a Lethe of that time, verify as they did then.

`version_1` holds a batch of three as it was handed out, its manifest as one of version 1, and what
that Lethe found. Its key was made for this and signs nothing else.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.errors import InvalidSignature
from engine.signing.keys import public_keys
from engine.signing.schema import read_certificate
from engine.signing.verification.delivery import verify_folder
from engine.signing.verification.findings import VerificationResult, read_certificate_file

FROZEN = Path(__file__).parent / "version_1"
TRUSTED = public_keys((FROZEN / "public-key.pem").read_bytes(), "It")
CERTIFICATES = sorted((FROZEN / "handed" / "released").glob("*.certificate.json"))


def found(folder):
    verification = verify_folder(folder, TRUSTED)
    return {
        "result": verification.result.value,
        "pictures": verification.pictures,
        "fingerprint": verification.fingerprint,
        "findings": [[one.file, one.result.value, one.words] for one in verification.findings],
    }


def then(case):
    return json.loads((FROZEN / "expected.json").read_text(encoding="utf-8"))[case]


def test_a_batch_of_that_time_verifies_as_it_did():
    assert found(FROZEN / "handed") == then("folder")


def test_a_batch_with_a_manifest_of_version_1_verifies_as_it_did(tmp_path):
    shutil.copytree(FROZEN / "handed" / "released", tmp_path, dirs_exist_ok=True)
    shutil.copy(FROZEN / "manifest-1.json", tmp_path / "manifest.json")

    assert found(tmp_path) == then("manifest-1")


@pytest.mark.parametrize("certificate", CERTIFICATES, ids=["first", "second", "third"])
def test_one_byte_changed_in_a_certificate_of_that_time_is_seen(certificate, tmp_path):
    folder = tmp_path / "handed"
    shutil.copytree(FROZEN / "handed", folder)
    changed = folder / "released" / certificate.name
    changed.write_bytes(changed.read_bytes().replace(b"2026-11-23", b"2026-11-22", 1))

    assert verify_folder(folder, TRUSTED).result is VerificationResult.WRONG


@pytest.mark.parametrize(
    "change",
    [
        {"witness": {"face": "did not look", "tattoo": "did not look"}},
        {"regions": [{"category": "plate", "box": [0, 0, 16, 16], "origin": "model"}]},
    ],
    ids=["release check", "region"],
)
def test_they_are_closed_to_the_categories_of_their_time(change):
    body = json.loads(CERTIFICATES[0].read_bytes())["certificate"]
    read_certificate(body)

    with pytest.raises(InvalidSignature):
        read_certificate(body | change)


def test_they_are_read_as_what_they_are():
    first, second, third = (read_certificate_file(path).certificate for path in CERTIFICATES)

    assert first.release_check["face"] == "independent"
    assert first.looked_for == ["face", "tattoo"]
    assert second.looked_for == ["face", "jewelry", "tattoo"]
    assert third.source.leakage == "unbounded"
    assert [read_certificate_file(path).certificate.version for path in CERTIFICATES] == [1, 1, 1]
