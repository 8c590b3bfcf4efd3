"""Originals and releases as files: private, complete or absent, and named by random ids only.

`engine.files.atomic` writes them, so that a crash leaves either the whole file or a leftover under
a name of ours that recovery deletes. No name a person chose reaches a path.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.files.atomic import PRIVATE_FILE, PRIVATE_FOLDER
from engine.signing.schema import SUFFIXES
from store.vault.context import checked_id

_UNFINISHED = re.compile(r"\.?[0-9a-f]{16,64}(\.png|\.jpg)?\.part")
"""Temporary names of `engine.files.atomic`, and those without a dot of earlier versions."""


@dataclass(frozen=True, slots=True)
class Files:
    """The folder Lethe keeps everything in."""

    home: Path

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.home / "lethe.duckdb"

    @property
    def log(self) -> Path:
        """DuckDB's write-ahead log; gone after a clean end."""
        return self.home / "lethe.duckdb.wal"

    @property
    def lock(self) -> Path:
        """Locked while a process has the database open."""
        return self.home / "lethe.lock"

    @property
    def generation(self) -> Path:
        """Says how new the database must be."""
        return self.home / "lethe.generation"

    @property
    def restored(self) -> Path:
        """Says which backup the folder was restored from, until that is on record."""
        return self.home / "lethe.restored"

    @property
    def heads(self) -> Path:
        """Signed heads of the audit trail."""
        return self.home / "audit" / "heads.jsonl"

    @property
    def set_aside(self) -> Path:
        """Files that the database did not know when it was opened, for a person to look at."""
        return self.home / "set-aside"

    @property
    def originals(self) -> Path:
        """Pictures as they came in."""
        return self.home / "originals"

    @property
    def releases(self) -> Path:
        """Pictures that may go out."""
        return self.home / "releases"

    @property
    def policy(self) -> Path:
        """The policy for new batches, where it is not the built-in one; people may edit it."""
        return self.home / "policy.toml"

    @property
    def inbox(self) -> Path:
        """Folders of command-line runs that the app takes in by itself."""
        return self.home / "inbox"

    @property
    def outgoing(self) -> Path:
        """Downloads while they are made and sent; emptied at each start."""
        return self.home / "outgoing"

    @property
    def incoming(self) -> Path:
        """Uploads while a page takes them in, sealed; emptied at each start."""
        return self.home / "incoming"

    def make(self) -> None:
        """Create the folders and close them to everybody else.

        Raises:
            OSError: a folder cannot be made or is not ours to close.
        """
        for folder in (self.home, self.originals, self.releases, self.outgoing, self.incoming):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(PRIVATE_FOLDER)

    def empty_passing(self) -> None:
        """Delete what a killed process left of downloads and uploads; one alone has the folder."""
        for left in (*self.outgoing.iterdir(), *self.incoming.iterdir()):
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()

    def original(self, picture_id: str) -> Path:
        """Where a picture's original lies, whatever its format."""
        return self.originals / checked_id(picture_id)

    def release(self, release_id: str, image_format: str) -> Path:
        """Where a release lies.

        Raises:
            ValueError: the id is not a random id, or the format is not one Lethe releases.
        """
        if image_format not in SUFFIXES:
            raise ValueError(f"expected png or jpeg, got {image_format!r}")
        return self.releases / f"{checked_id(release_id)}{SUFFIXES[image_format]}"

    def stored(self) -> Iterator[Path]:
        """Every whole file among originals and releases; folders there are not ours."""
        return (file for file in self._kept() if not is_unfinished(file))

    def unfinished(self) -> Iterator[Path]:
        """What a write that was interrupted left among originals and releases."""
        return (file for file in self._kept() if is_unfinished(file))

    def _kept(self) -> Iterator[Path]:
        for folder in (self.originals, self.releases):
            if folder.is_dir():
                with os.scandir(folder) as entries:  # knows what is a folder without another look
                    names = [one.name for one in entries if not one.is_dir(follow_symlinks=False)]
                yield from (folder / name for name in names)


def is_unfinished(path: Path) -> bool:
    """True for the names that files have until they are whole."""
    return _UNFINISHED.fullmatch(path.name) is not None


def open_private(path: Path) -> BinaryIO:
    """Open a file for writing that nobody else may read, emptied if it was there."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE), "wb")
