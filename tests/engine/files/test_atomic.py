"""Atomic writes: whatever happens, a path holds its old file or its new one, and nothing else."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys

import pytest

from engine.files import atomic

DAY = "2026-11-23"
STEPS = ("open", "fdopen", "_fill", "fsync", "replace")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def refuse(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", STEPS)
def test_a_fault_at_any_step_leaves_the_old_file_and_nothing_beside_it(path, step, monkeypatch):
    monkeypatch.setattr(atomic if step == "_fill" else atomic.os, step, refuse)

    with pytest.raises(OSError, match="No space"):
        atomic.write(path, b"new")
    monkeypatch.undo()

    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("step", "left"), [("fsync", b"old"), ("replace", b"old"),
                                            ("sync_folder", b"new")])  # fmt: skip
def test_a_kill_at_any_step_leaves_one_whole_file(path, step, left):
    where = "atomic" if step == "sync_folder" else "atomic.os"
    program = (
        "import os, sys; from pathlib import Path; from engine.files import atomic\n"
        f"{where}.{step} = lambda *_: os._exit(9)\n"
        "atomic.write(Path(sys.argv[1]), b'new')"
    )

    assert subprocess.run([sys.executable, "-c", program, str(path)]).returncode == 9

    assert path.read_bytes() == left
    others = {one.name for one in path.parent.iterdir()} - {path.name}
    assert others <= {".file.part"}

    atomic.write(path, b"newer")

    assert list(path.parent.iterdir()) == [path]


def test_the_file_is_on_the_disk_before_its_name_and_its_name_before_the_return(path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if is_folder else "file")
        fsync(descriptor)

    def renamed(source, target):
        steps.append("rename")
        replace(source, target)

    monkeypatch.setattr(atomic.os, "fsync", synced)
    monkeypatch.setattr(atomic.os, "replace", renamed)
    atomic.write(path, b"new")
    atomic.move(path, path.with_name("other"))

    assert steps == ["file", "rename", "folder", "rename", "folder", "folder"]


@pytest.mark.parametrize(
    ("access", "mode"), [("private", 0o600), ("public", 0o644), ("umask", 0o640)]
)
def test_who_may_read_it_is_as_asked_whatever_was_there(path, access, mode):
    path.chmod(0o666)
    before = os.umask(0o027)
    try:
        atomic.write(path, b"new", access)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_dated_file_tells_its_day_alone(path):
    atomic.write(path, b"new", "public", day=DAY)

    assert path.stat().st_mtime == 1795392000.0


def test_a_file_is_copied_from_another(path, tmp_path):
    (tmp_path / "source").write_bytes(b"copied")

    atomic.write(path, tmp_path / "source")

    assert path.read_bytes() == b"copied"


def test_a_link_is_replaced_and_not_followed(path, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(path)

    atomic.write(link, b"new")

    assert (path.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"old", b"new", False)


def test_a_link_where_the_temporary_file_goes_is_not_followed(path, tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"theirs")
    atomic.temporary_name(path).symlink_to(tmp_path / "elsewhere")

    atomic.write(path, b"new")

    assert (tmp_path / "elsewhere").read_bytes() == b"theirs"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_folders_takes_files_all_the_same(path, number, monkeypatch):
    fsync = os.fsync

    def no_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, "cannot")
        fsync(descriptor)

    monkeypatch.setattr(atomic.os, "fsync", no_folders)
    atomic.write(path, b"new")

    assert path.read_bytes() == b"new"


FILES = [f"{number:02}" for number in range(12)]


def write_all(folder, names=FILES):
    atomic.write_all((folder / name, [b"new ", name.encode()]) for name in names)


@pytest.mark.parametrize("has_syncfs", [True, False])
def test_many_files_are_whole_and_private_and_nothing_is_beside_them(
    tmp_path, has_syncfs, monkeypatch
):
    if not has_syncfs:
        monkeypatch.setattr(atomic.ctypes, "CDLL", lambda *_, **__: object())

    write_all(tmp_path)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        name: b"new " + name.encode() for name in FILES
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("step", ["open", "fdopen", "_fill", "_sync_files", "replace"])
def test_a_fault_while_many_files_are_written_leaves_none_of_them(tmp_path, step, monkeypatch):
    monkeypatch.setattr(atomic if step.startswith("_") else atomic.os, step, refuse)

    with pytest.raises(OSError, match="No space"):
        write_all(tmp_path)
    monkeypatch.undo()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [FILES, FILES[:2]], ids=["many", "few"])
def test_no_file_of_many_has_its_name_before_all_are_on_the_disk(tmp_path, names, monkeypatch):
    steps = []
    sync, replace, folder = atomic._sync_files, os.replace, atomic.sync_folder

    def synced(files):
        assert all(file.is_file() for file in files)
        steps.append(len(files))
        sync(files)

    def renamed(source, target):
        steps.append("rename")
        replace(source, target)

    def folder_synced(path):
        steps.append("folder")
        folder(path)

    monkeypatch.setattr(atomic, "_sync_files", synced)
    monkeypatch.setattr(atomic, "sync_folder", folder_synced)
    monkeypatch.setattr(atomic.os, "replace", renamed)
    write_all(tmp_path, names)

    assert steps == [len(names), *["rename"] * len(names), "folder"]


def test_what_the_system_says_while_many_files_are_synced_is_raised(tmp_path, monkeypatch):
    class Refusing:
        def syncfs(self, _):
            return -1

    monkeypatch.setattr(atomic.ctypes, "CDLL", lambda *_, **__: Refusing())
    monkeypatch.setattr(atomic.ctypes, "get_errno", lambda: errno.EIO)

    with pytest.raises(OSError, match="Input/output"):
        write_all(tmp_path)

    assert list(tmp_path.iterdir()) == []
