"""Parts of a backup: what of a data folder belongs to which, and what to none.

Wrapped keys and the secrets of the installation lie apart from the data, since each may be kept for
another time and in another place. The master key belongs to none: it would open all the rest.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from engine.files.atomic import SUFFIX


class Part(StrEnum):
    """A folder of a backup."""

    DATA = "data"
    """Database, sealed originals, releases, audit heads, policy, public keys."""
    KEYRING = "keyring"
    """Wrapped keys: what was deleted since comes back with them."""
    SECRETS = "secrets"
    """What signs, what makes pseudonyms, and how people sign in."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What of a data folder goes where."""

    files: Mapping[str, Part]
    """By their path below the data folder, with `/`, sorted."""
    left_out: tuple[str, ...]
    """What belongs to no part, links and odd names among it."""


_PARTS: Final[Mapping[str, Part | None]] = {
    "lethe.duckdb": Part.DATA,
    "lethe.generation": Part.DATA,
    "policy.toml": Part.DATA,
    "signed-out.json": Part.DATA,
    "audit": Part.DATA,
    "originals": Part.DATA,
    "releases": Part.DATA,
    "set-aside": Part.DATA,
    "staging": Part.DATA,
    "taken-in": Part.DATA,
    "keys/public": Part.DATA,
    "keys/made": Part.DATA,
    "keyring": Part.KEYRING,
    "keys/signing.pem": Part.SECRETS,
    "keys/pseudonym": Part.SECRETS,
    "sign-in.toml": Part.SECRETS,
    "keys/master": None,
    "keys/master.next": None,
    "keys/master.over": None,
    "keys/lock": None,
    "keyring/lock": None,
    "lethe.lock": None,
    "incoming": None,
    "outgoing": None,
    "lethe.duckdb.new": None,
    "lethe.duckdb.old": None,
    "lethe.duckdb.tmp": None,
}
"""None of what goes nowhere and is no matter to anybody. The longest entry that fits counts."""
_ODD: Final = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
"""What a line of SHA256SUMS cannot hold without escapes."""


def part_of(path: str) -> Part | None:
    """Where a file of a data folder belongs; None where it goes nowhere, or is no path below one.

    Args:
        path: below the data folder, with `/`.
    """
    names = path.split("/")
    if any(name in ("", ".", "..") for name in names) or _ODD.search(path):
        return None
    if names[-1].startswith(".") and names[-1].endswith(SUFFIX):
        return None
    return _entry(path)


def contents(home: Path, *, secret: os.stat_result | None = None) -> Contents:
    """What lies in a data folder, by the part it belongs to.

    Args:
        home: the data folder.
        secret: a file that belongs to no part wherever it lies: the master key's.
    """
    files: dict[str, Part] = {}
    left_out: list[str] = []
    for path in sorted(_walked(home)):
        part = part_of(path)
        if not _is_plain(home, path) or _is_same(home / path, secret):
            part = None
        if part is not None:
            files[path] = part
        elif not _is_known(path):
            left_out.append(path)
    return Contents(files, tuple(left_out))


def _walked(home: Path) -> Iterator[str]:
    """Every file below the folders that belong to a part, and whatever else lies at the top."""
    known = {entry.split("/")[0] for entry in _PARTS}
    for top in (path.name for path in home.iterdir()):
        # the folder of originals may be a link to a larger disk; none below it is followed
        if top not in known or not (home / top).is_dir():
            yield top
            continue
        for folder, folders, names in os.walk(home / top):
            where = PurePosixPath(Path(folder).relative_to(home).as_posix())
            links = (name for name in folders if (home / where / name).is_symlink())
            yield from (str(where / name) for name in (*names, *links))


def _is_plain(home: Path, path: str) -> bool:
    file = home / path
    return file.is_file() and ("/" not in path or not file.is_symlink())


def _is_same(file: Path, other: os.stat_result | None) -> bool:
    return other is not None and os.path.samestat(file.stat(), other)


def _is_known(path: str) -> bool:
    """Whether it is left out on purpose: a lock, a master key, what a kill left half written."""
    is_named = any(path == entry or path.startswith(f"{entry}/") for entry in _PARTS)
    name = path.rpartition("/")[2]
    is_unfinished = name.startswith(".") and name.endswith(SUFFIX)
    return is_unfinished or (is_named and _entry(path) is None)


def _entry(path: str) -> Part | None:
    fitting = [one for one in _PARTS if path == one or path.startswith(f"{one}/")]
    return _PARTS[max(fitting, key=len)] if fitting else None
