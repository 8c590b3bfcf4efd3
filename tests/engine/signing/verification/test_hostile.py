"""Whatever lies in the files, verifying gives findings and never breaks."""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UnusableFolder
from engine.signing.verification.delivery import verify_folder, verify_one
from engine.signing.verification.findings import VerificationResult
from tests.engine.signing.handed_out import (
    certificate,
    hand_out,
    picture,
    release_id,
    signed_anew,
    signer_at,
    trusted,
    words,
    wrong,
)


class TestHostileFiles:
    @pytest.mark.parametrize("number", [1], ids=["picture"])
    def test_a_link_is_not_followed_even_to_the_right_picture(
        self, handed, verified, tmp_path, number
    ):
        picture(handed, number).rename(tmp_path / "elsewhere")
        picture(handed, number).symlink_to(tmp_path / "elsewhere")

        verification = verified(handed)

        assert wrong(verification) == [picture(handed, 1).name]
        assert "links are not followed" in words(verification, picture(handed, 1).name)

    def test_linked_folders_devices_and_pipes_are_named_and_not_read(
        self, handed, verified, tmp_path
    ):
        (handed / "linked").symlink_to(tmp_path, target_is_directory=True)
        os.mkfifo(handed / "pipe.png")

        assert wrong(verified(handed)) == ["linked", "pipe.png"]

    @pytest.mark.parametrize("name", ["instead", "beside.png"])
    def test_a_file_without_end_is_named_and_not_read(self, handed, verified, monkeypatch, name):
        """A file with holes is as long as somebody says, and takes hours."""
        path = picture(handed, 1) if name == "instead" else handed / name
        path.touch()
        os.truncate(path, 10 * 2**40)
        read = hashlib.file_digest

        def bounded(file, kind):
            assert os.fstat(file.fileno()).st_size <= 2**20
            return read(file, kind)

        monkeypatch.setattr(hashlib, "file_digest", bounded)

        assert wrong(verified(handed)) == [path.name]

    def test_a_picture_that_became_a_folder_is_named_among_all_else(self, handed, verified):
        picture(handed, 1).unlink()
        picture(handed, 1).mkdir()
        picture(handed, 2).write_bytes(b"other pixels")

        verification = verified(handed)

        assert wrong(verification) == [picture(handed, 1).name, picture(handed, 2).name]
        assert "is no plain file" in words(verification, picture(handed, 1).name)

    @pytest.mark.parametrize(
        "content",
        [
            b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 500_000, b'{"a":' * 100_000,
            b'{"certificate":{},"certificate":{},"public_key":"","signature":""}',
            b'{"certificate":{},"public_key":"","signature":""}',
            b'{"certificate":{"x":1.5},"public_key":"","signature":""}',
            b'{"certificate":{"x":NaN},"public_key":"","signature":""}',
            b'{"certificate":{"x":' + b"9" * 5000 + b'},"public_key":"","signature":""}',
            b'{"certificate":[],"public_key":7,"signature":{}}',
            b'{"certificate":{"x":"\\ud800"},"public_key":"%s","signature":"%s"}'
            % (b"A" * 43 + b"=", b"A" * 86 + b"=="),
            b" " * (2**20 + 1),
        ],
        ids=[
            "empty", "half", "list", "null", "no UTF-8", "deep", "deep objects", "twice", "bare",
            "float", "nan", "long number", "wrong types", "half a pair", "too long",
        ],
    )  # fmt: skip
    def test_any_content_of_a_document_is_a_finding(self, handed, verified, content):
        certificate(handed, 2).write_bytes(content)

        assert wrong(verified(handed)) == [certificate(handed, 2).name]

    @pytest.mark.parametrize(
        "changes",
        [
            {"release": "../../../etc/passwd"},
            {"release": 7},
            {"output": {"format": "../x"}},
            {"regions": [{"box": "all"}]},
            {"version": 1},
            {"version": 3},
            {"version": 4},
            {"version": "1"},
            {"surprise": "more"},
            {"schema": "lethe/manifest"},
        ],
        ids=lambda changes: f"{changes}",
    )
    def test_a_document_of_another_shape_is_a_finding_even_when_signed(
        self, handed, verified, signing_home, changes
    ):
        signed_anew(certificate(handed, 2), signing_home, **changes)

        assert wrong(verified(handed)) == [certificate(handed, 2).name]

    @pytest.mark.parametrize(
        "changes",
        [
            {"count": 2},
            {"without_certificate": [release_id(1)]},
            {"releases": [{"release": release_id(1), "certificate": "0" * 64}] * 3},
            {"releases": "none"},
        ],
        ids=["count", "both", "doubled", "no list"],
    )
    def test_a_manifest_that_contradicts_itself_is_a_finding_even_when_signed(
        self, handed, verified, signing_home, changes
    ):
        signed_anew(handed / "manifest.json", signing_home, **changes)

        assert wrong(verified(handed)) == ["manifest.json"]

    def test_a_key_file_that_holds_anything_else_is_a_finding(self, handed, verified, signing_home):
        for content in (b"", b"hello", (signing_home / "keys" / "signing.pem").read_bytes()):
            (handed / "public-key.pem").write_bytes(content)

            assert wrong(verified(handed)) == ["public-key.pem"]

    def test_a_folder_without_anything_to_verify_is_refused(self, verified, tmp_path):
        with pytest.raises(UnusableFolder, match="no certificate"):
            verified(tmp_path)

    def test_a_folder_without_a_picture_is_refused_even_with_a_genuine_manifest(
        self, signing_home, verified, tmp_path
    ):
        empty = hand_out(tmp_path / "out", signer_at(signing_home), ())

        for folder in (empty, empty.parent):
            with pytest.raises(UnusableFolder, match="nothing that could be verified"):
                verified(folder)

    def test_pictures_without_any_certificate_are_named(self, verified, tmp_path):
        (tmp_path / "bare.png").write_bytes(b"pixels")

        assert wrong(verified(tmp_path)) == ["manifest.json", "bare.png"]


class TestOnePicture:
    def test_it_verifies_alone_with_its_certificate(self, handed, signing_home, tmp_path):
        alone = tmp_path / "any name.png"
        shutil.copy(picture(handed, 1), alone)

        verification = verify_one(alone, certificate(handed, 1), trusted(signing_home))

        assert verification.result is VerificationResult.FITS
        assert verification.certificate.release == release_id(1)

    def test_it_does_not_verify_with_the_certificate_of_another(self, handed, signing_home):
        verification = verify_one(picture(handed, 1), certificate(handed, 2), trusted(signing_home))

        assert wrong(verification) == [picture(handed, 1).name]

    def test_a_folder_in_place_of_a_certificate_is_named(self, handed, signing_home, tmp_path):
        verification = verify_one(picture(handed, 1), tmp_path, trusted(signing_home))

        assert wrong(verification) == [tmp_path.name]

    def test_signed_anew_by_a_stranger_it_has_an_unknown_signer(
        self, handed, signing_home, strange_home
    ):
        signed_anew(certificate(handed, 1), strange_home)

        verification = verify_one(picture(handed, 1), certificate(handed, 1), trusted(signing_home))

        assert verification.result is VerificationResult.UNKNOWN


@given(data=st.data())
def test_any_single_byte_changed_anywhere_is_noticed_and_named(
    made, signing_home, tmp_path_factory, data
):
    folder = shutil.copytree(made, tmp_path_factory.mktemp("changed") / "handed")
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)

    assert path.name in wrong(verify_folder(folder, trusted(signing_home)))
