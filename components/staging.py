"""What was brought in but not started yet, on disk from the moment it arrives.

The browser's uploader forgets its files on page change; staging does not. It is a folder of files
with a list, `home/staging`, that becomes a batch when the person presses Start.
"""

from __future__ import annotations

import errno
import io
import json
import lzma
import os
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.errors import LetheError
from engine.fitness import Fitness, fitness_of
from engine.lint.finding import Finding, Kind
from engine.sources import sources
from store.files import write

MOST_ENTRIES = 20_000
LARGEST_ENTRY = 512 * 1024 * 1024
"""Bounds on what a zip may unpack to: entries, and bytes of one entry."""
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, OSError,
)  # fmt: skip
"""What reading a broken or encrypted zip raises; RuntimeError also where a method is unknown."""
_FREE_SHARE = 0.5
"""Share of the free disk that one zip may fill."""
_HEAD_BYTES = 64 * 1024 * 1024
"""Larger files are listed without a look inside."""
_TOO_LARGE = Fitness(
    findings=(
        Finding(Kind.UNCHECKED, "whole file", 0, 0, "too large for a first look; it is read later"),
    )
)


class UnusableUpload(LetheError):
    """Something that was brought in cannot be taken."""


@dataclass(frozen=True, slots=True)
class Staged:
    """One file that waits for Start."""

    name: str
    path: Path
    bytes: int
    fitness: Fitness


class Staging:
    """The folder and its list."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._list = folder / "list.jsonl"

    def files(self) -> tuple[Staged, ...]:
        """What waits, in the order it came."""
        return tuple(map(self._staged, self._lines()))

    @property
    def token(self) -> str:
        """Random, for as long as these files wait: names the batch they become."""
        file = self._folder / "token"
        if not file.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write(file, secrets.token_hex(16).encode())
        return file.read_text(encoding="ascii")

    def take_file(self, name: str, content: bytes) -> None:
        """Keep one file; a zip is opened and its files are kept instead.

        Raises:
            UnusableUpload: a zip that cannot be opened, is encrypted, or unpacks to too much.
        """
        if name.lower().endswith(".zip"):
            self._list_all(self._unpacked(name, content))
            return
        try:
            self._list_all([self._stored(name, content)])
        except OSError as error:
            raise UnusableUpload(f"{name} could not be kept ({error.strerror}).") from error

    def take_folder(self, where: str) -> int:
        """List a folder of this machine, leaving its files where they are; says how many.

        Raises:
            UnusableFolder: there is no such folder, or no picture in it.
        """
        found, _ = sources(where)
        self._list_all(
            Staged(one.name, one.path.absolute(), *_at_a_glance(one.path)) for one in found
        )
        return len(found)

    def clear(self) -> None:
        """Forget everything that waits."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _unpacked(self, name: str, content: bytes) -> Iterator[Staged]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                entries = [entry for entry in archive.infolist() if _is_wanted(entry)]
                _refuse_bombs(name, entries, shutil.disk_usage(self._folder).free)
                for entry in entries:
                    with archive.open(entry) as file:
                        yield self._stored(entry.filename, _bounded(name, file))
        except _UNREADABLE as error:
            raise UnusableUpload(
                f"{name} could not be opened as a zip ({error}); what came out before is kept."
            ) from error

    def _stored(self, name: str, content: bytes) -> Staged:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / secrets.token_hex(8)
        write(path, content)
        return Staged(name, path.absolute(), len(content), fitness_of(content))

    def _list_all(self, staged: Iterable[Staged]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._list.open("ab", buffering=0) as file:
            file.truncate(sum(len(line) + 1 for line in self._lines()))  # a torn line is cut off
            for one in staged:
                value = {
                    "name": one.name,
                    "path": str(one.path),
                    "bytes": one.bytes,
                    "fitness": one.fitness.to_json(),
                }
                _append(file, json.dumps(value).encode() + b"\n")

    def _lines(self) -> list[bytes]:
        """The whole lines of the list; what follows the last newline was torn by a full disk."""
        content = self._list.read_bytes() if self._list.exists() else b""
        return content.split(b"\n")[:-1]

    def _staged(self, line: bytes) -> Staged:
        """What a line says; one that is not as Lethe wrote it is a file that cannot be read."""
        try:
            value = json.loads(line)
            fitness = Fitness.from_json(value["fitness"])
            return Staged(str(value["name"]), Path(value["path"]), int(value["bytes"]), fitness)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            problem = "Its line in the list is damaged; bring it in again."
            return Staged("unknown", self._folder / "unknown", 0, Fitness(problem=problem))


def _append(file: IO[bytes], line: bytes) -> None:
    try:
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise UnusableUpload(
            f"What was brought in could not be listed ({error.strerror}); what is listed below is "
            "kept. Free some room on the disk and bring in the rest again."
        ) from error


def _at_a_glance(path: Path) -> tuple[int, Fitness]:
    """Bytes and fitness; what cannot be read is listed with that problem."""
    try:
        count = path.stat().st_size
        return count, _TOO_LARGE if count > _HEAD_BYTES else fitness_of(path.read_bytes())
    except OSError as error:
        return 0, Fitness(problem=f"It cannot be read ({error.strerror}).")


def _is_wanted(entry: zipfile.ZipInfo) -> bool:
    parts = entry.filename.split("/")
    hidden = any((part.startswith(".") and part.strip(".")) or part == "__MACOSX" for part in parts)
    return not entry.is_dir() and not hidden


def _refuse_bombs(name: str, entries: list[zipfile.ZipInfo], free: int) -> None:
    if len(entries) > MOST_ENTRIES:
        raise UnusableUpload(
            f"{name} holds {len(entries)} files; at most {MOST_ENTRIES} are taken."
        )
    total = sum(entry.file_size for entry in entries)
    if total > free * _FREE_SHARE:
        raise UnusableUpload(
            f"{name} unpacks to {total // 1_000_000} MB, too much for the {free // 1_000_000} MB "
            "left on the disk."
        )
    largest = max((entry.file_size for entry in entries), default=0)
    if largest > LARGEST_ENTRY:
        raise UnusableUpload(
            f"{name} holds a file of {largest // 1_000_000} MB; "
            f"at most {LARGEST_ENTRY // 1_000_000} MB are taken."
        )


def _bounded(name: str, file: IO[bytes]) -> bytes:
    """Read an entry, whatever its header says about its size."""
    content = file.read(LARGEST_ENTRY + 1)
    if len(content) > LARGEST_ENTRY:
        raise UnusableUpload(f"{name} unpacks to more than it says; it was not taken further.")
    return content
