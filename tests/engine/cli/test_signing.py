"""`verify` and `keys` as they are typed: what they print, and how they exit."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys

import pytest

from engine.__main__ import main
from engine.cli import command_line
from engine.signing.keys import open_key_ring, public_pem
from tests.engine.signing.handed_out import (
    certificate,
    hand_out,
    picture,
    public_key,
    release_id,
    signed_anew,
    signer_at,
)


@pytest.fixture
def run(signing_home, monkeypatch, capsys):
    """Runs a command at the installation that signed; gives exit status, stdout and stderr."""
    monkeypatch.setenv("LETHE_HOME", str(signing_home))

    def typed(*words):
        capsys.readouterr()
        status = main([str(word) for word in words])
        return status, *capsys.readouterr()

    return typed


@pytest.fixture
def pem(signing_home, tmp_path):
    """The installation's public key as a file that was sent by another way."""
    path = tmp_path / "sender.pem"
    path.write_bytes(public_pem(public_key(signing_home)))
    return path


class TestVerify:
    def test_a_whole_folder_is_good(self, run, handed):
        status, out, err = run("verify", handed)

        assert (status, err) == (0, "")
        assert "3 pictures, all as released." in out
        assert len([line for line in out.splitlines() if ".png" in line]) == 3

    def test_a_day_still_to_come_is_said_of_each_document(self, run, handed, monkeypatch):
        monkeypatch.setattr(command_line, "today", lambda: "2020-01-01")

        status, out, _ = run("verify", handed)

        assert status == 0
        told = [line for line in out.splitlines() if "still to come" in line]
        assert len(told) == 4  # three certificates and the manifest
        assert all(line.startswith("note") for line in told)

    def test_a_problem_is_named_and_exits_1(self, run, handed):
        picture(handed, 2).unlink()

        status, out, _ = run("verify", handed)

        assert status == 1
        assert any(line.startswith("WRONG") and release_id(2) in line for line in out.splitlines())
        assert "1 problem: do not rely on this." in out

    def test_another_installation_does_not_know_the_signer_and_exits_3(
        self, run, handed, monkeypatch, tmp_path
    ):
        monkeypatch.setenv("LETHE_HOME", str(tmp_path / "elsewhere"))

        status, out, _ = run("verify", handed)

        assert status == 3
        assert "signature fits, signer unknown" in out
        assert not (tmp_path / "elsewhere").exists()

    def test_another_installation_that_was_given_the_key_does(
        self, run, handed, monkeypatch, tmp_path, pem
    ):
        monkeypatch.setenv("LETHE_HOME", str(tmp_path / "elsewhere"))

        assert run("verify", handed, "--key", pem)[0] == 0

    def test_a_key_that_is_named_is_the_only_one_trusted(self, run, handed, tmp_path, strange_home):
        other = tmp_path / "other.pem"
        other.write_bytes(public_pem(public_key(strange_home)))

        assert run("verify", handed, "--key", other)[0] == 3

    def test_several_keys_may_be_named(self, run, handed, tmp_path, strange_home, pem):
        other = tmp_path / "other.pem"
        other.write_bytes(public_pem(public_key(strange_home)))

        assert run("verify", handed, "--key", other, "--key", pem)[0] == 0

    def test_what_an_earlier_key_signed_still_verifies(self, run, tmp_path, monkeypatch):
        monkeypatch.setenv("LETHE_HOME", str(tmp_path / "home"))
        folder = hand_out(tmp_path / "out", signer_at(tmp_path / "home"))

        assert run("keys", "rotate")[0] == 0

        assert run("verify", folder)[0] == 0
        more = hand_out(tmp_path / "out", signer_at(tmp_path / "home"), (4,))
        status, out, _ = run("verify", more)
        assert (status, out.count("(trusted)")) == (0, 2)

    def test_what_a_distrusted_key_signed_is_wrong_even_if_the_key_is_named(
        self, run, tmp_path, monkeypatch
    ):
        home = tmp_path / "home"
        monkeypatch.setenv("LETHE_HOME", str(home))
        folder = hand_out(tmp_path / "out", signer_at(home))
        stolen = open_key_ring(home).id
        run("keys", "export", "--out", tmp_path / "stolen.pem")

        status, out, _ = run("keys", "distrust", stolen)

        assert (status, f"{stolen}  distrusted" in out) == (0, True)
        for words in ([folder], [folder, "--key", tmp_path / "stolen.pem"], [picture(folder, 1)]):
            status, out, _ = run("verify", *words)
            assert status == 1
            assert f"signed with a key that its owner distrusts (key {stolen})" in out
            assert "(trusted)" not in out

    def test_a_run_goes_on_with_a_new_manifest_after_its_key_was_distrusted(
        self, run, tmp_path, monkeypatch
    ):
        home = tmp_path / "home"
        monkeypatch.setenv("LETHE_HOME", str(home))
        folder = hand_out(tmp_path / "out", signer_at(home))
        run("keys", "distrust", open_key_ring(home).id)

        hand_out(tmp_path / "out", signer_at(home), ())

        _, out, _ = run("verify", folder)
        (line,) = [line for line in out.splitlines() if "manifest.json" in line]
        assert line.startswith("good")

    @pytest.mark.parametrize("words", [["distrust"], ["distrust", "0" * 16], ["show", "0" * 16]])
    def test_a_key_to_distrust_must_be_one_of_ours(self, run, words):
        status, out, err = run("keys", *words)

        assert (status, out) == (2, "")
        assert "nothing was changed" in err

    @pytest.mark.parametrize("kind", ["picture", "certificate"])
    def test_one_picture_verifies_alone_and_is_told_in_words(self, run, handed, kind):
        (handed / "manifest.json").unlink()
        path = (picture if kind == "picture" else certificate)(handed, 1)

        status, out, _ = run("verify", path)

        assert status == 0
        assert "Removed: face in 1 place, tattoo in 1 place." in out
        assert "one picture cannot tell" in out

    def test_a_picture_under_another_name_verifies_with_its_certificate_named(
        self, run, handed, tmp_path
    ):
        shutil.copy(picture(handed, 1), tmp_path / "holiday.png")

        alone = run("verify", tmp_path / "holiday.png")
        named = run("verify", tmp_path / "holiday.png", "--certificate", certificate(handed, 1))

        assert alone[0] == 1
        assert "holiday.certificate.json" in alone[1]
        assert named[0] == 0

    def test_one_picture_signed_anew_by_a_stranger_exits_3(self, run, handed, strange_home):
        signed_anew(certificate(handed, 1), strange_home)

        assert run("verify", picture(handed, 1))[0] == 3

    def test_a_missing_manifest_passes_only_when_told_so(self, run, handed):
        (handed / "manifest.json").unlink()

        status, out, _ = run("verify", handed)

        assert (status, run("verify", handed, "--no-manifest")[0]) == (1, 0)
        assert "nobody can tell whether pictures are missing too" in out

    def test_json_says_the_same(self, run, handed):
        picture(handed, 2).write_bytes(b"other")

        status, out, _ = run("verify", handed, "--json")

        told = json.loads(out)
        assert (status, told["verdict"], told["pictures"]) == (1, "wrong", 2)
        assert [one["file"] for one in told["findings"] if one["verdict"] == "wrong"] == [
            picture(handed, 2).name
        ]
        assert told["manifest"]["count"] == 3
        assert [one["trusted"] for one in told["signers"]] == [True]

    @pytest.mark.parametrize("name", ["nothing", "manifest.json", "released.zip", "empty"])
    def test_what_cannot_be_verified_is_a_sentence_and_exits_2(self, run, handed, name):
        (handed / "released.zip").write_bytes(b"PK")
        (handed / "empty").mkdir()

        status, out, err = run("verify", handed / name)

        assert (status, out) == (2, "")
        assert err.strip().endswith(".")

    def test_a_certificate_of_one_picture_says_nothing_of_a_folder(self, run, handed, tmp_path):
        (tmp_path / "apart.json").write_text("{}")

        status, _, err = run("verify", handed, "--certificate", tmp_path / "apart.json")

        assert status == 2
        assert "--certificate names that of one picture" in err

    def test_a_link_to_itself_is_a_sentence(self, run, handed, tmp_path):
        (tmp_path / "circle.json").symlink_to(tmp_path / "circle.json")

        status, _, err = run("verify", handed, "--revocations", tmp_path / "circle.json")

        assert status == 2
        assert "circle.json" in err

    def test_a_name_that_the_terminal_has_no_signs_for_is_shown_as_an_escape(
        self, run, handed, monkeypatch
    ):
        (handed / "\N{CJK UNIFIED IDEOGRAPH-4E2D}.png").write_bytes(b"?")
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "latin-1"))

        assert main(["verify", str(handed)]) == 1

        sys.stdout.flush()
        assert rb"\u4e2d.png" in written.getvalue()

    @pytest.mark.parametrize("content", [b"hello", None])
    def test_a_key_that_is_none_is_a_sentence_and_exits_2(self, run, handed, tmp_path, content):
        path = tmp_path / "key.pem"
        if content is not None:
            path.write_bytes(content)

        status, _, err = run("verify", handed, "--key", path)

        assert status == 2
        assert "key.pem" in err

    @pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
    def test_a_key_that_is_no_plain_file_is_not_waited_for(self, run, handed, tmp_path, make):
        make(tmp_path / "key.pem")

        status, _, err = run("verify", handed, "--key", tmp_path / "key.pem")

        assert status == 2
        assert "key.pem cannot be read: it is no plain file" in err

    def test_a_link_to_a_key_is_as_good_as_the_key(self, run, handed, tmp_path, pem):
        (tmp_path / "link.pem").symlink_to(pem)

        assert run("verify", handed, "--key", tmp_path / "link.pem")[0] == 0

    def test_names_cannot_steer_a_terminal(self, run, handed):
        (handed / "\x1b[2Jevil.png").write_bytes(b"pixels")

        status, out, _ = run("verify", handed)

        assert status == 1
        assert "\x1b" not in out


