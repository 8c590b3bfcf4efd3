"""The vault of a data folder: keys made, contents sealed and opened, keys destroyed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.errors import UnusableKeys
from engine.files import atomic
from store.vault import context, sealing
from store.vault.context import Item, Purpose
from store.vault.keyring import Keyring
from store.vault.master import MasterKeys, MasterSource
from store.vault.new_keys import NewKeys
from store.vault.source import SealedSource
from store.vault.wrapping import Key

_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Status:
    """What the keyring holds; no key."""

    master: str
    """Id of the master key that the keyring goes by."""
    origin: str
    """Where it comes from: the name of a variable, or `keys/master`."""
    target: str
    """Id of the one that the next rotation goes over to; the same, where none is set or begun."""
    batches: int
    """Uploads and evaluations among them."""
    pictures: int
    under_earlier: int
    """Keys that another master key wraps: a rotation was begun and not ended."""


class Vault:
    """An open vault; `open` makes one. Threads may share it.

    Keys are read from the keyring each time, so one that was destroyed opens nothing from then on,
    in every process.
    """

    def __init__(self, keyring: Keyring, source: MasterSource, masters: MasterKeys) -> None:
        self._keyring = keyring
        self._source = source
        self._masters = masters
        self._lookup = keyring.lookup_key(self._master)
        self._lookups = cache(self._lookup_key)

    @classmethod
    def open(cls, home: Path, environment: Mapping[str, str]) -> Self:
        """Open the vault under `home`, made when there is none and nothing was sealed.

        Args:
            home: the data folder.
            environment: may name the master key; see `store.vault.master`.

        Raises:
            UnusableKeys: the master key is missing, wrong or readable by others, or the keyring is
                not complete. Nothing was changed then.
        """
        keyring = Keyring(home)
        try:
            source = MasterSource(home, environment)
            if keyring.is_new:
                _begin(home, keyring, source)
            vault = cls(keyring, source, source.load())
            source.tidy()
        except OSError as error:
            raise _unusable(keyring, error) from error
        return vault

    def add_batch(self, batch: str) -> None:
        """Make the key of a batch or of an upload, unless there is one.

        Raises:
            MissingKey: its key was destroyed, and its pictures' were not yet.
            OSError: the disk does not take it.
        """
        with self._keyring.locked():
            self._keyring.add_batch(batch, self._master(self._keyring.master_id))

    def add_picture(self, batch: str, picture: str) -> None:
        """Make the key of a picture, unless there is one.

        Raises:
            MissingKey: the batch has no key.
            OSError: the disk does not take it.
        """
        batch_key = self._keyring.batch_key(batch, self._master)
        if not self._keyring.has_picture(batch, picture):
            self._keyring.put_picture(batch, picture, Key.new(), batch_key)

    def new_keys(self, batch: str, pictures: Iterable[str]) -> NewKeys:
        """Draw keys for pictures that have none; whoever uses them writes them first.

        Raises:
            MissingKey: the batch has no key.
        """
        batch_key = self._keyring.batch_key(batch, self._master)
        keys = {picture: Key.new() for picture in pictures}
        wrapped = dict(
            self._keyring.wrapped(batch, picture, key, batch_key) for picture, key in keys.items()
        )
        return NewKeys(self._keyring.installation, batch, wrapped, keys)

    def share(self, picture: str, from_batch: str, to_batch: str) -> None:
        """Have another batch wrap a picture's key too; what it sealed stays as it is.

        Both wraps open it then, until one is destroyed. Doing it twice is harmless.

        Raises:
            MissingKey: the picture has no key, or a batch has none.
            ValueError: it has another key in the other batch.
            OSError: the disk does not take it.
        """
        key = self._picture_key(from_batch, picture)
        if not self._keyring.has_picture(to_batch, picture):
            batch_key = self._keyring.batch_key(to_batch, self._master)
            self._keyring.put_picture(to_batch, picture, key, batch_key)
        if self._picture_key(to_batch, picture) != key:
            raise ValueError(f"picture {picture} has a key of its own in batch {to_batch}")

    def seal_file(self, item: Item, path: Path, content: bytes | Path | Iterable[bytes]) -> bytes:
        """Seal a content into a file, whole or not at all; no more than two chunks are in memory.

        The content may be the file itself: it is replaced once its seal is on the disk.

        Returns:
            The SHA-256 of the content. It tells who holds a candidate, so write it nowhere.

        Raises:
            MissingKey: the picture has no key.
            OSError: the content cannot be read, or the disk does not take it.
        """
        key = self._picture_key(item.batch, item.picture)
        bound = context.of_content(self._keyring.installation, item)
        digest = hashlib.sha256()
        atomic.write(path, sealing.sealed(key.secret, bound, _hashed(_pieces(content), digest)))
        return digest.digest()

    def source(self, item: Item, path: Path) -> SealedSource:
        """A sealed file together with its key: to read it here, or to hand to a worker.

        Raises:
            MissingKey: the picture has no key any more.
            UnusableKeys: its key cannot be unwrapped.
        """
        key = self._picture_key(item.batch, item.picture)
        return SealedSource(path, key.secret, context.of_content(self._keyring.installation, item))

    def seal_text(self, item: Item, text: str) -> bytes:
        """A small text sealed, for a column of its own.

        Raises:
            MissingKey: the picture has no key.
        """
        (sealed,) = self.seal_texts(item, [text])
        return sealed

    def seal_texts(self, item: Item, texts: Iterable[str]) -> list[bytes]:
        """Small texts of one kind, each sealed for itself.

        Raises:
            MissingKey: the picture has no key.
        """
        key = self._picture_key(item.batch, item.picture)
        bound = context.of_content(self._keyring.installation, item)
        return [sealing.seal_text(key.secret, bound, text) for text in texts]

    def open_text(self, item: Item, sealed: bytes) -> str:
        """The text that `seal_text` sealed.

        Raises:
            MissingKey: the picture has no key any more.
            BrokenSeal: it was changed, or is of another picture or purpose.
        """
        key = self._picture_key(item.batch, item.picture)
        bound = context.of_content(self._keyring.installation, item)
        return sealing.open_bytes(key.secret, bound, sealed).decode("utf-8", "surrogatepass")

    def lookup(self, purpose: Purpose, value: str) -> str:
        """64 hex digits that are equal for equal values of a purpose (HMAC-SHA-256).

        They tell nothing to whoever lacks this keyring. They outlive a picture's key, so clear them
        with it: whoever has the keyring and a candidate can compare.
        """
        return hmac.new(
            self._lookups(purpose), value.encode("utf-8", "surrogatepass"), hashlib.sha256
        ).hexdigest()

    def has_picture(self, batch: str, picture: str) -> bool:
        """Whether the picture has a key in this batch."""
        return self._keyring.has_picture(batch, picture)

    def holders(self, picture: str) -> frozenset[str]:
        """The batches and uploads in which the picture has a key."""
        batches = self._keyring.batches()
        return frozenset(one for one in batches if self._keyring.has_picture(one, picture))

    def destroy_picture(self, batch: str, picture: str) -> bool:
        """End all that is sealed of a picture, by destroying its key; True where it had one.

        After a kill, doing it again goes on; so does doing it twice.

        Raises:
            OSError: the disk does not take it; the key may be there still.
        """
        return self._keyring.destroy_picture(batch, picture)

    def destroy_batch(self, batch: str) -> bool:
        """End all that is sealed in a batch, its key first; True where it had any.

        Raises:
            OSError: the disk does not take it; a key may be there still.
        """
        return self._keyring.destroy_batch(batch)

    def rotate(self) -> int:
        """Have a new master key wrap everything, while others go on; gives how many keys it took.

        Where the key comes from outside, the new one is what is set now, and the old one is set as
        the earlier. After a kill, doing it again goes on, with both usable meanwhile.

        Raises:
            UnusableKeys: an earlier key is missing, or the keyring was changed; both keys stay.
            OSError: the disk does not take it; both keys stay.
        """
        with self._keyring.locked():
            self._masters = self._source.begin_rotation()
            count = self._keyring.rewrap(self._master, self._masters.target.key)
            self._source.end_rotation()
            self._masters = self._source.load()
        return count

    def status(self) -> Status:
        """What the keyring holds.

        Raises:
            UnusableKeys: a file of it is no wrapped key.
        """
        masters, master_id = self._source.load(), self._keyring.master_id
        known = masters.find(master_id)
        if known is None:
            raise self._unknown(master_id, masters)
        batches = tuple(self._keyring.batches())
        return Status(
            master=master_id,
            origin=known.origin,
            target=masters.target.key.id,
            batches=len(batches),
            pictures=sum(map(self._keyring.pictures, batches)),
            under_earlier=sum(one != master_id for one in self._keyring.wrapped_by()),
        )

    def _lookup_key(self, purpose: Purpose) -> bytes:
        info = context.of_lookup(purpose)
        derivation = HKDF(SHA256(), length=sealing.KEY_BYTES, salt=None, info=info)
        return derivation.derive(self._lookup.secret)

    def _picture_key(self, batch: str, picture: str) -> Key:
        batch_key = self._keyring.batch_key(batch, self._master)
        return self._keyring.picture_key(batch, picture, batch_key)

    def _master(self, key_id: str) -> Key:
        """The master key of an id; a rotation elsewhere may have made it since."""
        known = self._masters.find(key_id)
        if known is None:
            self._masters = self._source.load()
            known = self._masters.find(key_id)
        if known is None:
            raise self._unknown(key_id, self._masters)
        return known.key

    def _unknown(self, key_id: str, masters: MasterKeys) -> UnusableKeys:
        target = masters.target
        return UnusableKeys(
            f"The keyring is wrapped by the master key {key_id}, and the one in {target.origin} is "
            f"{target.key.id}; nothing was opened or changed. Set the key that it was wrapped by, "
            "or the passphrase that it was made from."
        )


def _begin(home: Path, keyring: Keyring, source: MasterSource) -> None:
    """Make a keyring, unless something is sealed that one that is lost could open."""
    with keyring.locked():
        if not keyring.is_new:
            return  # another process was quicker
        if any(map(is_sealed, _kept(home))):
            raise UnusableKeys(
                f"{home} holds sealed pictures, and {keyring.folder} has no keys for them; nothing "
                "was changed and no new keys were made. Put the keyring back from its copy."
            )
        keyring.begin(source.make().target.key)


def _kept(home: Path) -> Iterator[Path]:
    """Files that may be sealed, which ids name.

    No other is opened: whoever opens and closes the database's file drops DuckDB's lock on it.
    """
    return (
        path
        for path in home.rglob("*")
        if context.is_id(path.name) and path.is_file() and not path.is_symlink()
    )


def is_sealed(path: Path) -> bool:
    """Whether a file was sealed; no picture begins as one that was.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return sealing.is_sealed(file.read(len(sealing.MAGIC)))


def _pieces(content: bytes | Path | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(content, bytes):
        return [content]
    return _read_pieces(content) if isinstance(content, Path) else content


def _hashed(pieces: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _read_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _unusable(keyring: Keyring, error: OSError) -> UnusableKeys:
    return UnusableKeys(
        f"The keyring in {keyring.folder} cannot be used ({error.strerror}); nothing was sealed."
    )
