"""Uploaded data sets: unpack a zip into a folder of its own, delete it with its last evaluation.

Member names come from somebody else's file, so each is checked before anything is written: nothing
absolute, nothing that climbs out, no links, no more than fits.
"""

from __future__ import annotations

import re
import secrets
import shutil
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from components.app.unzip import FREE_SHARE, Member, UnusableArchive, megabytes, open_zip
from engine.errors import InvalidDataset
from engine.files.real_path import real
from store.files import open_private

FOLDER = "datasets"
_FOLDER_NAME = re.compile(r"[0-9a-f]{32}")


def unpacked(home: Path, name: str, content: IO[bytes]) -> Path:
    """Unpack a zip safely; the folder that holds the data set.

    Args:
        home: the installation's folder.
        name: the zip's, for sentences.
        content: the zip.

    Raises:
        InvalidDataset: it is no zip, holds what must not be unpacked, or unpacks to too much.
            Whatever is raised, nothing of it is kept.
    """
    folder = home / FOLDER / secrets.token_hex(16)
    folder.mkdir(mode=0o700, parents=True)
    try:
        with open_zip(content, name, left="nothing of it was kept") as (archive, members):
            files = [member for member in members if not member.is_clutter]
            _validate(name, files, shutil.disk_usage(folder).free * FREE_SHARE)
            _write_all(archive, files, folder)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, UnusableArchive):
            raise InvalidDataset(str(error)) from error
        raise
    return _content_root(folder)


def discard(home: Path, source: str, still_used: Iterable[str] | None = ()) -> None:
    """Delete the unpacked zip that contains `source`, unless another evaluation uses it.

    Folders that nobody unpacked here are left alone, and all where nobody can tell what is used.
    """
    folder = _unpacked_folder(home, source)
    if folder is None or still_used is None:
        return
    if folder not in {_unpacked_folder(home, path) for path in still_used}:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(home: Path, still_used: Iterable[str] | None) -> None:
    """Delete unpacked zips that never became an evaluation.

    Only at the start of a process: no open page holds one then. Only of a database as new as the
    files beside it: an older one does not know every run. No clock is asked: one set forward would
    make everything old. A folder whose name is not from `unpacked` stays.

    Args:
        home: the installation's folder.
        still_used: the source of every evaluation there is; None, and nothing is deleted, where
            one cannot be told.
    """
    if still_used is None:
        return
    used = {_unpacked_folder(home, source) for source in still_used}
    base = real(home / FOLDER)
    for folder in base.iterdir() if base.is_dir() else ():
        if _FOLDER_NAME.fullmatch(folder.name) and folder not in used:
            shutil.rmtree(folder, ignore_errors=True)


def outside(home: Path, source: str, paths: Iterable[Path]) -> list[Path]:
    """Those of a data set's files that lie, links followed, in no zip that was unpacked for it.

    Args:
        home: the installation's folder.
        source: of the data set.
        paths: its files.
    """
    folder = _unpacked_folder(home, source)
    return [path for path in paths if folder is None or not real(path).is_relative_to(folder)]


def _unpacked_folder(home: Path, source: str) -> Path | None:
    base, path = real(home / FOLDER), real(source)
    if base == path or not path.is_relative_to(base):
        return None
    return base / path.relative_to(base).parts[0]


def _validate(name: str, members: list[Member], room: float) -> None:
    if not members:
        raise InvalidDataset(
            f"{name} holds no file, apart from what file managers leave in zips. Put pictures and "
            "labels into it."
        )
    if sum(member.entry.file_size for member in members) > room:
        raise InvalidDataset(
            f"{name} unpacks to more than the {megabytes(room)} that are left for it, so "
            "nothing of it was kept. Unpack it elsewhere and give its folder instead."
        )
    names: set[str] = set()
    for member in members:
        _validate_member(name, member)
        if member.name in names:
            raise InvalidDataset(f"{name} holds {member.name!r} twice, so it was not unpacked.")
        names.add(member.name)
    for member in members:
        above = names.intersection(map(str, PurePosixPath(member.name).parents))
        if above:
            raise InvalidDataset(
                f"{name} holds {min(above)!r} as a file and as a folder, so it was not unpacked. "
                "Give one of them another name."
            )


def _validate_member(name: str, member: Member) -> None:
    path = PurePosixPath(member.name)
    climbs = path.is_absolute() or ".." in path.parts
    if climbs or not path.parts or ":" in path.parts[0]:
        raise InvalidDataset(
            f"{name} holds {member.name!r}, which would lie outside of its folder, so nothing "
            "was unpacked. Make the zip from inside the data set's folder."
        )
    kind = stat.S_IFMT(member.entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise InvalidDataset(
            f"{name} holds {member.name!r}, a link or a device, so nothing was unpacked. "
            "Put the files themselves into the zip."
        )


def _write_all(archive: zipfile.ZipFile, members: Iterable[Member], folder: Path) -> None:
    for member in members:
        path = folder / member.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # zipfile gives no byte more than the member's header said, so the bounds hold
        with archive.open(member.entry) as source, open_private(path) as file:
            shutil.copyfileobj(source, file)


def _content_root(folder: Path) -> Path:
    """Descend through folders that hold one folder and nothing else, as zips of a folder do."""
    while len(entries := list(folder.iterdir())) == 1 and entries[0].is_dir():
        folder = entries[0]
    return folder
