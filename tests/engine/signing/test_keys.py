"""The key ring: made once, closed to others, rotated without forgetting."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine.errors import UnusableKeys
from engine.signing.envelope import key_id, public_bytes, read_document, sign
from engine.signing.keys import (
    distrust,
    distrusted_keys,
    open_key_ring,
    own_keys,
    public_pem,
    read_public,
    rotate,
)

ROOT = Path(__file__).parents[3]


def modes(home):
    folders = [home / "keys", home / "keys" / "public"]
    files = [path for path in (home / "keys").rglob("*") if path.is_file()]
    return (
        {stat.S_IMODE(path.stat().st_mode) for path in folders},
        {stat.S_IMODE(path.stat().st_mode) for path in files},
    )


def test_a_ring_is_made_once_and_found_again(tmp_path):
    first, second = open_key_ring(tmp_path), open_key_ring(tmp_path)

    assert first.id == second.id
    assert first.public_keys == second.public_keys == {public_bytes(first.signing)}
    assert first.pseudonym("reviewer", "ada") == second.pseudonym("reviewer", "ada")


def test_the_sample_is_drawn_evenly_and_otherwise_under_other_keys(tmp_path):
    here, there = open_key_ring(tmp_path / "here"), open_key_ring(tmp_path / "there")
    digests = [hashlib.sha256(str(number).encode()).digest() for number in range(4000)]

    drawn = [here.sample_draw(one) for one in digests]

    assert drawn == [rotate(tmp_path / "here").sample_draw(digests[0]), *drawn[1:]]
    assert all(0 <= one < 1 for one in drawn)
    assert 0.03 < sum(one < 0.05 for one in drawn) / len(drawn) < 0.07  # 5.8 standard deviations
    assert not set(drawn) & {there.sample_draw(one) for one in digests}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_keys_are_the_owners_alone_whatever_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        rotate(tmp_path)
    finally:
        os.umask(before)

    assert modes(tmp_path) == ({0o700}, {0o600})


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("keys", 0o755), ("keys", 0o770), ("keys/signing.pem", 0o644),
        ("keys/signing.pem", 0o640), ("keys/pseudonym", 0o604), ("keys/public", 0o777),
    ],
)  # fmt: skip
def test_keys_that_others_can_reach_are_refused_with_a_sentence(tmp_path, name, mode):
    open_key_ring(tmp_path)
    (tmp_path / name).chmod(mode)

    for use in (open_key_ring, rotate, own_keys):
        with pytest.raises(UnusableKeys, match="reached by others"):
            use(tmp_path)


def test_no_key_is_made_in_a_folder_that_others_can_reach(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys").chmod(0o755)

    with pytest.raises(UnusableKeys, match="reached by others"):
        open_key_ring(tmp_path)

    assert not list(tmp_path.rglob("*.pem"))


def test_a_linked_key_is_refused(tmp_path):
    open_key_ring(tmp_path)
    (tmp_path / "keys" / "signing.pem").rename(tmp_path / "elsewhere")
    (tmp_path / "keys" / "signing.pem").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UnusableKeys, match="is a link"):
        open_key_ring(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("signing.pem", None),
        ("signing.pem", b""),
        ("signing.pem", b"-----BEGIN PRIVATE KEY-----\n"),
        ("pseudonym", b""),
        ("pseudonym", None),
    ],
)
def test_a_broken_part_is_a_sentence_and_never_silently_made_anew(tmp_path, name, content):
    open_key_ring(tmp_path)
    path = tmp_path / "keys" / name
    path.unlink() if content is None else path.write_bytes(content)

    with pytest.raises(UnusableKeys, match="missing or broken"):
        open_key_ring(tmp_path)


def test_the_public_half_of_the_key_that_signs_is_never_missing(tmp_path):
    """What it signed would be of an unknown signer at home."""
    old = open_key_ring(tmp_path)
    shutil.rmtree(tmp_path / "keys" / "public")

    again = open_key_ring(tmp_path)

    assert again.public_keys == own_keys(tmp_path) == {public_bytes(old.signing)}
    assert modes(tmp_path) == ({0o700}, {0o600})


def test_a_distrusted_key_that_was_put_back_signs_nothing(tmp_path):
    old = open_key_ring(tmp_path)
    kept = (tmp_path / "keys" / "signing.pem").read_bytes()
    distrust(tmp_path, old.id)
    (tmp_path / "keys" / "signing.pem").write_bytes(kept)

    with pytest.raises(UnusableKeys, match="distrusted"):
        open_key_ring(tmp_path)


def test_rotation_signs_with_a_new_key_and_still_knows_the_old_one(tmp_path):
    old = open_key_ring(tmp_path)
    signed = sign("certificate", {"key": old.id}, old.signing)

    new = rotate(tmp_path)

    assert new.id != old.id
    assert (
        new.public_keys
        == own_keys(tmp_path)
        == {public_bytes(old.signing), public_bytes(new.signing)}
    )
    assert read_document("certificate", signed).public_key in new.public_keys
    assert new.pseudonym("reviewer", "ada") == old.pseudonym("reviewer", "ada")
    assert len(list((tmp_path / "keys").glob("*.pem"))) == 1


@pytest.mark.parametrize("is_present", [True, False])
def test_a_distrusted_key_is_no_longer_our_own_and_signs_nothing(tmp_path, is_present):
    old = open_key_ring(tmp_path)
    if not is_present:
        rotate(tmp_path)

    new = distrust(tmp_path, old.id)

    assert new.id != old.id
    assert new.public_keys == own_keys(tmp_path) == {public_bytes(new.signing)}
    assert distrusted_keys(tmp_path) == {public_bytes(old.signing)}
    with pytest.raises(UnusableKeys, match="no trusted key"):
        distrust(tmp_path, old.id)
    (tmp_path / "keys" / "public" / "distrusted" / f"{old.id}.pem").chmod(0o666)
    with pytest.raises(UnusableKeys, match="reached by others"):
        own_keys(tmp_path)


def test_keys_that_others_could_reach_are_to_be_distrusted_not_only_rotated(tmp_path):
    open_key_ring(tmp_path)
    (tmp_path / "keys" / "signing.pem").chmod(0o644)

    with pytest.raises(UnusableKeys, match="keys distrust ID"):
        open_key_ring(tmp_path)


def test_looking_for_own_keys_makes_none(tmp_path):
    assert own_keys(tmp_path / "nowhere") == frozenset()
    assert not list(tmp_path.iterdir())


def test_pseudonyms_tell_people_and_kinds_apart_and_need_the_ring(tmp_path):
    one, other = open_key_ring(tmp_path / "one"), open_key_ring(tmp_path / "other")

    names = [one.pseudonym("reviewer", name) for name in ("ada", "Ada", "", "bo", "\udc80")]
    assert len(set(names)) == 5
    assert one.pseudonym("batch", "ada") not in names
    assert other.pseudonym("reviewer", "ada") not in names


def test_processes_that_start_at_once_end_with_one_key(tmp_path):
    program = (
        "import sys; from pathlib import Path; from engine.signing.keys import open_key_ring;"
        "sys.stdin.read(1); print(open_key_ring(Path(sys.argv[1])).id)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, tmp_path / "home"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(6)
    ]  # fmt: skip

    for process in started:
        process.stdin.write("x")
        process.stdin.flush()
    ids = {process.communicate(timeout=60)[0] for process in started}

    assert len(ids) == 1
    assert len(list((tmp_path / "home" / "keys" / "public").iterdir())) == 1


def test_a_ring_that_a_kill_left_half_made_is_finished(tmp_path):
    open_key_ring(tmp_path)
    whole = tmp_path / "keys"
    for left in (["pseudonym"], ["pseudonym", "public"], ["pseudonym.tmp"], []):
        half = tmp_path / "half" / "keys"
        half.mkdir(parents=True, mode=0o700)
        for name in left:
            source = whole / name.removesuffix(".tmp")
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, half / name)

        keys = open_key_ring(tmp_path / "half")

        assert public_bytes(keys.signing) in keys.public_keys
        assert modes(tmp_path / "half") == ({0o700}, {0o600})
        shutil.rmtree(tmp_path / "half")


def test_a_place_where_no_key_can_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(UnusableKeys, match="No signing key can be made"):
        open_key_ring(tmp_path / "file")


class TestPublicKeys:
    def test_one_file_may_hold_several(self, tmp_path):
        keys = rotate(tmp_path).public_keys
        (tmp_path / "both.pem").write_bytes(b"".join(map(public_pem, keys)))

        assert len(keys) == 2
        assert read_public(tmp_path / "both.pem") == keys

    def test_an_id_follows_from_the_key_alone(self, tmp_path):
        (public,) = open_key_ring(tmp_path).public_keys

        assert (tmp_path / "keys" / "public" / f"{key_id(public)}.pem").exists()

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "not a public key"),
            (b"hello", "not a public key"),
            (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "is not a public"),
            (b"-----BEGIN PRIVATE KEY-----", "holds a private key"),
            (None, "cannot be read"),
        ],
    )
    def test_what_is_no_public_key_is_a_sentence(self, tmp_path, content, says):
        path = tmp_path / "key.pem"
        if content is not None:
            path.write_bytes(content)

        with pytest.raises(UnusableKeys, match=says):
            read_public(path)

    def test_a_key_of_another_kind_is_a_sentence(self, tmp_path):
        pem = (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        (tmp_path / "key.pem").write_bytes(pem)

        with pytest.raises(UnusableKeys, match="Ed25519"):
            read_public(tmp_path / "key.pem")
