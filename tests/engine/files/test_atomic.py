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
