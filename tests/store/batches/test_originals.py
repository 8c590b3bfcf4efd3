"""Originals are sealed where they lie, and what is not what was sealed is never used."""

from __future__ import annotations

import errno
import shutil
from contextlib import closing

import pytest

from engine.errors import UnreadableImage, UnusableKeys
from engine.files import atomic
from store.accounts.act import Act
from store.accounts.actor import MACHINE
from store.batches import batches, intake, originals, pictures, progress
from store.batches.batches import Request
from store.batches.intake import Incoming
from store.database import Database
from store.originals import SealedFile, item
from store.vault import master
from store.vault.vault import is_sealed
from store.worker import retry
from store.worker.recovery import Recovered
from tests.store.fakes import ACTOR, NOW, FakeExecutor, a_batch
from tests.store.runs import until

pytestmark = pytest.mark.slow


def ids(database, batch_id):
    return [one.id for one in pictures.of_batch(ACTOR, database, batch_id)]


def is_done(database):
    return lambda: progress.totals(ACTOR, database).remaining == 0


def read(database, picture_id):
    return originals.content(MACHINE, database, picture_id, act=Act.WORK)


def unseal(home, database, picture_id):
    """Make an original what it was before there was a vault."""
    content = read(database, picture_id)
    database.files.original(picture_id).write_bytes(content)
    for key in home.glob(f"keyring/*/{picture_id}.key"):
        key.unlink()


def test_an_original_is_sealed_and_comes_back(database):
    (picture_id,) = ids(database, a_batch(database, [b"r pixels"]))

    assert is_sealed(database.files.original(picture_id))
    assert b"pixels" not in database.files.original(picture_id).read_bytes()
    assert read(database, picture_id) == b"r pixels"


@pytest.mark.parametrize("how", ["changed", "swapped", "cut"])
def test_what_is_not_what_was_sealed_is_held_back_and_the_batch_goes_on(database, dispatch, how):
    batch = batches.create(ACTOR, database, Request("a batch", ""), NOW)
    incoming = [Incoming(f"{number}.jpg", b"r") for number in range(3)]
    first, second, _ = intake.add(ACTOR, database, batch.id, incoming, NOW)
    path = database.files.original(first)
    content = path.read_bytes()
    path.write_bytes(
        {
            "changed": content[:-1] + bytes([content[-1] ^ 1]),
            "swapped": database.files.original(second).read_bytes(),
            "cut": content[:-5],
        }[how]
    )
    with pytest.raises(UnreadableImage, match="changed, cut or swapped"):
        read(database, first)

    batches.start(ACTOR, database, batch.id, NOW)
    dispatch(FakeExecutor())
    until(is_done(database))

    held, *others = pictures.of_batch(ACTOR, database, batch.id)
    assert held.state == "quarantined"
    assert "changed, cut or swapped" in held.reason
    assert [one.state for one in others] == ["released", "released"]


def test_a_key_that_is_away_makes_the_picture_wait_for_it(database, home, dispatch):
    batch = batches.create(ACTOR, database, Request("a batch", ""), NOW)
    (picture_id,) = intake.add(ACTOR, database, batch.id, [Incoming("a.jpg", b"r")], NOW)
    away = home.with_name("keys away")
    (home / "keyring" / batch.id).rename(away)
    batches.start(ACTOR, database, batch.id, NOW)
    dispatch(FakeExecutor())

    until(lambda: retry.postponed(ACTOR, database))
    (reason,) = retry.postponed(ACTOR, database)
    away.rename(home / "keyring" / batch.id)
    retry.try_postponed(ACTOR, database)
    until(is_done(database))

    assert "key of batch" in reason
    (picture,) = pictures.of_batch(ACTOR, database, batch.id)
    assert (picture.id, picture.state) == (picture_id, "released")


def test_originals_from_before_the_vault_are_sealed_at_the_next_start(home):
    with closing(Database.open(home, NOW)) as database:
        one, two = ids(database, a_batch(database, [b"r one", b"r two"]))
        for picture_id in (one, two):
            unseal(home, database, picture_id)
        assert read(database, one) == b"r one"

    with closing(Database.open(home, NOW)) as database:
        assert database.recovered == Recovered(sealed=2)
        assert all(is_sealed(database.files.original(each)) for each in (one, two))
        assert [read(database, each) for each in (one, two)] == [b"r one", b"r two"]

    with closing(Database.open(home, NOW)) as database:
        assert database.recovered == Recovered()


