"""The master key: where it comes from, how it changes, and that a wrong one changes nothing."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys

import pytest

from engine.errors import UnusableKeys
from store.vault import master
from store.vault.context import Purpose
from store.vault.vault import Vault
from tests.store.vault.conftest import BATCH, NAME, OTHER_BATCH, PICTURE, as_text

ONE, OTHER = as_text(bytes(range(32))), as_text(bytes(range(1, 33)))
PHRASE = "five words drawn at random"
pytestmark = pytest.mark.usefixtures("cheap_scrypt")


def begun(home, environment):
    """A vault that holds a picture, and its name sealed."""
    vault = Vault.open(home, environment)
    vault.add_batch(BATCH)
    vault.add_picture(BATCH, PICTURE)
    return vault.seal_text(NAME, "Ann")


def content_of(home):
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def refused(home, environment, words):
    """Nothing opens, and no byte under the home changes."""
    before = content_of(home)
    with pytest.raises(UnusableKeys, match=words) as refusal:
        Vault.open(home, environment)
    assert content_of(home) == before
    assert str(refusal.value).endswith(".")
    return str(refusal.value)


def descriptor_of(text):
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    return str(reading)


@pytest.mark.parametrize("kind", ["own file", "key", "file", "passphrase", "descriptor"])
def test_each_source_opens_what_it_sealed_and_only_the_own_file_is_made(home, tmp_path, kind):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch(mode=0o600)
    elsewhere.write_text(ONE + "\n")

    def environment():
        return {
            "own file": {},
            "key": {"LETHE_MASTER_KEY": ONE},
            "file": {"LETHE_MASTER_KEY_FILE": str(elsewhere)},
            "passphrase": {"LETHE_PASSPHRASE": PHRASE},
            "descriptor": {"LETHE_PASSPHRASE_FD": descriptor_of(PHRASE + "\n")},
        }[kind]

    name = begun(home, environment())

    assert Vault.open(home, environment()).open_text(NAME, name) == "Ann"
    assert (home / "keys" / "master").exists() == (kind == "own file")
    assert (home / "keyring" / "scrypt.json").exists() == (kind in ("passphrase", "descriptor"))


def test_what_was_taken_opens_again_although_the_descriptor_is_another_files_now(home):
    number = descriptor_of(PHRASE + "\n")
    environment = {"LETHE_PASSPHRASE_FD": number, "PATH": "/bin"}

    taken = master.take(environment)

    other = os.open(os.devnull, os.O_RDONLY)
    assert str(other) == number  # the lowest that is free
    name = begun(home, taken)
    again = Vault.open(home, taken)
    assert again.open_text(NAME, name) == "Ann"
    assert again.status().origin == "LETHE_PASSPHRASE_FD"
    assert environment == {"PATH": "/bin"}
    os.close(other)  # raises where somebody closed it


def test_a_descriptor_that_gives_nothing_is_no_lack_of_a_key(home):
    begun(home, {"LETHE_PASSPHRASE": PHRASE})

    refused(home, master.take({"LETHE_PASSPHRASE_FD": descriptor_of("")}), "passphrase")


def test_two_sources_at_once_are_refused(home):
    begun(home, {"LETHE_MASTER_KEY": ONE})

    refused(home, {"LETHE_MASTER_KEY": ONE, "LETHE_PASSPHRASE": PHRASE}, "from one alone")


@pytest.mark.parametrize(
    "environment",
    [{"LETHE_MASTER_KEY": OTHER}, {"LETHE_PASSPHRASE": PHRASE}],
    ids=["key", "passphrase"],
)
def test_a_wrong_key_opens_and_changes_nothing(home, environment):
    begun(home, {"LETHE_MASTER_KEY": ONE})

    refused(home, environment, "is wrapped by the master key [0-9a-f]{16}, and the one in")


def test_a_wrong_passphrase_opens_and_changes_nothing(home):
    begun(home, {"LETHE_PASSPHRASE": PHRASE})

    refused(home, {"LETHE_PASSPHRASE": PHRASE + "."}, "or the passphrase that it was made from")


@pytest.mark.parametrize("lost", ["keys/master", "keys"])
def test_a_keyring_without_its_master_key_is_refused_and_no_new_one_is_made(home, lost):
    begun(home, {})
    (home / lost).rename(home / "away")

    refused(home, {}, "master key is missing")

    (home / "away").rename(home / lost)
    Vault.open(home, {})


@pytest.mark.parametrize(
    ("lost", "words"),
    [("lookup.key", "lookup.key is missing"), ("installation", "installation is missing"),
     ("scrypt.json", "is wrapped by the master key")],
)  # fmt: skip
def test_a_keyring_that_is_not_complete_is_refused(home, lost, words):
    begun(home, {"LETHE_PASSPHRASE": PHRASE})
    (home / "keyring" / lost).unlink()

    refused(home, {"LETHE_PASSPHRASE": PHRASE}, words)


@pytest.mark.parametrize("name", ["lookup.key", "installation", "scrypt.json"])
def test_a_damaged_keyring_is_refused(home, name):
    begun(home, {"LETHE_PASSPHRASE": PHRASE})
    (home / "keyring" / name).write_bytes(b"x")

    refused(home, {"LETHE_PASSPHRASE": PHRASE}, "from a copy")


def test_a_lost_keyring_is_not_replaced_where_something_sealed_lies(home):
    vault = Vault.open(home, {})
    vault.add_batch(BATCH)
    vault.add_picture(BATCH, PICTURE)
    (home / "originals").mkdir()
    vault.seal_file(NAME, home / "originals" / PICTURE, b"content")
    (home / "keyring").rename(home.parent / "away")

    with pytest.raises(UnusableKeys, match="has no keys for them"):
        Vault.open(home, {})

    assert not (home / "keyring" / "lookup.key").exists()


def test_a_start_that_was_killed_before_the_keyring_was_whole_goes_on(home):
    begun(home, {})
    for path in (home / "keyring").rglob("*"):
        if path.is_file() and path.name != "installation":
            path.unlink()
    (home / "keyring" / BATCH).rmdir()

    assert begun(home, {})


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"LETHE_MASTER_KEY": "short"}, "LETHE_MASTER_KEY holds no master key"),
        ({"LETHE_MASTER_KEY": as_text(bytes(31))}, "32 bytes in base64"),
        ({"LETHE_MASTER_KEY": "é" * 44}, "32 bytes in base64"),
        ({"LETHE_MASTER_KEY_FILE": "/nowhere/key"}, "cannot be read"),
        ({"LETHE_MASTER_KEY_FILE": "/dev/null"}, "can be reached by others"),
        ({"LETHE_PASSPHRASE": "too short"}, "needs 12 or more"),
        ({"LETHE_PASSPHRASE_FD": "999"}, "file descriptor 999"),
        ({"LETHE_PASSPHRASE_FD": "three"}, "file descriptor three"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_what_is_no_key_is_refused_without_being_shown(home, environment, words):
    begun(home, {"LETHE_MASTER_KEY": ONE})

    text = refused(home, environment, words)

    (name, value), = environment.items()  # fmt: skip
    assert value not in text or name in ("LETHE_MASTER_KEY_FILE", "LETHE_PASSPHRASE_FD")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_master_key_that_others_can_read_is_not_used(home, mode):
    begun(home, {})
    (home / "keys" / "master").chmod(mode)

    refused(home, {}, "can be reached by others")


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 32, b"A" * 44])
def test_a_damaged_master_key_is_refused(home, content):
    begun(home, {})
    (home / "keys" / "master").write_bytes(content)

    refused(home, {}, "master")


def test_a_master_key_behind_a_link_is_not_used(home):
    begun(home, {})
    (home / "keys" / "master").rename(home / "elsewhere")
    (home / "keys" / "master").symlink_to(home / "elsewhere")

    refused(home, {}, "is a link")


@pytest.mark.parametrize(
    ("key", "value"), [("n", 2**21), ("n", 1000), ("n", 1), ("r", 64), ("p", 0), ("salt", "no hex")]
)
def test_parameters_of_scrypt_out_of_bounds_are_refused_unused(home, key, value):
    begun(home, {"LETHE_PASSPHRASE": PHRASE})
    path = home / "keyring" / "scrypt.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))

    refused(home, {"LETHE_PASSPHRASE": PHRASE}, "how the passphrase becomes a key")


def test_the_cost_of_a_passphrase_is_kept_not_assumed(home, monkeypatch):
    name = begun(home, {"LETHE_PASSPHRASE": PHRASE})
    monkeypatch.setattr("store.vault.passphrase.COST", 2**11)

    assert Vault.open(home, {"LETHE_PASSPHRASE": PHRASE}).open_text(NAME, name) == "Ann"


def test_rotation_wraps_everything_anew_and_ends_the_key_before(home):
    name = begun(home, {})
    vault = Vault.open(home, {})
    vault.add_batch(OTHER_BATCH)
    before, lookup = (home / "keys" / "master").read_text(), vault.lookup(Purpose.NAME, "Ann")
    held = (home / "keys" / "master").open("rb")

    assert vault.rotate() == 3

    status = vault.status()
    assert (status.batches, status.pictures, status.under_earlier) == (2, 1, 0)
    assert status.target == status.master
    assert before not in {data.decode(errors="replace") for data in content_of(home).values()}
    with held:
        assert held.read() == bytes(len(before))
    for one in (vault, Vault.open(home, {})):
        assert one.open_text(NAME, name) == "Ann"
        assert one.lookup(Purpose.NAME, "Ann") == lookup
    (home / "keys" / "master").rename(home / "away")
    refused(home, {"LETHE_MASTER_KEY": before.strip()}, "is wrapped by the master key")


def test_a_key_that_is_set_by_mistake_wraps_nothing_until_a_rotation(home):
    begun(home, {})
    vault = Vault.open(home, {"LETHE_MASTER_KEY": ONE})

    vault.add_batch(OTHER_BATCH)

    status = vault.status()
    assert (status.origin, status.under_earlier) == ("keys/master", 0)
    assert status.target != status.master
    Vault.open(home, {}).add_picture(OTHER_BATCH, PICTURE)


def test_a_vault_that_was_open_while_another_process_rotated_goes_on(home):
    name = begun(home, {})
    running = Vault.open(home, {})

    for _ in range(2):
        Vault.open(home, {}).rotate()

    assert running.open_text(NAME, name) == "Ann"
    running.add_batch(OTHER_BATCH)
    assert running.status().under_earlier == 0


KILL = (
    "import os, sys; from pathlib import Path; from store.vault.vault import Vault\n"
    "from store.vault import keyring, master\n"
    "from engine.files import atomic\n"
    "vault = Vault.open(Path(sys.argv[1]), {})\n"
    "step, count = sys.argv[2], int(sys.argv[3])\n"
    "done = getattr(atomic, step)\n"
    "def until(*given, **more):\n"
    "    global count\n"
    "    count -= 1\n"
    "    if count < 0: os._exit(9)\n"
    "    return done(*given, **more)\n"
    "setattr(atomic, step, until)\n"
    "vault.rotate()\n"
)
STEPS = [*(("write", count) for count in range(5)), *(("move", count) for count in range(2)),
         *(("sync_folder", count) for count in range(9))]  # fmt: skip


@pytest.mark.parametrize(("step", "count"), STEPS)
def test_a_rotation_that_was_killed_anywhere_leaves_all_open_and_goes_on(home, step, count):
    name = begun(home, {})
    running = Vault.open(home, {})
    running.add_batch(OTHER_BATCH)

    killed = subprocess.run([sys.executable, "-c", KILL, str(home), step, str(count)])

    assert killed.returncode in (0, 9)
    reached = running.status()
    for one in (running, Vault.open(home, {})):
        assert one.open_text(NAME, name) == "Ann"
    one.add_batch(secrets.token_hex(16))
    one.rotate()
    status = one.status()
    assert (status.under_earlier, status.target) == (0, status.master)
    assert sorted(path.name for path in (home / "keys").iterdir()) == ["master"]
    assert Vault.open(home, {}).open_text(NAME, name) == "Ann"
    assert status.master != reached.master or killed.returncode == 9


@pytest.mark.parametrize(
    ("before", "between", "after"),
    [
        ({"LETHE_MASTER_KEY": ONE}, {"LETHE_MASTER_KEY": OTHER, "LETHE_MASTER_KEY_OLD": ONE},
         {"LETHE_MASTER_KEY": OTHER}),
        ({}, {"LETHE_MASTER_KEY": OTHER}, {"LETHE_MASTER_KEY": OTHER}),
        ({}, {"LETHE_PASSPHRASE": PHRASE}, {"LETHE_PASSPHRASE": PHRASE}),
        ({"LETHE_PASSPHRASE": PHRASE},
         {"LETHE_PASSPHRASE": PHRASE * 2, "LETHE_PASSPHRASE_OLD": PHRASE},
         {"LETHE_PASSPHRASE": PHRASE * 2}),
        ({"LETHE_PASSPHRASE": PHRASE}, {"LETHE_PASSPHRASE_OLD": PHRASE}, {}),
        ({"LETHE_MASTER_KEY": ONE}, {"LETHE_MASTER_KEY_OLD": ONE}, {}),
    ],
    ids=["key", "file to key", "file to passphrase", "passphrase", "passphrase to file",
         "key to file"],
)  # fmt: skip
def test_the_master_key_moves_from_any_source_to_another(home, before, between, after):
    name = begun(home, before)

    vault = Vault.open(home, between)
    assert vault.open_text(NAME, name) == "Ann"
    vault.add_batch(OTHER_BATCH)
    assert vault.rotate() > 0

    assert Vault.open(home, after).open_text(NAME, name) == "Ann"
    assert vault.status().under_earlier == 0
    assert (home / "keys" / "master").exists() == (after == {})


def test_a_rotation_that_meets_a_changed_key_ends_with_both_master_keys(home):
    name = begun(home, {})
    vault = Vault.open(home, {})
    vault.add_batch(OTHER_BATCH)
    path = home / "keyring" / OTHER_BATCH / "batch.key"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    with pytest.raises(UnusableKeys, match="changed"):
        vault.rotate()

    assert {path.name for path in (home / "keys").iterdir()} == {"master", "master.next"}
    assert Vault.open(home, {}).open_text(NAME, name) == "Ann"
    path.write_bytes(whole)
    vault.rotate()
    assert vault.status().under_earlier == 0


def test_status_shows_ids_and_no_key(home):
    begun(home, {"LETHE_MASTER_KEY": ONE})

    status = Vault.open(home, {"LETHE_MASTER_KEY": ONE}).status()

    assert status.origin == "LETHE_MASTER_KEY"
    assert ONE not in repr(status)
    assert bytes(range(32)).hex() not in repr(status)
