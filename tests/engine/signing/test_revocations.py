"""Lists of revoked releases: what they revoke, and which of them nobody has to believe."""

from __future__ import annotations

import json

import pytest

from engine.__main__ import main
from engine.cli.exits import Exit
from engine.errors import InvalidSignature
from engine.signing import envelope
from engine.signing.keys import open_key_ring, public_pem
from engine.signing.revocations import read_signed_revocations
from engine.signing.schema import REVOCATIONS, TrailHead, read_signed_manifest
from engine.signing.verification.delivery import verify_folder, verify_one
from engine.signing.verification.findings import VerificationResult
from engine.signing.verification.revoked import beside, with_revocations
from tests.engine.signing.handed_out import (
    DAY,
    certificate,
    picture,
    public_key,
    release_id,
    signer_at,
    trusted,
    words,
    wrong,
)

AT = f"{DAY}T12:00:00Z"


def listed(home, *numbers, at=AT):
    return signer_at(home).revocations([(release_id(number), DAY) for number in numbers], at)


def signed(home, **changes):
    """A list of two releases with parts of it changed and signed by its own key."""
    keys = open_key_ring(home)
    body = json.loads(listed(home, 1, 2))["revocations"] | changes
    return envelope.sign("revocations", body, keys.signing)


@pytest.fixture
def against(handed, signing_home, tmp_path):
    """What a folder verifies as, held against these lists."""

    def verified(*lists, trusting=None, distrusted=frozenset()):
        keys = trusted(signing_home) if trusting is None else trusting
        files = {}
        for number, data in enumerate(lists, start=1):
            files[f"list {number}"] = tmp_path / f"list {number}"
            files[f"list {number}"].write_bytes(data)
        return with_revocations(verify_folder(handed, keys), files, keys, distrusted)

    return verified


def revoked(verification):
    return [one.file for one in verification.findings if one.result is VerificationResult.REVOKED]


def test_what_the_list_names_is_revoked_and_all_else_is_as_before(against, signing_home, handed):
    verification = against(listed(signing_home, 2))

    assert revoked(verification) == [picture(handed, 2).name]
    assert verification.result is VerificationResult.REVOKED
    assert f"revoked on {DAY}" in words(verification, picture(handed, 2).name)
    assert words(verification, "list 1") == f"lists 1 revoked release, signed at {AT}"
    assert wrong(verification) == []


def test_a_list_that_names_others_changes_nothing(against, signing_home):
    assert against(listed(signing_home, 7)).result is VerificationResult.FITS
    assert against(listed(signing_home)).result is VerificationResult.FITS


def test_one_picture_under_another_name_is_revoked_too(handed, signing_home, tmp_path):
    renamed = picture(handed, 2).rename(tmp_path / "holiday.png")
    (tmp_path / "list").write_bytes(listed(signing_home, 2))

    verification = with_revocations(
        verify_one(renamed, certificate(handed, 2), trusted(signing_home)),
        {"list": tmp_path / "list"},
        trusted(signing_home),
    )

    assert revoked(verification) == ["holiday.png"]


def test_what_is_wrong_stays_wrong(against, signing_home, handed):
    picture(handed, 2).write_bytes(b"other pixels")

    verification = against(listed(signing_home, 2))

    assert wrong(verification) == [picture(handed, 2).name]
    assert verification.result is VerificationResult.WRONG


def test_a_list_of_a_stranger_is_wrong_and_revokes_nothing(against, strange_home):
    verification = against(listed(strange_home, 2))

    assert wrong(verification) == ["list 1"]
    assert "signed nothing here and is not trusted" in words(verification, "list 1")
    assert revoked(verification) == []


def test_a_list_of_a_distrusted_key_is_wrong(against, signing_home):
    verification = against(listed(signing_home, 2), distrusted=trusted(signing_home))

    assert "list 1" in wrong(verification)
    assert revoked(verification) == []


def test_where_nobody_is_trusted_a_list_of_whoever_signed_the_pictures_counts(
    against, signing_home, strange_home
):
    verification = against(listed(signing_home, 2), trusting=frozenset())
    assert len(revoked(verification)) == 1
    assert "unknown signer" in words(verification, "list 1")

    assert wrong(against(listed(strange_home, 2), trusting=frozenset())) == ["list 1"]


@pytest.mark.parametrize(
    "change",
    [
        {"number": 3},
        {"number": 1},
        {"releases": []},
        {"releases": [{"number": 2, "release": release_id(1), "day": DAY},
                      {"number": 1, "release": release_id(2), "day": DAY}]},
        {"releases": [{"number": 1, "release": release_id(1), "day": DAY},
                      {"number": 2, "release": release_id(1), "day": DAY}]},
        {"at": DAY},
        {"version": 2},
        {"schema": "lethe/manifest"},
        {"more": 1},
    ],
    ids=["a gap", "one hidden", "emptied", "another order", "one twice", "no moment",
         "newer", "another kind", "more"],
)  # fmt: skip
def test_a_list_that_is_out_of_order_or_of_another_kind_is_refused(against, signing_home, change):
    data = signed(signing_home, **change)

    with pytest.raises(InvalidSignature):
        read_signed_revocations(data)
    assert wrong(against(data)) == ["list 1"]