@pytest.mark.parametrize("write", range(1, 4))
def test_a_start_that_is_stopped_while_it_seals_loses_nothing(home, monkeypatch, write):
    with closing(Database.open(home, NOW)) as database:
        (one,) = ids(database, a_batch(database, [b"r one"]))
        unseal(home, database, one)
        shutil.rmtree(home / "keyring" / database_batch(database, one))
    replace, left = atomic.os.replace, [write]

    def killed(source, target):
        if "keyring" in str(target) or "originals" in str(target):
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            Database.open(home, NOW)

    with closing(Database.open(home, NOW)) as database:
        assert read(database, one) == b"r one"
        assert is_sealed(database.files.original(one))


def database_batch(database, picture_id):
    with database.transaction(MACHINE, Act.WORK) as cursor:
        row = cursor.execute("SELECT batch_id FROM pictures WHERE id = ?", [picture_id]).fetchone()
    return row[0]


def test_a_disk_that_takes_no_seal_keeps_nobody_from_starting(home, monkeypatch):
    with closing(Database.open(home, NOW)) as database:
        (one,) = ids(database, a_batch(database, [b"r one"]))
        unseal(home, database, one)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("store.vault.vault.Vault.seal_file", full)
        with closing(Database.open(home, NOW)) as database:
            assert database.recovered == Recovered(unsealed=1)
            assert read(database, one) == b"r one"


@pytest.mark.parametrize("lost", ["keys/master", "keyring"])
def test_without_the_master_key_or_the_keyring_nothing_is_opened_or_changed(home, lost):
    with closing(Database.open(home, NOW)) as database:
        a_batch(database, [b"r one"])
    gone = home / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    before = contents(home)

    with pytest.raises(UnusableKeys, match=r"[Nn]othing was changed|nothing was changed"):
        Database.open(home, NOW)

    assert contents(home) == before


def contents(home):
    files = [path for path in home.rglob("*") if path.is_file() and path.name != "lock"]
    return {path: path.read_bytes() for path in files}


def test_another_master_key_is_a_sentence(home):
    Database.open(home, NOW).close()
    other = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    (home / "keys" / "master").unlink()

    with pytest.raises(UnusableKeys, match="wrapped by the master key"):
        Database.open(home, NOW, environment={master.KEY: other})


def test_a_batch_that_is_forgotten_leaves_no_key(database):
    request = Request("holiday", "", run="token")
    batch = batches.create(ACTOR, database, request, NOW)
    intake.add(ACTOR, database, batch.id, [Incoming("a.png", b"a")], NOW)

    batches.create(ACTOR, database, request, NOW)

    assert database.vault.status().pictures == 0


def test_a_batch_that_recovery_forgets_leaves_no_key(home):
    with closing(Database.open(home, NOW)) as database:
        batch = batches.create(ACTOR, database, Request("holiday", ""), NOW)
        intake.add(ACTOR, database, batch.id, [Incoming("a.png", b"a")], NOW)

    with closing(Database.open(home, NOW)) as database:
        assert database.vault.status().pictures == 0
        assert not list(database.files.originals.iterdir())


def test_programs_that_are_started_later_do_not_have_the_key():
    environment = {"PATH": "/bin", **dict.fromkeys(("LETHE_MASTER_KEY", "LETHE_PASSPHRASE"), "x")}
    environment |= {"LETHE_MASTER_KEY_FILE": "x", "LETHE_PASSPHRASE_OLD": "x"}

    master.forget(environment)

    assert environment == {"PATH": "/bin"}


UPLOAD, WAITING = "aa" * 16, "ab" * 16


@pytest.fixture
def waiting(database, tmp_path):
    """A file that was sealed on arrival."""
    sealed = item(UPLOAD, WAITING)
    database.vault.add_batch(UPLOAD)
    database.vault.add_picture(UPLOAD, WAITING)
    database.vault.seal_file(sealed, tmp_path / WAITING, b"r waited")
    return SealedFile(sealed, tmp_path / WAITING)


