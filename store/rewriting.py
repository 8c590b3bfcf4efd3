"""The database written anew, so that its file holds no byte of rows that were changed.

DuckDB writes changed rows to other pages and keeps the old ones, free, with all that was in them;
neither CHECKPOINT nor VACUUM overwrites those. Only a copy has none. It takes the old file's place
in one rename; until then the old one counts. The old file's bytes are overwritten, as far as the
disk writes in place.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import duckdb

from engine.files import atomic
from store.files import Files
from store.vault.shredding import shred

log = logging.getLogger(__name__)


def texts_in_old_pages(connection: duckdb.DuckDBPyConnection) -> int:
    """How many rows were sealed, or emptied, in place since the file was written anew."""
    ((count,),) = connection.execute(
        "SELECT coalesce(sum(texts), 0) FROM sealed_in_place"
    ).fetchall()
    return int(count)


def written_anew(
    connection: duckdb.DuckDBPyConnection,
    files: Files,
    connect: Callable[[Files], duckdb.DuckDBPyConnection],
) -> duckdb.DuckDBPyConnection:
    """Copy the database, put the copy in its place, and give a connection to that.

    Where the disk does not take it, everything stays as it was, and the next start tries again.

    Args:
        connection: to the database, the only one; it is closed.
        files: the folder.
        connect: opens the database again.
    """
    try:
        _copy(connection, _fresh(files))
    except (duckdb.Error, OSError) as error:
        log.warning("the database was not written anew (%s)", type(error).__name__)
        _fresh(files).unlink(missing_ok=True)
        return connection
    connection.close()
    if not _log_of(files.database).exists():  # else closing could not write everything down
        _swap(files)
    tidy(files)
    return connect(files)


def tidy(files: Files) -> None:
    """End what a kill in the middle of `written_anew` left; harmless when there is nothing.

    Raises:
        OSError: the disk does not take it.
    """
    old = _old(files)
    if old.exists() and old.samefile(files.database):  # a second name of what still counts
        old.unlink()
    for leftover in (_fresh(files), _log_of(_fresh(files)), old):
        shred(leftover)


def _copy(connection: duckdb.DuckDBPyConnection, fresh: Path) -> None:
    ((name,),) = connection.execute("SELECT current_database()").fetchall()
    place = str(fresh).replace("'", "''")
    connection.execute(f"ATTACH '{place}' AS fresh")
    try:
        connection.execute(f'COPY FROM DATABASE "{name}" TO fresh')
        connection.execute("DELETE FROM fresh.sealed_in_place")
    finally:
        connection.execute("DETACH fresh")
    fresh.chmod(atomic.PRIVATE_FILE)
    descriptor = os.open(fresh, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(files: Files) -> None:
    try:
        atomic.link(files.database, _old(files))
        atomic.move(_fresh(files), files.database)
    except OSError as error:
        log.warning("the database was not replaced (%s)", error.strerror)


def _fresh(files: Files) -> Path:
    return files.database.with_name(f"{files.database.name}.new")


def _old(files: Files) -> Path:
    return files.database.with_name(f"{files.database.name}.old")


def _log_of(database: Path) -> Path:
    return database.with_name(f"{database.name}.wal")
