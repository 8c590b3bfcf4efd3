"""The vault: what is sealed opens for its own picture, purpose and key, and for nothing else."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from engine.errors import UnusableKeys
from store.vault.context import Item, Purpose
from store.vault.errors import BrokenSeal, MissingKey
from store.vault.vault import Vault
from tests.store.vault.conftest import (
    BATCH,
    NAME,
    ORIGINAL,
    OTHER_BATCH,
    OTHER_PICTURE,
    PICTURE,
    SECRET,
)


def read(vault, item, path):
    return vault.source(item, path).read()


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["bytes", "file", "pieces"])
def test_an_original_comes_back_however_it_came_in(vault, path, tmp_path, kind):
    plain = tmp_path / "plain"
    plain.write_bytes(SECRET)
    content = {"bytes": SECRET, "file": plain, "pieces": iter([SECRET[:5], SECRET[5:]])}[kind]

    vault.seal_file(ORIGINAL, path, content)

    assert read(vault, ORIGINAL, path) == SECRET
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_vault_opened_again_opens_what_an_earlier_one_sealed(vault, home, path):
    vault.seal_file(ORIGINAL, path, SECRET)
    name = vault.seal_text(NAME, "Ann Nymous.jpg")

    again = Vault.open(home, {})

    assert read(again, ORIGINAL, path) == SECRET
    assert again.open_text(NAME, name) == "Ann Nymous.jpg"
    assert again.lookup(Purpose.NAME, "Ann") == vault.lookup(Purpose.NAME, "Ann")


def test_a_file_swapped_with_another_pictures_does_not_open(vault, path):
    other = replace(ORIGINAL, picture=OTHER_PICTURE)
    vault.seal_file(ORIGINAL, path, SECRET)
    vault.seal_file(other, path.with_name(OTHER_PICTURE), b"somebody else")

    path.rename(path.with_name("aside"))
    path.with_name(OTHER_PICTURE).rename(path)

    with pytest.raises(BrokenSeal, match="swapped"):
        read(vault, ORIGINAL, path)


def test_a_file_and_its_key_moved_together_to_another_picture_do_not_open(vault, home, path):
    vault.seal_file(ORIGINAL, path, SECRET)
    keys = home / "keyring" / BATCH

    shutil.copy(keys / f"{PICTURE}.key", keys / f"{OTHER_PICTURE}.key")

    with pytest.raises(UnusableKeys, match="moved to another"):
        vault.source(replace(ORIGINAL, picture=OTHER_PICTURE), path)


def test_a_key_moved_to_another_batch_does_not_open(vault, home, path):
    keyring = home / "keyring"

    shutil.copy(keyring / BATCH / f"{PICTURE}.key", keyring / OTHER_BATCH)

    with pytest.raises(UnusableKeys, match="moved to another"):
        vault.source(replace(ORIGINAL, batch=OTHER_BATCH), path)


@pytest.mark.parametrize("purpose", [one for one in Purpose if one is not Purpose.NAME])
def test_a_text_does_not_open_for_another_purpose_or_picture(vault, purpose):
    sealed = vault.seal_text(NAME, "Ann Nymous.jpg")

    for item in (replace(NAME, purpose=purpose), replace(NAME, picture=OTHER_PICTURE)):
        with pytest.raises(BrokenSeal):
            vault.open_text(item, sealed)


@pytest.mark.parametrize("text", ["", "Ann.jpg", "안.jpg", "odd \udcff.jpg", "x" * 70_000])
def test_any_text_comes_back(vault, text):
    assert vault.open_text(NAME, vault.seal_text(NAME, text)) == text


def test_another_installation_opens_nothing(vault, home, path, tmp_path):
    vault.seal_file(ORIGINAL, path, SECRET)
    other = Vault.open(tmp_path / "other", {})
    other.add_batch(BATCH)
    other.add_picture(BATCH, PICTURE)

    with pytest.raises(BrokenSeal):
        read(other, ORIGINAL, path)


def test_look_ups_are_equal_for_equal_values_of_a_purpose_only(vault, tmp_path):
    one = vault.lookup(Purpose.NAME, "Ann.jpg")

    assert one == vault.lookup(Purpose.NAME, "Ann.jpg")
    assert one != vault.lookup(Purpose.NAME, "Bea.jpg")
    assert one != vault.lookup(Purpose.REASON, "Ann.jpg")
    assert one != Vault.open(tmp_path / "other", {}).lookup(Purpose.NAME, "Ann.jpg")
    assert len(bytes.fromhex(one)) == 32


def test_nothing_plain_is_on_the_disk_while_a_content_is_sealed_or_after(
    vault, home, path, tmp_path, monkeypatch
):
    """Keys, too, though the master key lies in its file as long as none is set."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    source = vault.source(ORIGINAL, path)
    planted = (SECRET, source.key, source.key.hex().encode())
    seen = []

    def content():
        for _ in range(3):
            yield SECRET * 60_000
            seen.append(sum(plain in data for data in files_of(tmp_path).values()
                            for plain in planted))  # fmt: skip

    vault.seal_file(ORIGINAL, path, content())
    vault.seal_text(NAME, SECRET.decode())
    read(vault, ORIGINAL, path)

    assert seen == [0, 0, 0]
    assert path.stat().st_size > 3 * 60_000 * len(SECRET)
    assert not any(plain in data for data in files_of(tmp_path).values() for plain in planted)