def start(database, *contents):
    batch = batches.create(ACTOR, database, Request("a batch", ""), NOW)
    incoming = [Incoming("a.jpg", content) for content in contents]
    intake.add(ACTOR, database, batch.id, incoming, NOW)
    batches.start(ACTOR, database, batch.id, NOW)
    return batch.id


def test_what_was_sealed_on_arrival_is_taken_over_and_outlives_what_waited(database, waiting):
    batch_id = start(database, waiting)
    database.vault.destroy_batch(UPLOAD)
    waiting.path.unlink()

    (picture,) = pictures.of_batch(ACTOR, database, batch_id)
    assert picture.id == WAITING
    assert read(database, WAITING) == b"r waited"


def test_an_intake_that_fails_leaves_what_waits_as_it_was(database, waiting):
    batch = batches.create(ACTOR, database, Request("a batch", ""), NOW)
    incoming = (Incoming(["a.jpg"][number], waiting) for number in range(2))

    with pytest.raises(IndexError):
        intake.add(ACTOR, database, batch.id, incoming, NOW)

    assert not list(database.files.originals.iterdir())
    assert database.vault.source(waiting.item, waiting.path).read() == b"r waited"
    assert database.vault.status().pictures == 1


def test_what_was_changed_while_it_waited_is_held_back(database, waiting):
    waiting.path.write_bytes(waiting.path.read_bytes()[:-1])

    batch_id = start(database, waiting, b"r")

    held, other = pictures.of_batch(ACTOR, database, batch_id)
    assert (held.state, other.state) == ("quarantined", "waiting")
    assert held.reason.startswith("The file was changed while it waited")
    database.vault.destroy_batch(UPLOAD)  # as Start does with what it took
    assert database.files.original(WAITING).read_bytes() == waiting.path.read_bytes()
    assert database.vault.has_picture(batch_id, WAITING)


def test_what_is_stored_already_is_not_taken_over_again_and_stays(database, waiting):
    start(database, waiting)

    with pytest.raises(FileExistsError):
        start(database, waiting)

    assert read(database, WAITING) == b"r waited"


def test_a_link_that_a_failed_discard_left_behind_is_used(database, waiting):
    atomic.link(waiting.path, database.files.original(WAITING))

    start(database, waiting)

    assert read(database, WAITING) == b"r waited"


def test_another_file_in_its_place_is_not_used_and_stays(database, waiting):
    database.files.original(WAITING).write_bytes(b"another")

    with pytest.raises(FileExistsError):
        start(database, waiting)

    assert database.files.original(WAITING).read_bytes() == b"another"


def test_a_link_whose_folder_is_not_synced_is_taken_back(database, waiting, monkeypatch):
    def broken(folder):
        raise OSError(errno.EIO, "Input/output error")

    other = item("bb" * 16, WAITING)
    database.vault.add_batch(other.batch)
    with monkeypatch.context() as disk:
        disk.setattr(atomic, "sync_folder", broken)
        with pytest.raises(OSError, match="Input/output"):
            database.originals.take_over(other, waiting)

    assert not database.files.original(WAITING).exists()


def test_a_batch_that_was_started_is_not_forgotten(database):
    batch = batches.create(ACTOR, database, Request("a batch", ""), NOW)

    def cut_short():
        with batches.forgotten_unless_started(ACTOR, database, batch.id):
            intake.add(ACTOR, database, batch.id, [Incoming("a.jpg", b"r")], NOW)
            batches.start(ACTOR, database, batch.id, NOW)
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        cut_short()

    (picture_id,) = ids(database, batch.id)
    assert read(database, picture_id) == b"r"


def test_where_a_file_has_one_name_alone_its_sealed_bytes_are_copied(
    database, waiting, monkeypatch
):
    def one_name(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(atomic.os, "link", one_name)

    start(database, waiting)

    assert read(database, WAITING) == b"r waited"
    assert is_sealed(database.files.original(WAITING))
