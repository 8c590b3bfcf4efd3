"""What a backup takes, and where it is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tracemalloc

import pytest

from engine.errors import UnusableFolder, UnusableKeys
from engine.files.lock import lock
from engine.runs.handover import MARK, is_taken_in
from engine.runs.journal import read_run
from lethe.__main__ import main as lethe
from store.accounts.actor import Actor, shell
from store.accounts.role import Role
from store.backup import copying, part
from store.backup.making import back_up
from store.backup.parts import Part, contents
from store.database import Database, open_read_only
from store.errors import NotAllowed
from store.exchange.import_run import ingest
from store.vault.master import KEY_FILE
from tests.growth.synthetic import write_run
from tests.store.backup.conftest import ORIGINAL, RELEASE, content_of, made, open_to_others
from tests.store.fakes import ACTOR, NOW


def taken(backup):
    """Paths below the data folder, by part."""
    return {one.value: set(content_of(backup / one.value / "files")) for one in Part}


def test_it_takes_everything_that_makes_an_installation_whole_each_in_its_part(
    installation, backup
):
    files = set(content_of(installation.home))

    found = taken(backup)

    assert found["secrets"] == {"keys/signing.pem", "keys/pseudonym", "sign-in.toml"}
    assert all(path.startswith("keyring/") for path in found["keyring"])
    assert {"keyring/installation", "keyring/lookup.key"} <= found["keyring"]
    assert {"lethe.duckdb", "lethe.generation", "policy.toml", "audit/heads.jsonl"} <= found["data"]
    assert f"originals/{installation.picture}" in found["data"]
    left = files - found["data"] - found["keyring"] - found["secrets"]
    assert left == {"keys/master", "keys/lock", "keyring/lock", "lethe.lock"}
    assert contents(installation.home).left_out == ()


def test_the_marks_of_runs_that_were_taken_in_come_along(installation, tmp_path):
    """Without them a copy of such a run could be released from the shell after all."""
    database = Database.open(installation.home, NOW)
    run = write_run(tmp_path / "run", 1, database.signer)
    private = tmp_path / "copy" / ".lethe"
    shutil.copytree(run.out / ".lethe", private)
    ingest(ACTOR, database, run.out, run.inputs, NOW)
    keys = database.signer.keys
    database.close()

    backup = made(installation.home, tmp_path / "marked")

    assert contents(installation.home).left_out == ()
    shutil.rmtree(installation.home / MARK)
    shutil.copytree(backup / "data" / "files" / MARK, installation.home / MARK)
    run_id, _ = read_run(private / "run.json")
    assert is_taken_in(private.parent, run_id, installation.home, keys)


def test_the_digests_are_those_that_other_programs_compute(installation, backup):
    for one in Part:
        sums = (backup / one / "SHA256SUMS").read_text()
        for path, content in content_of(backup / one / "files").items():
            assert f"{hashlib.sha256(content).hexdigest()}  {path}\n" in sums
    header = json.loads((backup / "data" / "part.json").read_text())
    digest = hashlib.sha256((backup / "data" / "SHA256SUMS").read_bytes()).hexdigest()
    assert header["sums"] == digest


def test_the_master_key_is_in_no_file_of_it(installation, backup):
    text = (installation.home / "keys" / "master").read_bytes().strip()

    for content in content_of(backup).values():
        assert text not in content
        assert base64.b64decode(text) not in content


@pytest.mark.parametrize("where", ["audit/key", "originals/key", "key"])
def test_a_master_key_that_is_set_to_a_file_in_the_data_folder_is_left_out(
    installation, tmp_path, where
):
    key = installation.home / where
    shutil.move(installation.home / "keys" / "master", key)

    back_up(shell(0), installation.home, tmp_path / "backup", lambda: NOW, {KEY_FILE: str(key)})

    found = content_of(tmp_path / "backup")
    assert not [path for path in found if path.endswith("/key")]


def test_nothing_of_an_original_lies_in_it_in_plain_and_releases_do(installation, backup):
    found = content_of(backup).values()

    assert not [one for one in found if ORIGINAL[:30] in one]
    assert RELEASE in found


def test_nobody_but_its_owner_may_touch_any_of_it(installation, tmp_path):
    before = os.umask(0)
    try:
        made(installation.home, tmp_path / "backup")
    finally:
        os.umask(before)

    assert open_to_others(tmp_path / "backup") == []


@pytest.mark.slow
def test_what_stood_in_the_databases_log_alone_is_in_it(installation, tmp_path):
    """A killed app leaves what it did in the log."""
    script = (
        "import sys, os; from pathlib import Path; from store.database import Database\n"
        "from store.batches import batches; from tests.store.fakes import ACTOR, NOW\n"
        "database = Database.open(Path(sys.argv[1]), NOW)\n"
        "print(batches.create(ACTOR, database, batches.Request('late', ''), NOW).id, flush=True)\n"
        'database._connection.execute("UPDATE batches SET started_at = created_at")\n'
        "os._exit(9)\n"
    )
    command = [sys.executable, "-c", script, str(installation.home)]
    late = subprocess.run(command, check=False, capture_output=True, text=True)
    assert installation.files.log.stat().st_size

    made(installation.home, tmp_path / "backup")

    assert not (tmp_path / "backup" / "data" / "files" / "lethe.duckdb.wal").exists()
    home = tmp_path / "backup" / "data" / "files"
    with open_read_only(home) as cursor:
        batches = cursor.execute("SELECT id FROM batches").fetchall()
    assert (late.stdout.strip(),) in batches


def test_that_it_was_made_is_on_record_in_the_backup_too(installation, backup):
    identity = json.loads((backup / "data" / "part.json").read_text())["backup"]

    for home in (installation.home, backup / "data" / "files"):
        with open_read_only(home) as cursor:
            found = cursor.execute(
                "SELECT actor, subject FROM events WHERE act = 'back_up'"
            ).fetchall()
        assert found == [("shell:0", identity)]


def test_somebody_who_may_not_gets_none(installation, tmp_path):
    ana = Actor("ana", "ana", frozenset(Role) - {Role.ADMIN})

    with pytest.raises(NotAllowed):
        back_up(ana, installation.home, tmp_path / "backup", lambda: NOW, {})

    assert not (tmp_path / "backup").exists()


class TestWhereItIsRefused:
    def test_while_the_app_runs(self, installation, tmp_path, capsys):
        running = Database.open(installation.home, NOW)

        status = lethe(["backup", str(tmp_path / "x"), "--home", str(installation.home)])

        running.close()
        assert status == 2
        assert "has the data in" in capsys.readouterr().err
        assert not list(tmp_path.glob("*x*"))

    def test_when_the_app_starts_before_the_first_byte_is_copied(
        self, installation, tmp_path, monkeypatch
    ):
        running = []
        close = Database.close

        def closed_and_open_again(database):
            close(database)
            monkeypatch.undo()
            running.append(Database.open(installation.home, NOW))

        monkeypatch.setattr(Database, "close", closed_and_open_again)

        with pytest.raises(UnusableFolder, match="has the data in"):
            made(installation.home, tmp_path / "x")

        running[0].close()
        assert not list(tmp_path.glob("*x*"))

    def test_nobody_opens_or_rotates_while_it_is_copied(self, installation, tmp_path, monkeypatch):
        tried = []
        write = part.write

        def tries(*arguments):
            for what in (
                lambda: Database.open(installation.home, NOW),
                lambda: os.close(lock(installation.home / "keyring" / "lock")),
                lambda: os.close(lock(installation.home / "keys" / "lock")),
            ):
                with pytest.raises(UnusableFolder):
                    what()
                tried.append(what)
            return write(*arguments)

        monkeypatch.setattr(part, "write", tries)
        made(installation.home, tmp_path / "backup")

        assert len(tried) == 9

    @pytest.mark.parametrize("where", ["backup", "originals/backup", "link/backup"])
    def test_in_the_data_folder_itself(self, installation, tmp_path, where):
        (tmp_path / "link").symlink_to(installation.home)
        base = tmp_path if where.startswith("link") else installation.home

        with pytest.raises(UnusableFolder, match="lies in the data folder itself"):
            made(installation.home, base / where)

    @pytest.mark.parametrize("kind", ["folder", "file", "link to nothing"])
    def test_onto_what_is_there(self, installation, tmp_path, kind):
        target = tmp_path / "there"
        if kind == "folder":
            target.mkdir()
        elif kind == "file":
            target.write_text("kept")
        else:
            target.symlink_to(tmp_path / "nothing")

        with pytest.raises(UnusableFolder, match="is there already"):
            made(installation.home, target)

        assert os.path.lexists(target)

    def test_below_a_folder_that_is_not_there(self, installation, tmp_path):
        with pytest.raises(UnusableFolder, match="is its disk there"):
            made(installation.home, tmp_path / "not mounted" / "backup")

    def test_of_a_folder_without_data_and_makes_none(self, tmp_path):
        with pytest.raises(UnusableFolder, match="holds no data of Lethe"):
            made(tmp_path / "nothing", tmp_path / "backup")

        assert list(tmp_path.iterdir()) == []

    def test_without_the_master_key(self, installation, tmp_path):
        (installation.home / "keys" / "master").unlink()

        with pytest.raises(UnusableKeys, match="master key is missing"):
            made(installation.home, tmp_path / "backup")

        assert not (tmp_path / "backup").exists()


def test_a_full_disk_leaves_nothing_and_is_a_sentence(installation, tmp_path, monkeypatch, capsys):
    def full(source, target):
        if target.name == "installation":
            raise OSError(28, "No space left on device", str(target))
        return copied(source, target)

    copied = copying.copied
    monkeypatch.setattr(part, "copied", full)

    status = lethe(["backup", str(tmp_path / "backup"), "--home", str(installation.home)])

    assert status == 2
    assert "No space left on device" in capsys.readouterr().err
    assert not list(tmp_path.glob("*backup*"))


@pytest.mark.slow
def test_what_a_kill_left_goes_with_the_next_try(installation, tmp_path):
    script = (
        "import sys, os; from pathlib import Path; from store.backup import part\n"
        "from tests.store.backup.conftest import made\n"
        "write = part.write\n"
        "part.write = lambda *a: (write(*a), os._exit(9))\n"
        "made(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    target = tmp_path / "backup"
    words = [sys.executable, "-c", script, str(installation.home), str(target)]
    assert subprocess.run(words, check=False).returncode == 9
    assert not target.exists()
    assert (tmp_path / ".backup.part").is_dir()

    made(installation.home, target)

    assert not (tmp_path / ".backup.part").exists()
    assert set(taken(target)) == {"data", "keyring", "secrets"}


def test_what_is_none_of_lethes_own_is_left_out_and_named(installation, tmp_path, capsys):
    home = installation.home
    (home / "notes.txt").write_text("mine")
    (home / "inbox").mkdir()
    (home / "set-aside").mkdir()
    (home / "set-aside" / "a\nb").write_text("odd")
    (home / "originals" / "link").symlink_to("/etc/passwd")
    (home / "audit" / ".heads.jsonl.part").write_text("cut short")

    status = lethe(["backup", str(tmp_path / "backup"), "--home", str(home)])

    said = capsys.readouterr().err
    assert status == 0
    for name in ("notes.txt", "inbox", "originals/link", "set-aside/a\N{REPLACEMENT CHARACTER}b"):
        assert name in said
    assert ".part" not in said
    assert "passwd" not in str(sorted(content_of(tmp_path / "backup")))


def test_folders_and_a_policy_that_lie_on_another_disk_are_taken(installation, tmp_path):
    for name in ("originals", "policy.toml"):
        shutil.move(installation.home / name, tmp_path / name)
        (installation.home / name).symlink_to(tmp_path / name)

    backup = made(installation.home, tmp_path / "backup")

    assert {"policy.toml", f"originals/{installation.picture}"} <= taken(backup)["data"]


def test_a_file_is_never_in_memory_as_a_whole(tmp_path):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(64 << 20)

    tracemalloc.start()
    digest, length = copying.copied(large, tmp_path / "copy")
    assert copying.digest(tmp_path / "copy") == digest
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert length == 64 << 20
    assert peak < 8 << 20