def test_a_failure_while_a_content_is_sealed_leaves_the_file_before_and_nothing_else(vault, path):
    vault.seal_file(ORIGINAL, path, SECRET)

    def failing():
        yield b"another"
        raise OSError("the drive is away")

    with pytest.raises(OSError, match="away"):
        vault.seal_file(ORIGINAL, path, failing())

    assert read(vault, ORIGINAL, path) == SECRET
    assert list(path.parent.iterdir()) == [path]


def test_a_destroyed_key_leaves_its_picture_unreadable_and_the_others_readable(vault, path):
    other = replace(ORIGINAL, picture=OTHER_PICTURE)
    vault.seal_file(ORIGINAL, path, SECRET)
    name = vault.seal_text(NAME, "Ann")
    vault.seal_file(other, path.with_name(OTHER_PICTURE), b"other")

    assert vault.destroy_picture(BATCH, PICTURE)

    with pytest.raises(MissingKey, match=f"picture {PICTURE} is gone"):
        vault.source(ORIGINAL, path)
    with pytest.raises(MissingKey):
        vault.open_text(NAME, name)
    with pytest.raises(MissingKey):
        vault.seal_text(NAME, "Ann")
    assert read(vault, other, path.with_name(OTHER_PICTURE)) == b"other"
    assert not vault.destroy_picture(BATCH, PICTURE)


def test_a_destroyed_batch_leaves_nothing_of_it_and_all_of_others(vault, home):
    vault.add_picture(OTHER_BATCH, PICTURE)

    assert vault.destroy_batch(BATCH)

    assert not (home / "keyring" / BATCH).exists()
    with pytest.raises(MissingKey):
        vault.add_picture(BATCH, PICTURE)
    assert vault.seal_text(replace(NAME, batch=OTHER_BATCH), "Ann")
    assert not vault.destroy_batch(BATCH)


def test_a_key_is_overwritten_and_synced_before_it_is_unlinked(vault, home, monkeypatch):
    path = home / "keyring" / BATCH / f"{PICTURE}.key"
    length = path.stat().st_size
    held = path.open("rb")
    steps = []
    fsync, unlink = os.fsync, type(path).unlink
    monkeypatch.setattr(os, "fsync", lambda one: (steps.append("sync"), fsync(one)))
    monkeypatch.setattr(
        type(path), "unlink", lambda one, **more: (steps.append("unlink"), unlink(one, **more))
    )

    vault.destroy_picture(BATCH, PICTURE)

    with held:
        assert held.read() == bytes(length)
    assert steps == ["sync", "unlink", "sync"]


KILLED = (
    "import os, sys; from pathlib import Path; from store.vault.vault import Vault\n"
    "vault = Vault.open(Path(sys.argv[1]), {})\n"
)


def killed(home, step, act):
    """Run an act in a process that ends at a step; gives whether it got there."""
    program = f"{KILLED}{step}\n{act}"
    done = subprocess.run([sys.executable, "-c", program, str(home)], capture_output=True)
    assert done.returncode in (0, 9), done.stderr.decode()
    return done.returncode == 9


UNLINK = "Path.unlink = lambda *_, **__: os._exit(9)"


