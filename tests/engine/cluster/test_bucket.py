"""Objects at addresses are there whole or not at all, whatever kind of address it is."""

from __future__ import annotations

import errno
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from engine.cluster.blocks import Blocks
from engine.cluster.bucket import Bucket
from engine.cluster.lease import Lease
from engine.errors import UnusableFolder
from engine.files import atomic


@pytest.fixture
def bucket(tmp_path):
    pytest.importorskip("fsspec", reason="fsspec comes with requirements-cluster.txt")
    return Bucket.at(f"file://{tmp_path}/out")


def test_what_the_disk_does_not_take_leaves_the_old_object(bucket, monkeypatch):
    bucket.write({"released/a": b"old"})

    def full(file, content):
        file.write(content[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_fill", full)
    with pytest.raises(UnusableFolder):
        bucket.write({"released/a": b"newer"})
    with pytest.raises(UnusableFolder):
        bucket.create("released/b", b"newer")

    assert bucket.read("released/a") == b"old"
    assert bucket.names() == ["released/a"]


def test_of_many_who_create_an_object_at_once_one_does(bucket):
    ready = threading.Barrier(8)

    def create(number):
        ready.wait()
        try:
            bucket.create("lease", str(number).encode() * 1000)
        except FileExistsError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        made = [one for one in pool.map(create, range(8)) if one is not None]

    assert len(made) == 1
    assert bucket.read("lease") == str(made[0]).encode() * 1000
    assert [path.name for path in bucket.folder.iterdir()] == ["lease"]


def test_what_a_kill_left_half_written_is_no_object_and_goes(bucket):
    bucket.write({"released/a.png": b"whole"})
    left = atomic.temporary_name(bucket.folder / "released" / "b.png")
    left.write_bytes(b"half")

    assert bucket.names() == ["released/a.png"]
    bucket.tidy(["released"])

    assert not left.exists()
    assert bucket.read("released/a.png") == b"whole"


def test_nothing_of_anybody_else_is_tidied_up(bucket):
    """Blocks are settled before it is known whether a run was begun there at all."""
    bucket.write({"deep/a.png": b"", "released/b.png": b""})
    foreign = atomic.temporary_name(bucket.folder / "deep" / "c.png")
    begun = atomic.temporary_name(bucket.folder / "released" / "d.png")
    for path in (foreign, begun):
        path.write_bytes(b"half")

    Blocks(bucket).settle()
    assert begun.exists()
    bucket.write({".lethe/run.json": b"{}"})
    Blocks(bucket).settle()

    assert foreign.exists()
    assert not begun.exists()


def test_where_files_have_one_name_one_of_many_creates_it_all_the_same(bucket, monkeypatch):
    def alone(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(atomic.os, "link", alone)
    test_of_many_who_create_an_object_at_once_one_does(bucket)
    assert stat.S_IMODE((bucket.folder / "lease").stat().st_mode) == 0o666 & ~umask()


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_an_address_whose_objects_may_be_there_by_half_is_not_written_to():
    address = Bucket("sftp://host/out", SimpleNamespace(protocol=("sftp", "ssh")), "/out")

    with pytest.raises(UnusableFolder, match=r"sftp://host/out cannot be .* half a release"):
        address.refuse_in_place()


def test_a_lease_in_a_folder_is_for_one(bucket):
    lease = Lease.taken(bucket, takes_over=False)

    with pytest.raises(UnusableFolder, match="Another run is writing"):
        Lease.taken(bucket, takes_over=False)
    lease.end()

    Lease.taken(bucket, takes_over=False)
