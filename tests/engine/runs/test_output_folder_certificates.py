"""Certificates and the manifest of an output folder: always of what was released, no more."""

from __future__ import annotations

import json
import stat

from engine.policy import Policy
from engine.runs.output_folder import OutputFolder
from engine.signing.envelope import read_document
from engine.signing.keys import rotate
from engine.signing.verification.delivery import verify_folder
from engine.signing.verification.findings import VerificationResult
from tests.engine.signing.handed_out import (
    DAY,
    certificate,
    hand_out,
    picture,
    release_id,
    released,
    signed_anew,
    signer_at,
    trusted,
    words,
    wrong,
)


def manifest(folder):
    return read_document("manifest", (folder / "manifest.json").read_bytes()).body


def open_again(folder, signer, day=DAY):
    OutputFolder.create(folder, Policy(), "same", signer, lambda: day).close()


def forget_certificates(out):
    """Make a folder what one from before certificates is."""
    lines = [json.loads(line) for line in (out / "receipts.jsonl").read_text().splitlines()]
    for line in lines:
        del line["certificate"], line["seal"]
    (out / "receipts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for path in (out / "released").glob("*.json"):
        path.unlink()


def test_no_manifest_stands_while_it_would_not_tell_the_set(tmp_path):
    output_folder = OutputFolder.create(
        tmp_path / "out", Policy(), "same", signer_at(tmp_path), lambda: DAY
    )
    told = manifest(tmp_path / "out" / "released")
    output_folder.record("a", "one", released(1))

    assert told["count"] == 0
    assert not (tmp_path / "out" / "released" / "manifest.json").exists()

    output_folder.close()
    assert manifest(tmp_path / "out" / "released")["count"] == 1


def test_a_second_run_adds_to_the_manifest_and_keeps_the_batchs_name(tmp_path):
    signer = signer_at(tmp_path)
    first = manifest(hand_out(tmp_path / "out", signer, (2,)))

    second = manifest(hand_out(tmp_path / "out", signer, (1, 3)))

    assert [one["release"] for one in second["releases"]] == [release_id(n) for n in (1, 2, 3)]
    assert second["batch"] == first["batch"]
    assert first["batch"] not in json.loads((tmp_path / "out/.lethe/run.json").read_text()).values()


def test_running_again_signs_nothing_anew(tmp_path):
    folder = hand_out(tmp_path / "out", signer_at(tmp_path))
    before = {path: path.read_bytes() for path in folder.iterdir()}

    open_again(tmp_path / "out", signer_at(tmp_path), day="2027-01-01")

    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_running_again_does_not_make_right_what_somebody_removed_changed_or_added(tmp_path):
    signer = signer_at(tmp_path)
    folder = hand_out(tmp_path / "out", signer)
    picture(folder, 1).write_bytes(b"changed")
    picture(folder, 3).unlink()
    certificate(folder, 3).unlink()
    (folder / "added.png").write_bytes(b"added")
    (folder / "manifest.json").unlink()

    open_again(tmp_path / "out", signer)

    assert wrong(verify_folder(folder, trusted(tmp_path))) == [
        picture(folder, 1).name,
        certificate(folder, 3).name,
        "added.png",
    ]


def test_a_manifest_that_somebody_else_signed_is_signed_anew(tmp_path):
    signer = signer_at(tmp_path / "home")
    folder = hand_out(tmp_path / "out", signer)
    signed_anew(folder / "manifest.json", tmp_path / "stranger")

    open_again(tmp_path / "out", signer)

    assert verify_folder(folder, trusted(tmp_path / "home")).result is VerificationResult.FITS


def test_a_rotation_between_two_runs_leaves_all_verifiable(tmp_path):
    folder = hand_out(tmp_path / "out", signer_at(tmp_path), (1,))
    public_keys = rotate(tmp_path).public_keys

    hand_out(tmp_path / "out", signer_at(tmp_path), (2,))

    verification = verify_folder(folder, public_keys)
    assert verification.result is VerificationResult.FITS
    assert verification.signers == public_keys


def test_releases_from_before_certificates_are_listed_as_such_and_never_vouched_for(tmp_path):
    signer = signer_at(tmp_path)
    folder = hand_out(tmp_path / "out", signer, (1, 2))
    forget_certificates(tmp_path / "out")

    hand_out(tmp_path / "out", signer, (3,))

    told = manifest(folder)
    assert told["without_certificate"] == [release_id(1), release_id(2)]
    assert [one["release"] for one in told["releases"]] == [release_id(3)]
    verification = verify_folder(folder, trusted(tmp_path))
    assert wrong(verification) == [picture(folder, 1).name, picture(folder, 2).name]
    assert "made before certificates" in words(verification, picture(folder, 1).name)
    assert verification.pictures == 1


def test_what_goes_out_can_be_read_by_others_and_written_by_none(tmp_path):
    folder = hand_out(tmp_path / "out", signer_at(tmp_path))

    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}
