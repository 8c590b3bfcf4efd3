"""The keyring: wrapped keys as files, each of which can be destroyed alone.

Under `$LETHE_HOME/keyring`, readable by its owner alone::

    installation         32 hex digits: what every seal of this installation is bound to
    lookup.key           the key of look-ups, wrapped by the master key; a keyring has one
    scrypt.json          how a passphrase becomes the master key, where one does
    lock                 held while batch keys are made or rewrapped
    <batch>/batch.key    wrapped by the master key
    <batch>/<id>.key     a picture's, wrapped by its batch's
    <batch>/<batch>.key  for the batch's own name, likewise

No key lies here unwrapped. A key that is there is never written over, but for the same one wrapped
by another.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine.errors import UnusableKeys
from engine.files import atomic
from engine.files.lock import lock
from store.vault import context
from store.vault.errors import MissingKey
from store.vault.shredding import is_shredded, shred
from store.vault.wrapping import WRAP_BYTES, Key, wrapping_id

_BATCH_KEY: Final = "batch.key"
_SUFFIX: Final = ".key"
_INSTALLATION_BYTES: Final = 16
FindKey = Callable[[str], Key]
"""Gives the master key of an id, or raises UnusableKeys."""


class Keyring:
    """The folder, and what is in it."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "keyring"
        self._id: str | None = None

    @property
    def installation(self) -> str:
        """What every seal is bound to.

        Raises:
            UnusableKeys: it is lost or damaged.
        """
        if self._id is None:
            try:
                text = self._path("installation").read_text(encoding="ascii").strip()
                self._id = context.checked_id(text)
            except (OSError, ValueError) as error:
                raise self._incomplete("installation") from error
        return self._id

    @property
    def is_new(self) -> bool:
        """Whether no key was wrapped here yet.

        Raises:
            UnusableKeys: keys were, and a part of the keyring is missing.
        """
        if self._path("lookup.key").exists():
            return False
        if any(self.batches()):
            raise self._incomplete("lookup.key")
        return True

    def begin(self, master: Key) -> None:
        """Make a keyring where there is none; what an interrupted start made is used.

        Raises:
            OSError: the disk does not take it.
        """
        if not self._path("installation").exists():
            drawn = secrets.token_hex(_INSTALLATION_BYTES)
            atomic.write(self._path("installation"), drawn.encode())
        wrapped = master.wrap(Key.new(), context.of_lookup_key(self.installation))
        atomic.write(self._path("lookup.key"), wrapped)

    def lookup_key(self, find: FindKey) -> Key:
        """The key of look-ups.

        Raises:
            UnusableKeys: it is missing or was changed, or its master key is not there.
        """
        master = find(self.master_id)
        wrapped = _read(self._path("lookup.key"))
        return master.unwrap(wrapped, context.of_lookup_key(self.installation))

    @property
    def master_id(self) -> str:
        """The id of the master key that this keyring goes by; a rotation changes it last.

        Raises:
            UnusableKeys: the keyring is not complete.
        """
        try:
            return wrapping_id(_read(self._path("lookup.key")))
        except MissingKey as error:
            raise self._incomplete("lookup.key") from error

    def add_batch(self, batch: str, master: Key) -> None:
        """Make a batch's key, unless there is one; under `locked`.

        Raises:
            MissingKey: the batch had one, which was destroyed or lost while pictures' were not.
            OSError: the disk does not take it.
        """
        folder = self._batch(batch)
        if self._exists(folder / _BATCH_KEY):
            return
        if folder.is_dir() and any(folder.glob(f"*{_SUFFIX}")):
            raise _missing("batch", batch)
        folder.mkdir(mode=atomic.PRIVATE_FOLDER, exist_ok=True)
        atomic.sync_folder(self.folder)
        wrapped = master.wrap(Key.new(), context.of_batch_key(self.installation, batch))
        atomic.write(folder / _BATCH_KEY, wrapped)

    def batch_key(self, batch: str, find: FindKey) -> Key:
        """A batch's key.

        Raises:
            MissingKey: it was destroyed, or never made.
            UnusableKeys: it was changed, or its master key is not there.
        """
        wrapped = _read(self._batch(batch) / _BATCH_KEY, "batch", batch)
        known = find(wrapping_id(wrapped))
        return known.unwrap(wrapped, context.of_batch_key(self.installation, batch))

    def has_picture(self, batch: str, picture: str) -> bool:
        """Whether the picture has a key in this batch."""
        return self._exists(self._picture(batch, picture))

    def put_picture(self, batch: str, picture: str, key: Key, batch_key: Key) -> None:
        """Keep a picture's key, wrapped by its batch's.

        Raises:
            OSError: the disk does not take it.
        """
        atomic.write(*self.wrapped(batch, picture, key, batch_key))

    def wrapped(self, batch: str, picture: str, key: Key, batch_key: Key) -> tuple[Path, bytes]:
        """The file of a picture's key, and what goes into it."""
        bound = context.of_picture_key(self.installation, batch, picture)
        return self._picture(batch, picture), batch_key.wrap(key, bound)

    def picture_key(self, batch: str, picture: str, batch_key: Key) -> Key:
        """A picture's key.

        Raises:
            MissingKey: it was destroyed, or never made.
            UnusableKeys: it was changed.
        """
        wrapped = _read(self._picture(batch, picture), "picture", picture)
        return batch_key.unwrap(wrapped, context.of_picture_key(self.installation, batch, picture))

    def destroy_picture(self, batch: str, picture: str) -> bool:
        """End a picture's key; True where there was one.

        Raises:
            OSError: the disk does not take it; do it again.
        """
        path = self._picture(batch, picture)
        return path.parent.is_dir() and shred(path)

    def destroy_batch(self, batch: str) -> bool:
        """End a batch's key, which ends all in it, then its pictures'; True where there was any.

        Raises:
            OSError: the disk does not take it; do it again.
        """
        folder = self._batch(batch)
        if not folder.is_dir():
            return False
        shred(folder / _BATCH_KEY)
        for path in sorted(folder.iterdir()):
            shred(path)
        folder.rmdir()
        atomic.sync_folder(self.folder)
        return True

    def batches(self) -> Iterator[str]:
        """Ids of the batches that have a folder here, sorted."""
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            if context.is_id(path.name) and path.is_dir():
                yield path.name

    def pictures(self, batch: str) -> int:
        """How many pictures of a batch have a key; the one for its own name is none of theirs."""
        names = (path.name.removesuffix(_SUFFIX) for path in self._batch(batch).glob(f"*{_SUFFIX}"))
        return sum(context.is_id(name) and name != batch for name in names)

    def wrapped_by(self) -> Iterator[str]:
        """The master key's id of each key that one wraps.

        Raises:
            UnusableKeys: a file is no wrapped key.
        """
        for path, _ in self._under_master():
            yield wrapping_id(path.read_bytes())

    def rewrap(self, find: FindKey, master: Key) -> int:
        """Have every key that a master key wraps wrapped by this one; gives how many were not.

        Each file is the old wrap or the new one, so a kill between two loses nothing and doing it
        again goes on; under `locked`.

        Raises:
            UnusableKeys: one cannot be unwrapped; those before are rewrapped, the others are not.
            OSError: the disk does not take one.
        """
        count = 0
        for path, bound in self._under_master():
            wrapped = path.read_bytes()
            if wrapping_id(wrapped) == master.id:
                continue
            key = find(wrapping_id(wrapped)).unwrap(wrapped, bound)
            atomic.write(path, master.wrap(key, bound))
            count += 1
        return count

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the keyring's lock, waiting for another process.

        Raises:
            OSError: there can be no lock.
        """
        self.folder.mkdir(mode=atomic.PRIVATE_FOLDER, parents=True, exist_ok=True)
        descriptor = lock(self._path("lock"), wait=True)
        try:
            yield
        finally:
            os.close(descriptor)

    def _under_master(self) -> Iterator[tuple[Path, bytes]]:
        """Every key that a master key wraps, with what it is bound to; those destroyed left out."""
        for batch in self.batches():
            path = self._batch(batch) / _BATCH_KEY
            if self._exists(path):
                yield path, context.of_batch_key(self.installation, batch)
        yield self._path("lookup.key"), context.of_lookup_key(self.installation)

    def _exists(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                return not is_shredded(file.read(WRAP_BYTES))
        except FileNotFoundError:
            return False

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _batch(self, batch: str) -> Path:
        return self.folder / context.checked_id(batch)

    def _picture(self, batch: str, picture: str) -> Path:
        return self._batch(batch) / f"{context.checked_id(picture)}{_SUFFIX}"

    def _incomplete(self, name: str) -> UnusableKeys:
        return UnusableKeys(
            f"{self._path(name)} is missing or damaged, so the keyring cannot be used; nothing was "
            "changed. Put the keyring back from a copy."
        )


def _read(path: Path, kind: str = "", random_id: str = "") -> bytes:
    try:
        wrapped = path.read_bytes()
    except FileNotFoundError as error:
        raise _missing(kind, random_id) from error
    except OSError as error:
        raise UnusableKeys(
            f"A key of the keyring cannot be read ({error.strerror}); nothing was changed."
        ) from error
    if is_shredded(wrapped):
        raise _missing(kind, random_id)
    return wrapped


def _missing(kind: str, random_id: str) -> MissingKey:
    return MissingKey(
        f"The key of {kind} {random_id} is gone, so what it sealed cannot be read: it was "
        "destroyed, or its part of the keyring is missing."
    )
