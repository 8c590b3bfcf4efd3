"""Whether a database is as new as the files beside it.

Somebody who puts back yesterday's copy of the database, or loses its write-ahead log, has one that
opens without complaint and knows nothing of today's files. So a number is kept twice, in the
database and in a small file beside it, and grows with each opening, each started batch and each
close: first in the database, then in the file. A database behind the file is an older one. The file
also tells the keys of the installation, without which no original is known as the one that came in.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from engine.errors import UnusableFolder, UnusableKeys
from engine.files import atomic
from engine.signing.keys import KeyRing
from store.files import Files

_LONGEST = 1_000
"""Bytes of the file; ours has some hundred."""
_KEYS = (
    "Nothing was changed. Put the folder keys back from a copy. Without one, remove "
    "lethe.generation beside it: Lethe goes on with other keys then, does not know what the old "
    "ones signed, and pictures that are not finished have to be added again."
)


@dataclass(frozen=True, slots=True)
class Generation:
    """How far a database is; comparable within one installation."""

    installation: str
    number: int


def refuse_older(connection: duckdb.DuckDBPyConnection, files: Files) -> bool:
    """Refuse a database that is older than the files beside it; change nothing.

    Returns:
        True when it is known to be as new; False while nothing can tell, as before the first mark.

    Raises:
        UnusableFolder: it is older, or belongs to another installation.
    """
    marked = _marked(files.generation)
    if marked is None:
        return False
    current = _of(connection)
    is_older = (
        current is None
        or current.installation != marked.installation
        or current.number < marked.number
    )
    # whoever began anew in a folder without a picture has lost nothing
    if is_older and (current is not None or any(files.stored())):
        raise UnusableFolder(
            f"{files.database} is older than the {sum(1 for _ in files.stored())} files in "
            f"originals and releases beside it, so it does not know all of them; nothing was "
            f"changed. Put back all of {files.home} from one copy, not the database alone. If "
            f"there is no such copy, remove {files.generation.name} there: files that the database "
            "does not know are then set aside, none is deleted."
        )
    return not is_older


def advanced(cursor: duckdb.DuckDBPyConnection) -> Generation:
    """Count one further, in a transaction; hand the result to `mark` once it holds."""
    current = _of(cursor)
    if current is None:
        first = Generation(secrets.token_hex(16), 1)
        cursor.execute("INSERT INTO generation VALUES (?, ?)", [first.installation, first.number])
        return first
    cursor.execute("UPDATE generation SET number = number + 1")
    return Generation(current.installation, current.number + 1)


def installation(cursor: duckdb.DuckDBPyConnection) -> str:
    """The id of the installation whose database it is.

    Raises:
        ValueError: the database has none yet, so it was not opened in the common way.
    """
    current = _of(cursor)
    if current is None:
        raise ValueError("expected a database with a generation, found none")
    return current.installation


def mark(path: Path, reached: Generation, keys: KeyRing) -> None:
    """Write the file beside the database.

    Raises:
        OSError: the disk does not take it; the one before stays.
    """
    atomic.write(path, json.dumps({**asdict(reached), "keys": _seal(reached, keys)}).encode())


def refuse_without_keys(files: Files) -> None:
    """Refuse a folder whose keys are gone, before new ones are made in their place.

    Raises:
        UnusableKeys: they are.
    """
    if _read_mark(files.generation).get("keys") and not (files.home / "keys").is_dir():
        raise UnusableKeys(
            f"{files.home / 'keys'} is gone, with the keys of this installation. {_KEYS}"
        )


def refuse_other_keys(connection: duckdb.DuckDBPyConnection, files: Files, keys: KeyRing) -> None:
    """Refuse keys under which none of the originals here would be known; change nothing.

    Raises:
        UnusableKeys: they are not those that the database was last open with.
    """
    seal, current = _read_mark(files.generation).get("keys"), _of(connection)
    if seal and current is not None and seal != _seal(current, keys):
        raise UnusableKeys(
            f"The keys in {files.home / 'keys'} are not those of this installation. {_KEYS}"
        )


def _seal(generation: Generation, keys: KeyRing) -> str:
    return keys.pseudonym("installation", generation.installation)


def _of(connection: duckdb.DuckDBPyConnection) -> Generation | None:
    """None in a database that no Lethe with generations has opened."""
    is_there = connection.execute(
        """
        SELECT table_name
        FROM duckdb_tables()
        WHERE table_name = 'generation'
        """
    ).fetchone()
    if is_there is None:
        return None
    row = connection.execute(
        """
        SELECT installation, number
        FROM generation
        """
    ).fetchone()
    return None if row is None else Generation(str(row[0]), int(row[1]))


def _marked(path: Path) -> Generation | None:
    """None where there is no file."""
    value = _read_mark(path)
    return Generation(str(value["installation"]), int(value["number"])) if value else None


def _read_mark(path: Path) -> dict[str, Any]:
    """What the file says; empty where there is none."""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(_LONGEST))
        return {**value, "number": int(value["number"]), "installation": value["installation"]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnusableFolder(
            f"{path} cannot be read, so nobody can tell whether the database is as new as the "
            "files beside it; nothing was changed. Put it back from a copy, or remove it: files "
            "that the database does not know are then set aside, none is deleted."
        ) from error
