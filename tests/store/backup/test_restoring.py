"""A data folder that comes back whole, and what of a backup is refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import UnusableFolder, UnusableKeys
from engine.signing.schema import TrailHead
from lethe.__main__ import main as lethe
from store.accounts.actor import Actor, shell
from store.accounts.role import Role
from store.audit import __main__ as audit
from store.backup import part, restoring
from store.backup.errors import UnusableBackup
from store.backup.parts import Part
from store.backup.restoring import Source, restore
from store.database import Database, open_read_only
from store.errors import NotAllowed
from store.files import Files
from tests.store.backup.conftest import ORIGINAL, RELEASE, content_of, made, open_to_others
from tests.store.fakes import NOW

UID = os.getuid()


@pytest.fixture
def place(tmp_path):
    return tmp_path / "restored"


def with_master(installation, home):
    shutil.copy(installation.home / "keys" / "master", home / "keys" / "master")


def restored(backup, home, **how):
    return restore(shell(UID), Source(backup, **how), home, NOW)


def events(home, act):
    with open_read_only(home) as cursor:
        return cursor.execute(
            "SELECT actor, subject, details FROM events WHERE act = ? ORDER BY number", [act]
        ).fetchall()


def test_every_file_comes_back_as_it_was_but_locks_and_the_master_key(installation, backup, place):
    before = content_of(installation.home)
    times = {path: (installation.home / path).stat().st_mtime_ns for path in before}

    restored(backup, place)

    found = content_of(place)
    assert before.keys() - found.keys() == {
        "keys/master", "keys/lock", "keyring/lock", "lethe.lock",
    }  # fmt: skip
    assert found.keys() - before.keys() == {"lethe.restored"}
    assert {path: found[path] for path in found.keys() & before.keys()} == {
        path: before[path] for path in found.keys() & before.keys()
    }
    release = next(path for path in found if found[path] == RELEASE)
    assert (place / release).stat().st_mtime_ns == times[release]
    assert open_to_others(place) == []


def test_with_its_master_key_the_originals_open_and_the_app_goes_on(installation, backup, place):
    restored(backup, place)
    with_master(installation, place)

    assert installation.original(place) == ORIGINAL
    assert audit.main(["verify", "--home", str(place)]) == 0


def test_it_is_on_record_once_by_whom_and_from_which_backup(installation, backup, place):
    identity = json.loads((backup / "data" / "part.json").read_text())["backup"]
    restored(backup, place)
    with_master(installation, place)
    mark = Files(place).restored.read_bytes()

    Database.open(place, NOW).close()
    ((actor, _, details),) = events(place, "restore")
    Files(place).restored.write_bytes(mark)  # as after a kill between the event and the removal
    Database.open(place, NOW).close()

    assert actor == f"shell:{UID}"
    assert json.loads(details) == {"backup": identity, "keyring": identity}
    assert len(events(place, "restore")) == 1
    assert not Files(place).restored.exists()


def test_a_damaged_mark_of_it_is_a_sentence(installation, backup, place):
    restored(backup, place)
    with_master(installation, place)
    Files(place).restored.write_text("{")

    with pytest.raises(UnusableFolder, match="Remove it to go on"):
        Database.open(place, NOW)


@pytest.mark.parametrize("kind", ["missing", "wrong"])
def test_without_the_right_master_key_nothing_opens_and_nothing_changes(
    installation, backup, place, kind
):
    restored(backup, place)
    if kind == "wrong":
        other = place.parent / "other"
        Database.open(other, NOW).close()
        shutil.copy(other / "keys" / "master", place / "keys" / "master")
    Files(place).lock.touch()
    before = content_of(place)

    with pytest.raises(UnusableKeys, match=r"master key is missing|is wrapped by the master key"):
        Database.open(place, NOW)

    assert content_of(place) == before


def test_somebody_who_may_not_restores_nothing(backup, place):
    ana = Actor("ana", "ana", frozenset(Role) - {Role.ADMIN})

    with pytest.raises(NotAllowed):
        restore(ana, Source(backup), place, NOW)

    assert not list(place.parent.glob("*restored*"))


class TestKeys:
    def test_a_missing_keyring_is_refused(self, backup, place):
        shutil.rmtree(backup / "keyring")

        with pytest.raises(UnusableBackup, match=r"no original can be opened.*--without-keys"):
            restored(backup, place)

        assert not list(place.parent.glob("*restored*"))

    def test_missing_secrets_are_refused(self, backup, place):
        shutil.rmtree(backup / "secrets")

        with pytest.raises(UnusableBackup, match="the app does not start"):
            restored(backup, place)

    def test_without_them_the_rest_comes_back_and_what_is_closed_is_said(
        self, backup, place, capsys
    ):
        shutil.rmtree(backup / "keyring")
        shutil.rmtree(backup / "secrets")

        assert lethe(["restore", str(backup), "--home", str(place), "--without-keys"]) == 0

        said = capsys.readouterr().out
        assert "2 files in originals, staging and set-aside cannot be opened" in said
        assert "Without the part secrets" in said
        assert RELEASE in content_of(place).values()
        assert not (place / "keyring").exists()

    @pytest.mark.parametrize("missing", ["keyring", "secrets"])
    def test_what_was_restored_without_them_makes_no_new_ones(
        self, installation, backup, place, missing
    ):
        shutil.rmtree(backup / missing)
        restored(backup, place, without_keys=True)
        with_master(installation, place)
        Files(place).lock.touch()
        before = content_of(place)

        with pytest.raises(UnusableKeys):
            Database.open(place, NOW)

        after = content_of(place)
        assert after.keys() - before.keys() <= {"keyring/lock"}
        assert {path: after[path] for path in before} == before

    def test_a_keyring_is_left_out_on_purpose_and_put_back_later(self, installation, backup, place):
        restored(backup, place, without_keys=True)
        with_master(installation, place)
        assert not (place / "keyring").exists()

        shutil.copytree(backup / "keyring" / "files" / "keyring", place / "keyring")

        assert installation.original(place) == ORIGINAL

    def test_a_deleted_picture_comes_back_with_its_backups_keyring_and_with_no_newer_one(
        self, installation, backup, tmp_path
    ):
        database = Database.open(installation.home, NOW)
        database.vault.destroy_picture(installation.batch, installation.picture)
        database.close()
        newer = made(installation.home, tmp_path / "newer")

        restored(backup, tmp_path / "old keyring")
        restored(backup, tmp_path / "new keyring", keyring=newer / "keyring")

        for name in ("old keyring", "new keyring"):
            with_master(installation, tmp_path / name)
        assert installation.original(tmp_path / "old keyring") == ORIGINAL
        with pytest.raises(UnusableKeys, match="is gone"):
            installation.original(tmp_path / "new keyring")

    def test_a_newer_keyring_is_said_to_be_one(self, installation, backup, tmp_path, capsys):
        newer = made(installation.home, tmp_path / "newer")
        words = ["restore", str(backup), "--home", str(tmp_path / "x")]

        assert lethe([*words, "--keyring", str(newer / "keyring")]) == 0

        assert "what was deleted by then stays deleted" in capsys.readouterr().out

    @pytest.mark.parametrize("name", ["keyring", "secrets"])
    def test_those_of_another_installation_are_refused(self, backup, place, tmp_path, name):
        Database.open(tmp_path / "other", NOW).close()
        other = made(tmp_path / "other", tmp_path / "other backup")
        shutil.rmtree(backup / name)
        shutil.copytree(other / name, backup / name)

        with pytest.raises(UnusableBackup, match="is of another installation"):
            restored(backup, place)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def one_of(backup: Path, part: str) -> Path:
    return max((backup / part / "files").rglob("*"), key=lambda path: path.stat().st_size)


DAMAGE = {
    "a flipped bit in the database": lambda it: flip(it / "data/files/lethe.duckdb"),
    "a flipped bit in a wrapped key": lambda it: flip(it / "keyring/files/keyring/lookup.key"),
    "a flipped bit in a secret": lambda it: flip(it / "secrets/files/keys/pseudonym"),
    "a flipped bit in a list": lambda it: flip(it / "data/SHA256SUMS"),
    "a list cut at a line": lambda it: (it / "data/SHA256SUMS").write_text(
        "".join((it / "data/SHA256SUMS").read_text().splitlines(keepends=True)[:-1])
    ),
    "a header cut": lambda it: os.truncate(it / "data/part.json", 20),
    "a header of other fields": lambda it: (it / "data/part.json").write_text('{"part": "data"}'),
    "a header that is no object": lambda it: (it / "data/part.json").write_text("[" * 9_000),
    "a header missing": lambda it: (it / "keyring/part.json").unlink(),
    "a file cut": lambda it: os.truncate(it / "data/files/lethe.duckdb", 4_096),
    "a file missing": lambda it: (it / "data/files/lethe.generation").unlink(),
    "a file more": lambda it: (it / "data/files/audit/more").write_text("more"),
    "a folder missing": lambda it: shutil.rmtree(it / "data/files/audit"),
    "another part in its place": lambda it: (
        shutil.rmtree(it / "keyring"), shutil.copytree(it / "secrets", it / "keyring")
    ),
    "a pipe": lambda it: (
        (it / "data/files/policy.toml").unlink(), os.mkfifo(it / "data/files/policy.toml")
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=list(DAMAGE))
def test_damage_is_a_sentence_and_nothing_is_written(backup, place, capsys, damage, monkeypatch):
    damage(backup)
    monkeypatch.setattr(restoring, "new_folder", lambda _: pytest.fail("began to write"))
    before = sorted(place.parent.iterdir())

    assert lethe(["restore", str(backup), "--home", str(place)]) == 2

    said = capsys.readouterr().err
    assert "Nothing was restored" in said
    assert "Traceback" not in said
    assert sorted(place.parent.iterdir()) == before


@pytest.mark.parametrize(
    "where",
    ["data/files/policy.toml", "data/files/audit", "data/files", "keyring", "data/part.json",
     "data/SHA256SUMS", "data/files/more"],
)  # fmt: skip
def test_a_link_is_refused_even_to_the_right_content(backup, place, tmp_path, where):
    path = backup / where
    if path.exists():
        shutil.move(path, tmp_path / "moved")
    else:
        (tmp_path / "moved").write_text("x")
    path.symlink_to(tmp_path / "moved")

    with pytest.raises(UnusableBackup):
        restored(backup, place)

    assert not list(tmp_path.glob("*restored*"))


@pytest.mark.parametrize(
    "name",
    ["../outside", "/etc/outside", "audit/../../outside", "audit//outside", "./audit/outside",
     "keys/master", "keyring/lookup.key", "keys/signing.pem", "lethe.lock", "elsewhere",
     "audit/.outside.part"],
)  # fmt: skip
def test_a_path_that_leads_out_of_its_part_is_refused(backup, place, tmp_path, name):
    """By a list that fits its digest, as whoever can write the folder can make one."""
    sums = backup / "data" / "SHA256SUMS"
    digest = hashlib.sha256(b"evil").hexdigest()
    target = Path(os.path.normpath(backup / "data" / "files" / name.lstrip("/")))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"evil")
    sums.write_text(f"{digest}  {name}\n{sums.read_text()}")
    header = json.loads((backup / "data" / "part.json").read_text())
    header["sums"] = hashlib.sha256(sums.read_bytes()).hexdigest()
    (backup / "data" / "part.json").write_text(json.dumps(header))

    with pytest.raises(UnusableBackup, match="is no file of it"):
        restored(backup, place)

    assert not list(tmp_path.glob("*restored*"))


def test_a_file_that_changes_after_it_was_verified_is_found(backup, place, monkeypatch):
    verify = part.StoredPart.verify

    def verified_and_changed(one):
        verify(one)
        if one.header.part is Part.DATA:
            flip(backup / "data" / "files" / "lethe.duckdb")

    monkeypatch.setattr(part.StoredPart, "verify", verified_and_changed)

    with pytest.raises(UnusableBackup, match="changed while it was read"):
        restored(backup, place)

    assert not list(place.parent.glob("*restored*"))


class TestWhereItIsRefused:
    @pytest.mark.parametrize("kind", ["a file in it", "a file", "an installation"])
    def test_where_something_is(self, installation, backup, place, kind):
        if kind == "a file":
            place.write_text("kept")
        elif kind == "a file in it":
            place.mkdir()
            (place / ".hidden").write_text("kept")
        else:
            shutil.copytree(installation.home, place)
        before = content_of(place.parent)

        with pytest.raises(UnusableFolder, match="nothing in it is overwritten"):
            restored(backup, place)

        assert content_of(place.parent) == before

    def test_in_the_backup(self, backup):
        with pytest.raises(UnusableFolder, match="lies in the backup itself"):
            restored(backup, backup / "data" / "home")

    def test_where_a_disk_begins(self, backup, place, monkeypatch):
        place.mkdir()
        monkeypatch.setattr(Path, "is_mount", lambda path: path == place)

        with pytest.raises(UnusableFolder, match="Name a new folder in it"):
            restored(backup, place)

    def test_below_a_folder_that_is_not_there(self, backup, tmp_path):
        with pytest.raises(UnusableFolder, match="There is no folder"):
            restored(backup, tmp_path / "nothing" / "home")


def test_an_empty_folder_is_filled(backup, place):
    place.mkdir()

    restored(backup, place)

    assert (place / "lethe.duckdb").exists()


@pytest.mark.slow
def test_after_a_kill_nothing_is_there_and_the_same_command_does_it(backup, place):
    script = (
        "import sys, os; from pathlib import Path; from store.backup import part\n"
        "from store.backup.restoring import Source, restore\n"
        "from store.accounts.actor import shell; from tests.store.fakes import NOW\n"
        "copied, done = part.copied, []\n"
        "def killed(*a):\n"
        "    done.append(1); return copied(*a) if len(done) < 5 else os._exit(9)\n"
        "part.copied = killed\n"
        "restore(shell(0), Source(Path(sys.argv[1])), Path(sys.argv[2]), NOW)\n"
    )
    words = [sys.executable, "-c", script, str(backup), str(place)]
    assert subprocess.run(words, check=False).returncode == 9
    assert not place.exists()
    assert list(place.parent.glob(".restored.part/*"))

    assert lethe(["restore", str(backup), "--home", str(place)]) == 0

    assert not list(place.parent.glob("*.part"))


def test_a_full_disk_leaves_nothing_and_is_a_sentence(backup, place, monkeypatch, capsys):
    def full(source, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(part, "copied", full)

    assert lethe(["restore", str(backup), "--home", str(place)]) == 2

    assert "No space left on device" in capsys.readouterr().err
    assert not list(place.parent.glob("*restored*"))


class TestTheTrailAfterwards:
    """Whoever restores an older backup goes back in time, and that is found by what is newer."""

    def test_the_database_of_an_older_backup_alone_is_found(self, installation, backup, capsys):
        installation.work()
        shutil.copy(backup / "data/files/lethe.duckdb", installation.files.database)

        assert audit.main(["verify", "--home", str(installation.home)]) == 1
        assert "or an older database was put back" in capsys.readouterr().out

    def test_an_older_backup_is_found_by_newer_heads(self, installation, backup, place, capsys):
        installation.work()
        restored(backup, place)
        assert audit.main(["verify", "--home", str(place)]) == 0

        shutil.copy(installation.files.heads, Files(place).heads)

        assert audit.main(["verify", "--home", str(place)]) == 1
        assert "or an older database was put back" in capsys.readouterr().out

    def test_an_older_backup_is_found_by_a_delivery_even_once_it_was_opened(
        self, installation, backup, place, tmp_path, capsys
    ):
        installation.work()
        database = Database.open(installation.home, NOW)
        head = TrailHead(number=database.head.number, hash=database.head.hash)
        manifest = database.signer.manifest("00", {}, "2026-11-22", trail=head)
        (tmp_path / "manifest.json").write_bytes(manifest)
        database.close()

        restored(backup, place)
        with_master(installation, place)
        Database.open(place, NOW).close()

        words = ["verify", "--home", str(place), "--manifest", str(tmp_path / "manifest.json")]
        assert audit.main(words) == 1
        assert "an older copy of the data was put back" in capsys.readouterr().out
