"""One part of a backup on a disk: files, their digests, and a header.

::

    data/part.json      which part of which backup this is, and the digest of the list
    data/SHA256SUMS     a line a file, as `sha256sum` writes and checks
    data/files/...      laid out as below the data folder

Digests tell damage, not malice: whoever can write the folder can write the list. What is sealed
fails when it is changed, and the audit trail is signed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Self

from engine.errors import UnreadableFile, UnusableFolder
from engine.files import atomic, safe_read
from engine.files.json_object import json_object
from engine.files.real_path import real
from engine.files.safe_read import printable
from store.backup import copying
from store.backup.copying import copied
from store.backup.errors import UnusableBackup
from store.backup.parts import Part, part_of
from store.vault.context import is_id

_HEADER, _SUMS, _FILES = "part.json", "SHA256SUMS", "files"
_FORMAT: Final = "lethe backup"
_VERSION: Final = 1
_LINE: Final = re.compile(r"([0-9a-f]{64})  (.+)")
_MOST_SUMS: Final = 2**30
"""Bytes of the list: some ten million files."""
_MOST_HEADER: Final = 65_536
_MOST_SAID: Final = 5


@dataclass(frozen=True, slots=True)
class Header:
    """What a part says of itself."""

    part: Part
    backup: str
    """Random; parts made together have the same."""
    installation: str
    made_at: str
    """Moment in UTC."""
    files: int = 0
    bytes: int = 0
    sums: str = ""
    """SHA-256 of the list of digests."""
    format: str = _FORMAT
    version: int = _VERSION


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part as it was found."""

    folder: Path
    header: Header
    digests: Mapping[str, str]
    """SHA-256 by path below the data folder."""

    @classmethod
    def read(cls, folder: Path, part: Part) -> Self:
        """Header and list of a part; no file of it is read yet.

        Raises:
            UnusableBackup: it is missing, damaged, or another part.
        """
        if not folder.is_dir() or folder.is_symlink():
            raise UnusableBackup(
                f"{folder} is no folder, so the part {part} of the backup is missing; nothing was "
                "restored."
            )
        try:
            header = _header(safe_read.content(folder / _HEADER, _MOST_HEADER))
            sums = safe_read.content(folder / _SUMS, _MOST_SUMS)
        except UnreadableFile as error:
            raise _unusable(folder, f"a file of it {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise _unusable(folder, f"its {_HEADER} is not as Lethe writes it") from error
        if header.format != _FORMAT or header.part is not part:
            raise _unusable(folder, f"it holds the part {header.part}, not {part}")
        if header.version != _VERSION:
            raise _unusable(folder, "a newer Lethe wrote it, and it takes that to read it")
        if hashlib.sha256(sums).hexdigest() != header.sums:
            raise _unusable(folder, f"its {_SUMS} was changed or cut")
        return cls(folder, header, _digests(folder, part, sums))

    def verify(self) -> None:
        """Compare every file with its digest.

        Raises:
            UnusableBackup: one is changed, missing, more than were backed up, or no plain file.
        """
        problems = list(self._problems())
        if problems:
            more = len(problems) - _MOST_SAID
            rest = f", and {more} more" if more > 0 else ""
            raise _unusable(self.folder, f"{'; '.join(problems[:_MOST_SAID])}{rest}")

    def copy(self, home: Path) -> None:
        """Copy every file to its place below a folder, comparing it once more.

        Raises:
            UnusableBackup: one has changed since it was verified.
            OSError: the disk does not take it.
        """
        for path, digest in self.digests.items():
            try:
                found, _ = copied(self.folder / _FILES / path, home / path)
            except UnreadableFile as error:
                raise _unusable(self.folder, f"{printable(path)} {error}") from error
            if found != digest:
                raise _unusable(self.folder, f"{printable(path)} changed while it was read")

    def _problems(self) -> Iterator[str]:
        found = dict(_found(self.folder / _FILES))
        for path in sorted(found.keys() - self.digests.keys()):
            yield f"{printable(path)} {found[path] or 'was not backed up'}"
        for path, digest in self.digests.items():
            if found.get(path):
                yield f"{printable(path)} {found[path]}"
                continue
            try:
                if copying.digest(self.folder / _FILES / path) != digest:
                    yield f"{printable(path)} is not what was backed up"
            except UnreadableFile as error:
                yield f"{printable(path)} {error}"


def write(folder: Path, header: Header, home: Path, paths: Collection[str]) -> Header:
    """Write a part of a data folder; gives its header with counts and the digest of its list.

    Args:
        folder: to be made.
        header: what it is.
        home: the data folder.
        paths: of the files below it that belong to the part.

    Raises:
        UnusableFolder: a file cannot be read.
        OSError: the disk does not take it.
    """
    folder.mkdir(mode=atomic.PRIVATE_FOLDER)
    (folder / _FILES).mkdir(mode=atomic.PRIVATE_FOLDER)
    size, lines = 0, []
    for path in paths:
        # policy.toml may be a link, and it is the text that counts; no link below is followed
        source = home / path if "/" in path else real(home / path)
        try:
            digest, length = copied(source, folder / _FILES / path)
        except UnreadableFile as error:
            raise UnusableFolder(
                f"{printable(str(home / path))} {error}, so no backup was made."
            ) from error
        lines.append(f"{digest}  {path}\n")
        size += length
    sums = "".join(lines).encode()
    atomic.write(folder / _SUMS, sums)
    written = replace(header, files=len(paths), bytes=size, sums=hashlib.sha256(sums).hexdigest())
    atomic.write(folder / _HEADER, json.dumps(asdict(written), indent=1).encode() + b"\n")
    return written


def _header(content: bytes) -> Header:
    value = json_object(content)
    header = Header(**{**value, "part": Part(value["part"])})
    if not (is_id(header.backup) and is_id(header.installation)):
        raise ValueError("expected ids")
    return header


def _digests(folder: Path, part: Part, sums: bytes) -> dict[str, str]:
    """What the list says; a path that leads out of its part is refused."""
    digests: dict[str, str] = {}
    lines = sums.decode("utf-8", "replace").split("\n")[:-1]
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or part_of(match[2]) is not part or match[2] in digests:
            raise _unusable(folder, f"{printable(line[66:])!r} in its {_SUMS} is no file of it")
        digests[match[2]] = match[1]
    return digests


def _found(folder: Path) -> Iterator[tuple[str, str]]:
    """Each file below a folder, with what is wrong with it; links are not followed."""
    if folder.is_symlink():
        yield _FILES, "is a link, and links are not followed"
        return
    for where, folders, names in os.walk(folder):
        for name in (*names, *folders):
            path = Path(where) / name
            below = path.relative_to(folder).as_posix()
            if path.is_symlink():
                yield below, "is a link, and links are not followed"
            elif name in names:
                yield below, "" if path.is_file() else "is no plain file"


def _unusable(folder: Path, why: str) -> UnusableBackup:
    return UnusableBackup(
        f"The backup in {folder} cannot be used: {why}. Nothing was restored; take another copy."
    )