def test_a_list_of_a_newer_lethe_says_so(signing_home):
    with pytest.raises(InvalidSignature, match="a newer Lethe"):
        read_signed_revocations(signed(signing_home, version=2))


def test_a_list_that_was_changed_is_wrong(against, signing_home):
    data = listed(signing_home, 2).replace(release_id(2).encode(), release_id(7).encode())

    verification = against(data)

    assert wrong(verification) == ["list 1"]
    assert "the signature does not fit" in words(verification, "list 1")


def test_of_two_lists_the_longer_counts_whichever_comes_first(against, signing_home):
    short, long = listed(signing_home, 2), listed(signing_home, 2, 3)

    for lists in ((short, long), (long, short)):
        assert len(revoked(against(*lists))) == 2


def test_two_lists_of_which_neither_goes_on_the_other_are_wrong(against, signing_home):
    """Entries stay: who leaves one out, or puts another in its place, has changed the past."""
    verification = against(listed(signing_home, 2, 3), listed(signing_home, 3))

    assert wrong(verification) == ["list 2"]
    assert "contradicts the other list" in words(verification, "list 2")


@pytest.mark.parametrize(("day", "is_older"), [("2026-11-22", True), (DAY, False)])
def test_a_list_that_is_older_than_the_manifest_is_noted(against, signing_home, day, is_older):
    verification = against(listed(signing_home, at=f"{day}T23:59:59Z"))

    notes = [one for one in verification.findings if one.result is VerificationResult.NOTE]
    assert ["is older than" in one.words for one in notes] == [True] * is_older


def test_a_manifest_that_lists_revocations_is_of_version_4_and_one_that_does_not_is_of_3(
    signing_home,
):
    made = signer_at(signing_home).manifest
    trail = TrailHead(number=1, hash="0" * 64)

    def version(beside):
        body = json.loads(made("a batch", {}, DAY, beside, trail=trail))["manifest"]
        return read_signed_manifest(body).version

    assert version({REVOCATIONS: b"", "README.txt": b""}) == 4
    assert version({"README.txt": b""}) == 3
    with pytest.raises(ValueError, match="trail"):
        made("a batch", {}, DAY, {REVOCATIONS: b""})


class TestCommand:
    @pytest.fixture
    def key(self, signing_home, tmp_path, monkeypatch):
        monkeypatch.setenv("LETHE_HOME", str(tmp_path / "home"))
        path = tmp_path / "sender.pem"
        path.write_bytes(public_pem(public_key(signing_home)))
        return path

    def test_a_list_beside_the_releases_is_found(self, handed, signing_home, key, capsys):
        (handed / REVOCATIONS).write_bytes(listed(signing_home, 2))

        assert main(["verify", str(handed), "--key", str(key)]) == Exit.REVOKED

        said = capsys.readouterr().out
        assert f"REVOKED {picture(handed, 2).name}" in said
        assert "3 pictures as released, of which 1 revoked since: do not use those." in said
        assert "newest list" not in said

    def test_a_list_around_the_releases_is_found_for_the_folder_and_for_one_picture(
        self, handed, signing_home, key, tmp_path
    ):
        folder = tmp_path / "delivery"
        folder.mkdir()
        released = handed.rename(folder / "released")
        (folder / REVOCATIONS).write_bytes(listed(signing_home, 2))

        assert list(beside(folder)) == [REVOCATIONS]
        for what, status in (
            (folder, Exit.REVOKED),
            (picture(released, 2), Exit.REVOKED),
            (certificate(released, 2), Exit.REVOKED),
            (picture(released, 1), Exit.DONE),
        ):
            assert main(["verify", str(what), "--key", str(key)]) == status, what

    def test_a_list_that_is_named_counts(self, handed, signing_home, key, tmp_path, capsys):
        (tmp_path / "newest.json").write_bytes(listed(signing_home, 2))
        words = ["verify", str(handed), "--key", str(key), "--json", "--revocations"]

        assert main([*words, str(tmp_path / "newest.json")]) == Exit.REVOKED

        told = json.loads(capsys.readouterr().out)
        assert (told["verdict"], told["revocations"]) == ("revoked", {"number": 1, "at": AT})
        assert main([*words, str(tmp_path / "none.json")]) == Exit.USAGE
        assert "There is no list of revocations" in capsys.readouterr().err

    def test_without_a_list_it_is_said_that_nobody_knows(self, handed, key, capsys):
        assert main(["verify", str(handed), "--key", str(key)]) == Exit.DONE
        assert "only the sender's newest list of revocations can tell" in capsys.readouterr().out

    def test_a_list_that_is_a_link_is_wrong(self, handed, signing_home, key, tmp_path):
        (tmp_path / "list").write_bytes(listed(signing_home))
        (handed / REVOCATIONS).symlink_to(tmp_path / "list")

        assert main(["verify", str(handed), "--key", str(key)]) == Exit.FOUND
