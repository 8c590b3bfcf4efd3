"""Every way to tamper with what was handed out is noticed, and the file is named."""

from __future__ import annotations

import json
import shutil

import pytest

from engine.signing.keys import public_pem
from engine.signing.verification.findings import VerificationResult
from engine.signing.verification.unlisted import LONGEST_TEXT
from tests.engine.signing.handed_out import (
    certificate,
    hand_out,
    picture,
    public_key,
    release_id,
    signed_anew,
    signer_at,
    words,
    wrong,
)


def test_what_was_handed_out_verifies_as_a_folder_and_within_the_runs(handed, made, verified):
    for folder, prefix in ((handed, ""), (made.parent, "released/")):
        verification = verified(folder)

        assert verification.result is VerificationResult.FITS
        assert verification.pictures == verification.manifest.count == 3
        names = [one.file for one in verification.findings if one.result is VerificationResult.FITS]
        assert f"{prefix}manifest.json" in names
        assert f"{prefix}{release_id(1)}.png" in names


class TestTampering:
    def test_a_changed_picture_is_named(self, handed, verified):
        picture(handed, 2).write_bytes(b"other pixels")

        assert wrong(verified(handed)) == [picture(handed, 2).name]

    def test_an_emptied_picture_is_named(self, handed, verified):
        picture(handed, 2).write_bytes(b"")

        verification = verified(handed)

        assert wrong(verification) == [picture(handed, 2).name]
        assert "is empty" in words(verification, picture(handed, 2).name)

    def test_two_pictures_that_were_swapped_are_both_named(self, handed, verified):
        one, other = picture(handed, 1), picture(handed, 2)
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)

        verification = verified(handed)

        assert wrong(verification) == [one.name, other.name]
        assert f"it holds the picture of {release_id(2)}" in words(verification, one.name)

    def test_a_changed_certificate_is_named(self, handed, verified):
        path = certificate(handed, 2)
        path.write_bytes(path.read_bytes().replace(b'"day":"2026', b'"day":"2025'))

        verification = verified(handed)

        assert wrong(verification) == [path.name]
        assert "the signature does not fit" in words(verification, path.name)

    def test_a_certificate_that_was_only_spelled_anew_is_named(self, handed, verified):
        path = certificate(handed, 2)
        path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))

        assert wrong(verified(handed)) == [path.name]

    def test_a_missing_picture_is_named(self, handed, verified):
        picture(handed, 2).unlink()

        verification = verified(handed)

        assert wrong(verification) == [picture(handed, 2).name]
        assert "is missing" in words(verification, picture(handed, 2).name)

    def test_a_missing_certificate_is_named(self, handed, verified):
        certificate(handed, 2).unlink()

        assert wrong(verified(handed)) == [certificate(handed, 2).name]

    @pytest.mark.parametrize("number", [1, 2, 3], ids=["first", "middle", "last"])
    def test_a_picture_dropped_with_its_certificate_is_named(self, handed, verified, number):
        picture(handed, number).unlink()
        certificate(handed, number).unlink()

        verification = verified(handed)

        assert wrong(verification) == [certificate(handed, number).name]
        assert verification.pictures == 2

    @pytest.mark.parametrize(
        "name", ["added.png", "added", "folder/added.jpg", f"{release_id(1)}.jpg"]
    )
    def test_an_added_picture_is_named(self, handed, verified, name):
        (handed / name).parent.mkdir(exist_ok=True)
        (handed / name).write_bytes(b"\x89PNG pixels")

        assert wrong(verified(handed)) == [name]

    def test_a_picture_added_around_the_releases_is_named(self, handed, verified, tmp_path):
        (tmp_path / "zip").mkdir()
        handed.rename(tmp_path / "zip" / "released")
        (tmp_path / "zip" / "extra").mkdir()
        (tmp_path / "zip" / "extra" / "added.png").write_bytes(b"pixels")

        assert wrong(verified(tmp_path / "zip")) == ["extra/added.png"]

    @pytest.mark.parametrize("place", ["released", "around", "around, linked"])
    def test_a_picture_added_in_a_folder_named_as_a_runs_private_part_is_named(
        self, handed, verified, tmp_path, place
    ):
        hidden = handed / ".lethe"
        if place != "released":
            (tmp_path / "zip").mkdir()
            handed.rename(tmp_path / "zip" / "released")
            handed, hidden = tmp_path / "zip", tmp_path / "zip" / ".lethe"
        if place == "around, linked":
            (tmp_path / "elsewhere").mkdir()
            hidden.symlink_to(tmp_path / "elsewhere")
        hidden.mkdir(exist_ok=True)
        (hidden / "added.png").write_bytes(b"pixels")

        (name,) = wrong(verified(handed))

        assert name == (".lethe" if hidden.is_symlink() else ".lethe/added.png")

    def test_a_picture_added_with_a_certificate_of_another_batch_is_named(
        self, handed, verified, signing_home, tmp_path
    ):
        other = hand_out(tmp_path / "other", signer_at(signing_home), (4,))
        shutil.copy(picture(other, 4), handed)
        shutil.copy(certificate(other, 4), handed)

        verification = verified(handed)

        assert wrong(verification) == [certificate(handed, 4).name]
        assert "was added" in words(verification, certificate(handed, 4).name)

    def test_a_renamed_picture_is_missed_and_recognised(self, handed, verified):
        picture(handed, 2).rename(handed / "holiday.png")

        verification = verified(handed)

        assert wrong(verification) == [picture(handed, 2).name, "holiday.png"]
        assert release_id(2) in words(verification, "holiday.png")

    def test_a_release_renamed_with_its_certificate_is_named(self, handed, verified):
        picture(handed, 2).rename(picture(handed, 9))
        certificate(handed, 2).rename(certificate(handed, 9))

        names = wrong(verified(handed))

        assert certificate(handed, 2).name in names
        assert certificate(handed, 9).name in names

    def test_a_missing_manifest_is_wrong_unless_it_may_be_missing(self, handed, verified):
        (handed / "manifest.json").unlink()

        assert wrong(verified(handed)) == ["manifest.json"]
        assert verified(handed, needs_manifest=False).result is VerificationResult.FITS

    def test_a_run_that_was_cut_short_is_told_what_to_do(self, signing_home, verified, tmp_path):
        hand_out(tmp_path / "out", signer_at(signing_home))
        (tmp_path / "out" / "released" / "manifest.json").unlink()

        verification = verified(tmp_path / "out")

        assert "run it again" in words(verification, "released/manifest.json")

    def test_a_changed_manifest_is_named(self, handed, verified):
        path = handed / "manifest.json"
        path.write_bytes(path.read_bytes().replace(b'"count":3', b'"count":2'))

        assert wrong(verified(handed)) == ["manifest.json"]

    def test_a_manifest_replaced_by_a_genuine_one_of_another_batch_shows(
        self, handed, verified, signing_home, tmp_path
    ):
        other = hand_out(tmp_path / "other", signer_at(signing_home), (1, 2))
        shutil.copy(other / "manifest.json", handed)

        assert certificate(handed, 3).name in wrong(verified(handed))

    def test_a_manifest_replaced_by_a_stranger_has_an_unknown_signer(
        self, handed, verified, strange_home
    ):
        told = json.loads((handed / "manifest.json").read_bytes())["manifest"]
        picture(handed, 3).unlink()
        certificate(handed, 3).unlink()
        signed_anew(handed / "manifest.json", strange_home, releases=told["releases"][:2], count=2)

        verification = verified(handed)

        assert verification.result is VerificationResult.UNKNOWN
        assert "unknown signer" in words(verification, "manifest.json")

    def test_a_certificate_signed_anew_by_a_stranger_is_named(self, handed, verified, strange_home):
        signed_anew(certificate(handed, 2), strange_home, day="2020-01-01")

        verification = verified(handed)

        assert wrong(verification) == [certificate(handed, 2).name]
        assert "signed anew" in words(verification, certificate(handed, 2).name)

    def test_everything_signed_anew_by_a_stranger_has_an_unknown_signer(
        self, strange_home, verified, tmp_path
    ):
        forged = hand_out(tmp_path / "forged", signer_at(strange_home))

        verification = verified(forged)

        assert verification.result is VerificationResult.UNKNOWN
        assert {one.result for one in verification.findings} == {VerificationResult.UNKNOWN}

    def test_a_replaced_key_inside_a_certificate_is_named(
        self, handed, verified, signing_home, strange_home
    ):
        path = certificate(handed, 2)
        document = json.loads(path.read_bytes())
        signed_anew(path, strange_home)
        document["public_key"] = json.loads(path.read_bytes())["public_key"]
        path.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n")

        assert wrong(verified(handed)) == [path.name]

    @pytest.mark.parametrize("place", ["beside the releases", "around them"])
    def test_a_replaced_key_file_is_named(
        self, handed, verified, signing_home, strange_home, tmp_path, place
    ):
        folder = handed
        if place == "around them":
            folder = tmp_path / "zip"
            folder.mkdir()
            handed.rename(folder / "released")
        (folder / "public-key.pem").write_bytes(public_pem(public_key(signing_home)))
        assert verified(folder).result is VerificationResult.FITS

        (folder / "public-key.pem").write_bytes(public_pem(public_key(strange_home)))

        assert wrong(verified(folder)) == ["public-key.pem"]

    def test_another_key_added_to_the_key_file_is_named(
        self, handed, verified, signing_home, strange_home
    ):
        both = public_pem(public_key(signing_home)) + public_pem(public_key(strange_home))
        (handed / "public-key.pem").write_bytes(both)

        assert wrong(verified(handed)) == ["public-key.pem"]

    @pytest.mark.parametrize("name", ["README", "LICENSE.txt", "notes.md", "attribution.csv"])
    def test_a_short_text_is_told_and_does_no_harm(self, handed, verified, name):
        (handed / name).write_text("Näheres beim Absender\n", encoding="utf-8")

        verification = verified(handed)

        assert verification.result is VerificationResult.FITS
        assert "vouched for by nothing" in words(verification, name)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("more.zip", b"PK\3\4 and a picture"),
            ("more.pdf", b"%PDF-1.7"),
            ("page.html", b"<img src='data:image/png;base64,'>"),
            ("README", b" <svg xmlns='http://www.w3.org/2000/svg'/>"),
            ("README", b"%PDF-1.7"),
            ("README", b"PK\3\4\0\0"),
            ("notes.txt", b"\xff\xfe\xfd"),
            ("notes.txt", b"x" * (LONGEST_TEXT + 1)),
            ("data.bin", b"words"),
            ("receipts.jsonl", b"\xff picture"),
            ("anything", b"\xff\x0a a JPEG XL"),
        ],
    )
    @pytest.mark.parametrize("place", ["beside the releases", "around them"])
    def test_anything_else_that_was_added_is_named(
        self, handed, verified, tmp_path, name, content, place
    ):
        folder = handed
        if place == "around them":
            folder = tmp_path / "zip"
            folder.mkdir()
            handed.rename(folder / "released")
        (folder / name).write_bytes(content)

        verification = verified(folder)

        assert wrong(verification) == [name]
        assert "was added" in words(verification, name)
