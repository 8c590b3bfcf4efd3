"""The DuckDB file and the one way to speak to it.

DuckDB lets one process write, and its concurrent transactions conflict rather than wait. So one
process owns the file (a lock file says so, also to a second `Database` inside the same process),
and its threads share one connection: `with database.transaction() as cursor` holds a lock from
BEGIN to COMMIT. Every statement here takes milliseconds; what takes longer, files, stays outside.
"""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Self

import duckdb

from engine.errors import UnusableFolder
from engine.notary import Notary, notary
from store.files import Files, open_private
from store.recovery import Recovered, recover
from store.schema import migrate

# One thread: queries over some ten thousand rows gain nothing from more; workers need the cores.
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
}


class Database:
    """An open database with the folder around it; `open` makes one, `close` ends it.

    `work` is set whenever there may be something new for the dispatcher, `recovered` says what
    opening had to tidy up after a crash, and `notary` signs what goes out.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Files,
        lock_file: BinaryIO,
        notary: Notary,
    ) -> None:
        self.files = files
        self.notary = notary
        self.work = threading.Event()
        self.recovered = Recovered()
        self._connection = connection
        self._lock_file = lock_file
        self._lock = threading.RLock()
        self._in_transaction = False
        self._is_closed = False

    @classmethod
    def open(cls, home: Path, now: datetime) -> Self:
        """Open or make the database under `home`, bring its schema up to date, tidy up a crash.

        Raises:
            UnusableFolder: another Lethe has it open, a newer one made it, or the folder cannot be
                written.
            UnusableKeys: the keys under `home` cannot be used.
        """
        files = Files(home)
        lock_file = _locked(files)
        try:
            signing = notary(home)
            connection = _connected(files)
            migrate(connection)
        except BaseException:
            lock_file.close()
            raise
        database = cls(connection, files, lock_file, signing)
        try:
            with database.transaction() as cursor:
                database.recovered = recover(cursor, files, now)
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose statements all hold or, when the block raises, none does.

        Other threads wait meanwhile, so touch no files and do no lengthy work inside.

        Raises:
            UnusableFolder: the database was closed.
            ValueError: this thread is in a transaction already.
        """
        with self._lock:
            if self._is_closed:
                raise UnusableFolder("The database is closed because Lethe is stopping.")
            if self._in_transaction:
                raise ValueError("expected no open transaction in this thread, found one")
            self._in_transaction = True
            try:
                yield from self._guarded()
            finally:
                self._in_transaction = False

    def close(self) -> None:
        """Write everything into the one file and let other processes have it; again is harmless."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._connection.close()
            self._lock_file.close()

    def _guarded(self) -> Iterator[duckdb.DuckDBPyConnection]:
        self._connection.execute("BEGIN")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _locked(files: Files) -> BinaryIO:
    try:
        files.make()
        lock_file = open_private(files.lock)
    except OSError as error:
        raise UnusableFolder(
            f"Lethe cannot keep its data in {files.home}: {error.strerror}. "
            "Choose another folder with LETHE_HOME."
        ) from error
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock_file.close()
        raise _in_use(files) from error
    return lock_file


def _connected(files: Files) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(files.database), config=_SETTINGS)
    except duckdb.IOException as error:
        if "Could not set lock" in str(error):
            raise _in_use(files) from error
        raise UnusableFolder(
            f"{files.database} cannot be opened as a database; nothing was changed. "
            "Put back a copy of it, or choose another folder with LETHE_HOME."
        ) from error
    files.database.chmod(0o600)
    return connection


def _in_use(files: Files) -> UnusableFolder:
    return UnusableFolder(
        f"Another Lethe has the data in {files.home} open, and only one may. "
        "Stop it first, or choose another folder with LETHE_HOME."
    )