class TestKeys:
    def test_show_names_the_key_that_signs_and_earlier_ones(self, run, tmp_path, monkeypatch):
        monkeypatch.setenv("LETHE_HOME", str(tmp_path))
        first = open_key_ring(tmp_path).id

        _, out, _ = run("keys", "rotate")

        lines = out.splitlines()
        assert lines[0] == f"{open_key_ring(tmp_path).id}  signs now"
        assert lines[1].startswith(f"{first}  earlier")
        assert run("keys", "show")[1] == out

    def test_export_writes_the_public_key_and_no_private_one(self, run, tmp_path, signing_home):
        status, _, _ = run("keys", "export", "--out", tmp_path / "key.pem")

        content = (tmp_path / "key.pem").read_bytes()
        assert status == 0
        assert content == public_pem(public_key(signing_home))
        assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o644
        assert run("keys", "export")[1].encode() == content

    def test_export_of_all_holds_the_earlier_ones_too(self, run, tmp_path, monkeypatch):
        monkeypatch.setenv("LETHE_HOME", str(tmp_path))
        run("keys", "rotate")

        assert run("keys", "export", "--all")[1].count("BEGIN PUBLIC KEY") == 2

    def test_keys_that_others_can_read_are_a_sentence_and_exit_2(self, run, tmp_path, monkeypatch):
        monkeypatch.setenv("LETHE_HOME", str(tmp_path))
        open_key_ring(tmp_path)
        (tmp_path / "keys" / "signing.pem").chmod(0o644)

        status, out, err = run("keys", "show")

        assert (status, out) == (2, "")
        assert "chmod" in err


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize("tampered", [False, True])
def test_openssl_agrees_about_a_signature(handed, tmp_path, pem, tampered):
    document = json.loads(certificate(handed, 1).read_bytes())
    body = document["certificate"] | ({"day": "2020-01-01"} if tampered else {})
    spelled = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (tmp_path / "body").write_text(spelled)
    signature = subprocess.run(
        ["openssl", "base64", "-d", "-A"],
        input=document["signature"].encode(), capture_output=True, check=True,
    )  # fmt: skip
    (tmp_path / "signature").write_bytes(signature.stdout)

    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pem, "-rawin",
         "-in", tmp_path / "body", "-sigfile", tmp_path / "signature"],
        capture_output=True, check=False,
    )  # fmt: skip

    assert (done.returncode == 0) is not tampered