def test_a_batch_whose_destruction_was_killed_is_unreadable_and_is_destroyed_the_next_time(
    vault, home
):
    name = vault.seal_text(NAME, "Ann")

    assert killed(home, UNLINK, f"vault.destroy_batch('{BATCH}')")

    with pytest.raises(MissingKey, match="batch"):
        vault.open_text(NAME, name)
    with pytest.raises(MissingKey):
        vault.add_batch(BATCH)
    assert vault.rotate() == 2  # the other batch's and the look-up's
    assert vault.destroy_batch(BATCH)
    assert not (home / "keyring" / BATCH).exists()


@pytest.mark.parametrize("leftover", [f".{PICTURE}.key.part", f"{PICTURE}.key"])
def test_what_a_write_left_of_a_key_is_destroyed_with_it(vault, home, leftover):
    path = home / "keyring" / BATCH / leftover
    path.write_bytes(b"a wrapped key")

    vault.destroy_picture(BATCH, PICTURE)

    assert not path.exists()


def test_start_moves_a_picture_to_its_batch_and_its_bytes_stay_as_they_are(vault, path):
    vault.seal_file(ORIGINAL, path, SECRET)
    name = vault.seal_text(NAME, "Ann")
    before = path.read_bytes()
    moved, moved_name = (replace(item, batch=OTHER_BATCH) for item in (ORIGINAL, NAME))

    vault.share(PICTURE, from_batch=BATCH, to_batch=OTHER_BATCH)
    vault.share(PICTURE, from_batch=BATCH, to_batch=OTHER_BATCH)
    assert read(vault, ORIGINAL, path) == SECRET
    vault.destroy_picture(BATCH, PICTURE)

    assert path.read_bytes() == before
    assert read(vault, moved, path) == SECRET
    assert vault.open_text(moved_name, name) == "Ann"
    with pytest.raises(MissingKey):
        vault.source(ORIGINAL, path)


def test_a_move_that_was_killed_is_ended_by_doing_it_again(vault, home, path):
    vault.seal_file(ORIGINAL, path, SECRET)
    act = f"vault.share('{PICTURE}', from_batch='{BATCH}', to_batch='{OTHER_BATCH}')"
    step = "import engine.files.atomic as a; a.sync_folder = lambda *_: os._exit(9)"

    assert killed(home, step, act)
    assert read(vault, ORIGINAL, path) == SECRET
    vault.share(PICTURE, from_batch=BATCH, to_batch=OTHER_BATCH)

    assert read(vault, replace(ORIGINAL, batch=OTHER_BATCH), path) == SECRET


def test_a_move_writes_no_other_key_over(vault, path):
    vault.add_picture(OTHER_BATCH, PICTURE)
    there = replace(NAME, batch=OTHER_BATCH)
    name = vault.seal_text(there, "Bea")

    with pytest.raises(ValueError, match="a key of its own"):
        vault.share(PICTURE, from_batch=BATCH, to_batch=OTHER_BATCH)

    assert vault.open_text(there, name) == "Bea"
    assert vault.seal_text(NAME, "Ann")


def test_making_keys_again_keeps_those_that_are_there(vault, path):
    vault.seal_file(ORIGINAL, path, SECRET)

    vault.add_batch(BATCH)
    vault.add_picture(BATCH, PICTURE)

    assert read(vault, ORIGINAL, path) == SECRET


@pytest.mark.parametrize("bad", ["", "..", "../../etc", "BA" * 16, "a" * 15, "g" * 16, "a" * 65])
def test_no_text_that_is_no_id_becomes_a_path(vault, bad):
    with pytest.raises(ValueError, match="hex digits"):
        Item(bad, PICTURE, Purpose.NAME)
    for act in (vault.add_batch, vault.destroy_batch):
        with pytest.raises(ValueError, match="hex digits"):
            act(bad)
    with pytest.raises(ValueError, match="hex digits"):
        vault.destroy_picture(BATCH, bad)


def test_a_source_crosses_processes_and_shows_no_key(vault, path):
    vault.seal_file(ORIGINAL, path, SECRET)

    source = vault.source(ORIGINAL, path)

    assert pickle.loads(pickle.dumps(source)).read() == SECRET  # noqa: S301
    shown = f"{source!r} {source}"
    assert source.key.hex() not in shown
    assert repr(source.key) not in shown
    assert PICTURE in shown


def test_a_worker_needs_no_database_to_open_a_source():
    program = "import sys, store.vault.source; print('duckdb' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stdout.strip() == "False"


def test_folders_and_files_of_the_keyring_are_private(vault, home):
    for path in (home / "keyring", home / "keys", *(home / "keyring").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    assert (home / "keys" / "master").stat().st_mode & 0o777 == 0o600
