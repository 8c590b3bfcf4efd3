"""Disks that are full, read-only or away, for one folder."""

from __future__ import annotations

import errno
import io
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """What is written below it does not reach the disk."""
    real = os.fsync

    def fsync(descriptor):
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        if Path(f"/proc/self/fd/{number}").readlink().is_relative_to(folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing below it can be opened for writing, made, renamed or deleted."""

    def refuse(path):
        if not isinstance(path, int) and Path(os.fsdecode(path)).is_relative_to(folder):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fsdecode(path))

    def refusing(real, is_writing):
        def call(path, *others, **named):
            if is_writing(*others, **named):
                refuse(path)
            return real(path, *others, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", refusing(io.open, _is_writing_mode))
        patch.setattr(os, "open", refusing(os.open, _is_writing_flag))
        for name in ("mkdir", "rename", "replace", "unlink", "chmod"):
            patch.setattr(os, name, refusing(getattr(os, name), lambda *_, **__: True))
        yield


def _is_writing_mode(mode="r", *_, **__):
    return bool(set(mode) & set("wax+"))


def _is_writing_flag(flags, *_, **__):
    return bool(flags & _WRITING)


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """It is gone, and comes back as it was."""
    elsewhere = folder.with_name(f"{folder.name}-away")
    folder.rename(elsewhere)
    try:
        yield
    finally:
        if folder.exists():
            folder.rmdir()
        elsewhere.rename(folder)


@contextmanager
def no_file_grows_beyond(size: int) -> Iterator[None]:
    """The system refuses to write more to any file: what native code meets on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
