"""The DuckDB file and the one way to speak to it.

DuckDB lets one process write, and its concurrent transactions conflict rather than wait. So one
process owns the file (a lock file says so, also to a second `Database` inside the same process),
and its threads share one connection: `with database.transaction(actor, act) as cursor` holds a lock
from BEGIN to COMMIT. Every statement here takes milliseconds; what takes longer, files, stays
outside.

That is the one gate, too: there is no cursor for whoever may not do the act, and what was done, or
refused, is an event of the audit trail.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self

import duckdb

from engine.errors import UnusableFolder
from engine.signing.signer import Signer, signer
from store import generation, restored, rewriting
from store.accounts.act import Act, refuse
from store.accounts.actor import MACHINE, Actor
from store.accounts.role import Role
from store.audit.event import OpenEvent
from store.audit.heads import Head
from store.audit.trail import Trail
from store.errors import NotAllowed, SessionExpired
from store.files import Files, open_private
from store.forgetting import Forgetting
from store.originals import Originals
from store.retention import steps
from store.rewriting import texts_in_old_pages, written_anew
from store.schema import is_foreign, migrate
from store.vault.vault import Vault
from store.worker.orphans import tidy
from store.worker.recovery import FileIndex, Recovered, recover
from store.worker.sealing import seal_plain
from store.worker.text_sealing import seal_texts

# One thread: queries over some ten thousand rows gain nothing from more; workers need the cores.
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
    "allocator_background_threads": "true",  # gives memory back that a query has freed
}

log = logging.getLogger(__name__)


class Database:
    """An open database with the folder around it; `open` makes one, `close` ends it.

    `work` is set whenever there may be something new for the dispatcher, `recovered` says what
    opening had to tidy up after a crash, `signer` signs what goes out, and `vault` has the keys of
    what is sealed; `forgetting` tells caches of originals which picture ended. `is_up_to_date` says
    whether it is known to be as new as the files beside it; one that is not may know only some.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        files: Files,
        lock_file: BinaryIO,
        signer: Signer,
        vault: Vault,
        clock: Callable[[], datetime],
    ) -> None:
        self.files = files
        self.signer = signer
        self.vault = vault
        self.originals = Originals(files, vault, signer.keys)
        self._keys = signer.keys
        self.work = threading.Event()
        self.forgetting = Forgetting()
        self.recovered = Recovered()
        self.is_up_to_date = False
        self._connection = connection
        self._lock_file = lock_file
        self._clock = clock
        self._trail = Trail(connection, files.heads, signer)
        self._event = OpenEvent()
        self._refused: set[tuple[str, ...]] = set()
        self._lock = threading.RLock()
        self._in_transaction = False
        self._is_closed = False

    @classmethod
    def open(
        cls,
        home: Path,
        now: datetime,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        environment: Mapping[str, str] = os.environ,
    ) -> Self:
        """Open or make the database under `home`, bring its schema up to date, tidy up a crash.

        Args:
            home: the folder.
            now: for what is tidied up.
            clock: tells whether a session is over, and dates events.
            environment: may name the master key; see `store.vault.master`.

        Raises:
            UnusableFolder: another Lethe has it open, a newer one made it, the folder cannot be
                written, or the database is damaged, missing or older than the files beside it.
            UnusableKeys: the keys under `home` or the master key cannot be used; nothing was
                changed then.
        """
        files = Files(home)
        _refuse_without_database(files)
        with _border(files), ExitStack() as stack:
            lock_file = stack.enter_context(_locked(files))
            rewriting.tidy(files)
            files.empty_passing()
            generation.refuse_without_keys(files)
            signing = signer(home)
            connection = stack.enter_context(_connected(files))
            is_up_to_date = generation.refuse_older(connection, files)
            generation.refuse_other_keys(connection, files, signing.keys)
            vault = Vault.open(home, environment)
            migrate(connection)
            unsealed = seal_texts(connection, files, vault)
            if texts_in_old_pages(connection):
                connection = written_anew(connection, files, _connected)
                stack.enter_context(connection)
            unsealed += texts_in_old_pages(connection)
            database = cls(connection, files, lock_file, signing, vault, clock)
            database.is_up_to_date = is_up_to_date
            with database.transaction(MACHINE, Act.RECOVER) as cursor:
                index = recover(cursor, files, now)
                database.event.details["put_back"] = index.put_back
            _end_what_was_begun(database, now)
            database.advance()
            _tell_restored(database)
            recovered = _tidied(files, vault, index, now, is_up_to_date=is_up_to_date)
            database.recovered = replace(recovered, texts_in_plain=unsealed)
            stack.pop_all()
        return database

    @contextmanager
    def transaction(
        self, actor: Actor, act: Act, subject: str = "", *, name: str | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose statements all hold or, when the block raises, none does.

        Other threads wait meanwhile, so touch no files and do no lengthy work inside. An act that
        is recorded becomes an event in the same transaction; `event` takes what is to be told.

        Args:
            actor: on whose behalf.
            act: what for.
            subject: id of what it concerns.
            name: of whoever did it, where one is kept; somebody signed in has no other than theirs.

        Raises:
            NotAllowed: the actor may not.
            SessionExpired: the actor's session is over.
            UnusableFolder: the database was closed.
            ValueError: this thread is in a transaction already.
        """
        with self._lock:
            self.admit(actor, act, subject, name=name)
            self._in_transaction = True
            self._event = OpenEvent(subject)
            try:
                yield from self._guarded(actor, act)
            except (NotAllowed, SessionExpired) as refusal:
                self._record_refusal(actor, act, subject, refusal)
                raise
            finally:
                self._in_transaction = False

    @contextmanager
    def snapshot(
        self, actor: Actor, act: Act, subject: str = ""
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that reads what is stored now while other threads go on, however long it takes.

        Raises:
            NotAllowed, SessionExpired, UnusableFolder: as `transaction`.
            ValueError: the act is one that is recorded, which takes a transaction.
        """
        if act.is_recorded:
            raise ValueError(f"expected an act that is not recorded, got {act.key}")
        with self._lock:
            self.admit(actor, act, subject)
            cursor = self._connection.cursor()
        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield cursor
        finally:
            cursor.close()

    @property
    def head(self) -> Head:
        """The end of the audit trail: number and hash of the last event that is on record."""
        return self._trail.head

    def seal(self) -> None:
        """Sign the end of the audit trail now, unless it is signed."""
        with self._lock:
            self._trail.seal(self._clock())

    @property
    def event(self) -> OpenEvent:
        """What the open transaction will have on record; ids, pseudonyms and counts alone."""
        return self._event

    def person(self, name: str) -> str:
        """The pseudonym of a name, for the open transaction's event; the name is kept apart."""
        pseudonym = self._keys.pseudonym("reviewer", name)
        self._event.people[pseudonym] = name
        return pseudonym

    def admit(self, actor: Actor, act: Act, subject: str = "", *, name: str | None = None) -> None:
        """Refuse what `transaction` would refuse, before files are touched; that is recorded.

        Raises:
            NotAllowed, SessionExpired, UnusableFolder, ValueError: as `transaction`.
        """
        with self._lock:
            if self._is_closed:
                raise UnusableFolder("The database is closed because Lethe is stopping.")
            if self._in_transaction:
                raise ValueError("expected no open transaction in this thread, found one")
            try:
                refuse(actor, act, self._clock(), name)
            except (NotAllowed, SessionExpired) as refusal:
                self._record_refusal(actor, act, subject, refusal)
                raise

    @property
    def now(self) -> datetime:
        """The present, by which sessions end and events are dated."""
        return self._clock()

    def advance(self) -> None:
        """Count one generation further, so that a copy made before is known as older."""
        with self._lock:
            with self.transaction(MACHINE, Act.WORK) as cursor:
                reached = generation.advanced(cursor)
            try:
                generation.mark(self.files.generation, reached, self._keys)
            except OSError as error:  # a database ahead of its mark opens as well
                log.warning("generation %d was not marked (%s)", reached.number, error.strerror)

    def close(self) -> None:
        """Write everything into the one file and let other processes have it; again is harmless."""
        with self._lock:
            if self._is_closed:
                return
            try:
                self.advance()
            except duckdb.Error as error:
                log.error("the last generation was not kept (%s)", type(error).__name__)  # noqa: TRY400
            finally:
                self._trail.seal(self._clock())
                self._is_closed = True
                self._connection.close()
                self._lock_file.close()

    def _record_refusal(
        self, actor: Actor, act: Act, subject: str, refusal: NotAllowed | SessionExpired
    ) -> None:
        """In a transaction of its own: that of the act is over, or never began.

        Once a session: a tab that is left open would ask, and be refused, for ever.
        """
        reason = type(refusal).__name__
        told = (actor.id, actor.session, act.key, subject, reason)
        if told in self._refused:
            return
        self._event = OpenEvent(subject, {"refused": reason})
        for _ in self._guarded(actor, act, is_recorded=True):
            pass
        self._refused.add(told)

    def _guarded(
        self, actor: Actor, act: Act, *, is_recorded: bool = False
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        told, now = self._event, self._clock()
        try:
            self._connection.execute("BEGIN")
            yield self._connection
            head = None
            if is_recorded or (act.is_recorded and not told.is_idle):
                head = self._trail.append(actor, act, told, now)
            self._connection.execute("COMMIT")
            if head is not None:
                self._trail.reached(head, told, now)
        except BaseException:  # an interrupt comes at any line, also at the last one
            with suppress(duckdb.Error):  # no transaction is open any more, or not yet
                self._connection.execute("ROLLBACK")
            with suppress(duckdb.Error):
                self._trail.reread()
            raise


@contextmanager
def open_read_only(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the database under `home` for reading alone; no byte of the folder changes.

    Nothing is made, migrated, tidied up or locked for others.

    Raises:
        UnusableFolder: there is no database, another Lethe has it open, or it is damaged or older
            than any that this Lethe can read.
    """
    files = Files(home)
    refuse_without_data(files)
    with (
        _border(files),
        duckdb.connect(str(files.database), read_only=True, config=_SETTINGS) as connection,
    ):
        _refuse_foreign(connection, files)
        yield connection


def refuse_without_data(files: Files) -> None:
    """Refuse a folder in which there is no database yet; make nothing.

    Raises:
        UnusableFolder: there is none.
    """
    if not files.database.is_file() or not files.database.stat().st_size:
        raise UnusableFolder(
            f"{files.home} holds no data of Lethe: there is no {files.database.name}. Nothing was "
            "made."
        )


@contextmanager
def held(files: Files) -> Iterator[None]:
    """Keep every Lethe from opening the database, which is closed.

    Raises:
        UnusableFolder: one has it open.
    """
    with _locked(files):
        yield


def _locked(files: Files) -> BinaryIO:
    try:
        files.make()
        lock_file = open_private(files.lock)
    except OSError as error:
        raise _unreadable(files, error) from error
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock_file.close()
        raise _in_use(files) from error
    return lock_file


def _refuse_without_database(files: Files) -> None:
    """Refuse a folder that has pictures and no database, before anything is made in it."""
    try:
        is_there = files.database.exists() and files.database.stat().st_size > 0
        count = 0 if is_there else sum(1 for _ in files.stored())
    except OSError as error:
        raise _unreadable(files, error) from error
    if count:
        raise UnusableFolder(
            f"{files.home} holds {count} files in originals and releases but no "
            f"{files.database.name} that knows them; nothing was changed. Put back all of the "
            "folder from one copy, move these files elsewhere, or choose another folder with "
            "LETHE_HOME."
        )


@contextmanager
def _border(files: Files) -> Iterator[None]:
    """Whatever DuckDB or the disk says while a database is opened becomes a sentence."""
    try:
        yield
    except (duckdb.Error, UnicodeDecodeError) as error:
        if "Could not set lock" in str(error):
            raise _in_use(files) from error
        raise _damaged(files) from error
    except OSError as error:
        raise _unreadable(files, error) from error


def _connected(files: Files) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(files.database), config=_SETTINGS)
    try:
        _refuse_foreign(connection, files)
        files.database.chmod(0o600)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_foreign(connection: duckdb.DuckDBPyConnection, files: Files) -> None:
    if is_foreign(connection):
        raise UnusableFolder(
            f"{files.database} is a database, but none of Lethe's; it and the pictures beside it "
            "were not touched. Choose another folder with LETHE_HOME."
        )


def _end_what_was_begun(database: Database, now: datetime) -> None:
    """Go on with pictures whose end a kill parted; what the disk does not take waits."""
    with database.transaction(MACHINE, Act.WORK) as cursor:
        waiting = steps.unfinished(cursor)
    for shredding in waiting:
        try:
            steps.go_on(MACHINE, database, shredding, now)
        except OSError as error:
            log.error("picture %s was not destroyed (%s)", shredding.picture_id, error.strerror)  # noqa: TRY400


def _tidied(
    files: Files, vault: Vault, index: FileIndex, now: datetime, *, is_up_to_date: bool
) -> Recovered:
    recovered = tidy(files, vault, index, now, is_up_to_date=is_up_to_date)
    sealed, unsealed = seal_plain(files, vault, index.originals.values())
    recovered = replace(recovered, sealed=sealed, unsealed=unsealed)
    if recovered != Recovered():
        log.warning("tidied up after the last time: %s", recovered)
    return recovered


def _tell_restored(database: Database) -> None:
    """Put on record that the folder was restored from a backup, where it was since it was open."""
    mark = restored.read(database.files.restored)
    if mark is None:
        return
    actor = Actor(mark.actor, mark.actor, frozenset({Role.ADMIN}))  # admitted when it was restored
    with database.transaction(actor, Act.RESTORE, mark.id) as cursor:
        database.event.details |= {"backup": mark.backup, "keyring": mark.keyring}
        database.event.is_idle = restored.is_on_record(cursor, mark)
    database.files.restored.unlink()


def _damaged(files: Files) -> UnusableFolder:
    return UnusableFolder(
        f"{files.database} cannot be opened as a database; no picture was touched. Put back all of "
        f"{files.home} from one copy, not the database alone, or choose another folder with "
        "LETHE_HOME."
    )


def _unreadable(files: Files, error: OSError) -> UnusableFolder:
    return UnusableFolder(
        f"Lethe cannot keep its data in {files.home}: {error.strerror}. "
        "Choose another folder with LETHE_HOME."
    )


def _in_use(files: Files) -> UnusableFolder:
    return UnusableFolder(
        f"Another Lethe has the data in {files.home} open, and only one may. "
        "Stop it first, or choose another folder with LETHE_HOME."
    )
