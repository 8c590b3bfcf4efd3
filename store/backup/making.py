"""Backups, made while the app is stopped: one state, and nothing of it half written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import UnusableFolder
from engine.files.lock import lock
from engine.files.new_folder import new_folder
from engine.files.real_path import real
from store import generation
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.backup import part
from store.backup.part import Header
from store.backup.parts import Part, contents
from store.database import Database, held, refuse_without_data
from store.files import Files
from store.times import stored
from store.vault.keyring import Keyring
from store.vault.master import KEY_FILE

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Backup:
    """What was backed up."""

    parts: Mapping[Part, Header]
    left_out: tuple[str, ...]
    """Paths below the data folder that belong to no part."""


def back_up(
    actor: Actor,
    home: Path,
    target: Path,
    clock: Callable[[], datetime],
    environment: Mapping[str, str] = os.environ,
) -> Backup:
    """Write a backup of a data folder into a new folder, all of it or nothing.

    That it is made is put on record first, and so it is in the backup too.

    Args:
        actor: on whose behalf.
        home: the data folder.
        target: where nothing is yet.
        clock: the present.
        environment: may name the master key; see `store.vault.master`.

    Raises:
        UnusableFolder: there is no database in `home`, another Lethe has it open, or `target` is
            there already, lies in `home`, or has no folder to lie in.
        UnusableKeys: the data folder cannot be opened with its keys.
        NotAllowed: the actor may not.
        OSError: a file cannot be read, or the disk does not take it.
    """
    files = Files(home)
    refuse_without_data(files)
    _refuse_place(home, target)
    made_at = f"{stored(clock()).isoformat(timespec='seconds')}Z"
    backup = secrets.token_hex(_ID_BYTES)
    key_file = _key_file(environment)  # before the opening, which may set aside what it finds
    database = Database.open(home, clock(), clock=clock, environment=environment)
    try:
        installation = announced(actor, database, backup)
    finally:
        database.close()
    with _standing_still(files), new_folder(target) as folder:
        found = contents(home, secret=key_file)
        headers = {}
        for one in Part:
            paths = [path for path, belongs in found.files.items() if belongs is one]
            header = Header(one, backup, installation, made_at)
            headers[one] = part.write(folder / one, header, home, paths)
    return Backup(headers, found.left_out)


def announced(actor: Actor, database: Database, backup: str) -> str:
    """Put on record that a backup is made; gives the id of the installation."""
    with database.transaction(actor, Act.BACK_UP, backup) as cursor:
        return generation.installation(cursor)


@contextmanager
def _standing_still(files: Files) -> Iterator[None]:
    """Nobody writes the data folder meanwhile: not the app, and nobody rotates a key.

    Raises:
        UnusableFolder: another Lethe was opened since.
    """
    with held(files), Keyring(files.home).locked():
        descriptor = lock(files.home / "keys" / "lock", wait=True)
        try:
            if files.log.exists():
                raise UnusableFolder(
                    f"Another Lethe had the data in {files.home} open meanwhile and did not end "
                    "well, so no backup was made. Do it again."
                )
            yield
        finally:
            os.close(descriptor)


def _refuse_place(home: Path, target: Path) -> None:
    if os.path.lexists(target):
        raise UnusableFolder(f"{target} is there already and nothing was changed; name a new one.")
    if real(target).is_relative_to(real(home)):
        raise UnusableFolder(
            f"{target} lies in the data folder itself, and would be lost with it; name a folder on "
            "another disk."
        )
    if not target.parent.is_dir():
        raise UnusableFolder(
            f"There is no folder {target.parent} to make a backup in; is its disk there?"
        )


def _key_file(environment: Mapping[str, str]) -> os.stat_result | None:
    named = environment.get(KEY_FILE)
    return Path(named).stat() if named and Path(named).exists() else None
