"""Restores: a data folder made of a backup, in a place where nothing is."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import UnusableFolder
from engine.files.new_folder import new_folder
from engine.files.real_path import real
from store import restored
from store.accounts.act import Act, refuse
from store.accounts.actor import Actor
from store.backup.errors import UnusableBackup
from store.backup.part import StoredPart
from store.backup.parts import Part
from store.files import Files
from store.restored import Restored

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Source:
    """What to restore from."""

    folder: Path
    """A backup."""
    keyring: Path | None = None
    """The part `keyring` of another backup, in place of this one's."""
    without_keys: bool = False
    """Whether to leave the keyring out, and go on where secrets are missing."""


@dataclass(frozen=True, slots=True)
class Restoration:
    """What was restored."""

    data: StoredPart
    keyring: StoredPart | None
    secrets: StoredPart | None

    @property
    def sealed(self) -> int:
        """Files that only a keyring opens."""
        folders = ("originals/", "staging/", "set-aside/")
        return sum(path.startswith(folders) for path in self.data.digests)


def restore(actor: Actor, source: Source, home: Path, now: datetime) -> Restoration:
    """Make a data folder of a backup, all of it or nothing; every digest is compared before.

    The first opening puts it on record, for here there is no master key to open the database with.

    Args:
        actor: on whose behalf.
        source: the backup.
        home: where nothing is yet, or an empty folder.
        now: tells whether the actor's session is over.

    Raises:
        NotAllowed, SessionExpired: the actor may not, or not any more.
        UnusableBackup: a part is missing, damaged, or of another installation.
        UnusableFolder: `home` holds something, or is no place for it.
        OSError: the disk does not take it.
    """
    refuse(actor, Act.RESTORE, now)  # the gate itself stands before a database, and here is none
    where = real(home)
    _refuse_place(source, home)
    found = _read(source)
    parts = [one for one in (found.data, found.keyring, found.secrets) if one is not None]
    for one in parts:
        one.verify()
    with new_folder(where) as folder:
        for one in parts:
            one.copy(folder)
        keyring = found.keyring.header.backup if found.keyring else ""
        told = Restored(secrets.token_hex(_ID_BYTES), found.data.header.backup, keyring, actor.id)
        restored.mark(Files(folder).restored, told)
    return found


def _read(source: Source) -> Restoration:
    """The parts, each of one installation; what is left out, or may be missing, is None."""
    data = StoredPart.read(source.folder / Part.DATA, Part.DATA)
    keyring = secret = None
    if not source.without_keys:
        keyring = _needed(source.keyring or source.folder / Part.KEYRING, Part.KEYRING)
    place = source.folder / Part.SECRETS
    if os.path.lexists(place) or not source.without_keys:
        secret = _needed(place, Part.SECRETS)
    for one in (keyring, secret):
        if one is not None and one.header.installation != data.header.installation:
            raise UnusableBackup(
                f"{one.folder} is of another installation than {data.folder}, so one is of no use "
                "for the other; nothing was restored."
            )
    return Restoration(data, keyring, secret)


def _needed(folder: Path, part: Part) -> StoredPart:
    if not os.path.lexists(folder):
        raise UnusableBackup(
            f"{folder} is missing: {_MISSING[part]} Nothing was restored. Put it back beside the "
            "rest, or do without (--without-keys)."
        )
    return StoredPart.read(folder, part)


_MISSING = {
    Part.KEYRING: "without the wrapped keys no original can be opened.",
    Part.SECRETS: "without the keys that sign, the app does not start.",
}


def _refuse_place(source: Source, home: Path) -> None:
    where = real(home)
    if where.exists() and not (where.is_dir() and not any(where.iterdir())):
        raise UnusableFolder(
            f"{home} is not empty, and nothing in it is overwritten. Name a folder that is not "
            "there yet, or move this one away first."
        )
    if where.is_relative_to(real(source.folder)):
        raise UnusableFolder(f"{home} lies in the backup itself; name another folder.")
    if where.is_mount():
        raise UnusableFolder(
            f"{home} is where a disk begins, and a folder that is whole at once cannot take its "
            "place. Name a new folder in it."
        )
    if not where.parent.is_dir():
        raise UnusableFolder(f"There is no folder {home.parent} to restore into.")
