"""Originals as files: sealed in the vault, each under a key of its own.

One that came before there was a vault lies as it came until the next start seals it
(`store.worker.sealing`). Nothing here asks who may: `store.batches` does, before.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from engine.files import atomic
from engine.runs.sources import PathSource, PictureSource
from engine.signing.keys import KeyRing
from store.files import Files
from store.vault.context import Item, Purpose
from store.vault.errors import BrokenSeal
from store.vault.new_keys import NewKeys
from store.vault.vault import Vault, is_sealed


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file that was sealed on arrival, under a key that its upload wraps."""

    item: Item
    path: Path


@dataclass(frozen=True, slots=True)
class Originals:
    """The originals of a data folder."""

    files: Files
    vault: Vault
    keys: KeyRing
    """For digests of what came in."""

    def keep(self, original: Item, content: bytes | Path) -> str:
        """Store an original, sealed under a new key; gives its digest.

        Raises:
            UnusableKeys: the batch's key is gone.
            OSError: the content cannot be read, or the disk does not take it.
        """
        self.vault.add_batch(original.batch)
        try:
            self.vault.add_picture(original.batch, original.picture)
            plain = self.vault.seal_file(original, self._path(original), content)
        except BaseException:
            self.discard(original)
            raise
        return self.keys.original_digest(plain)

    def keep_all(self, keys: NewKeys, contents: Mapping[str, bytes]) -> None:
        """Store originals of new pictures, by picture id, with their keys; all of them or none.

        Raises:
            OSError: the disk does not take one.
        """
        items = {picture: item(keys.batch, picture) for picture in contents}
        sealed = (
            (self._path(items[picture]), keys.sealed(items[picture], [content]))
            for picture, content in contents.items()
        )
        try:
            atomic.write_all(chain(keys.wrapped.items(), sealed))
        except BaseException:
            for one in items.values():
                self.discard(one)
            raise

    def take_over(self, original: Item, sealed: SealedFile) -> str:
        """Store what was sealed on arrival, as it is; gives its digest.

        Its key is wrapped by the batch's too and its bytes are linked, not copied, so that what
        waits stays until whoever keeps it lets it go. A link that an earlier try left behind
        is used as it is.

        Raises:
            BrokenSeal: it is not what was sealed; it is stored with its key all the same, so that
                the file can be put back from a copy.
            UnusableKeys: its key is gone.
            OSError: it cannot be read, the disk does not take it, or it is stored already.
        """
        self.vault.add_batch(original.batch)
        path = self._path(original)
        is_linked = path.exists()
        if is_linked and not self._is_left_over(path, original, sealed):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        try:
            if not is_linked:
                atomic.link(sealed.path, path)
            self.vault.share(original.picture, sealed.item.batch, original.batch)
            plain = self._digest(original)
        except BrokenSeal:
            raise
        except BaseException:
            self.discard(original)
            raise
        return plain

    def _digest(self, original: Item) -> str:
        plain = hashlib.sha256()
        for chunk in self.vault.source(original, self._path(original)).chunks():
            plain.update(chunk)
        return self.keys.original_digest(plain.digest())

    def discard(self, original: Item) -> None:
        """End an original: its key, then its file; again is harmless.

        Raises:
            OSError: the disk does not take it.
        """
        self.vault.destroy_picture(original.batch, original.picture)
        self._path(original).unlink(missing_ok=True)

    def source(self, original: Item) -> PictureSource:
        """Where the bytes of an original come from, to read here or to hand to a worker.

        Raises:
            UnusableKeys: the vault has no key for it, or cannot use it.
            OSError: the file cannot be read.
        """
        path = self._path(original)
        return self.vault.source(original, path) if is_sealed(path) else PathSource(path)

    def _is_left_over(self, path: Path, original: Item, sealed: SealedFile) -> bool:
        """Whether a file is what waits, under the name of a picture that no other batch has."""
        holders = self.vault.holders(original.picture) - {original.batch, sealed.item.batch}
        return not holders and path.samefile(sealed.path)

    def _path(self, original: Item) -> Path:
        return self.files.original(original.picture)


def item(batch_id: str, picture_id: str) -> Item:
    """A picture's original, as the vault names it."""
    return Item(batch_id, picture_id, Purpose.ORIGINAL)
