"""Keys of pictures that come in together: they seal before any of them is on the disk.

The files of hundreds of pictures, keys and originals, are synced together then, and each key is
derived once; `Vault.add_picture` syncs each and reads it again for each use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from store.vault import context, sealing
from store.vault.context import Item
from store.vault.wrapping import Key


@dataclass(frozen=True, slots=True)
class NewKeys:
    """Keys of new pictures of one batch; `Vault.new_keys` draws them."""

    installation: str
    batch: str
    wrapped: Mapping[Path, bytes]
    """What is to be written before anything that they sealed."""
    _keys: Mapping[str, Key] = field(repr=False)

    def seal_text(self, item: Item, text: str) -> bytes:
        """As `Vault.seal_text`."""
        bound = context.of_content(self.installation, item)
        return sealing.seal_text(self._secret(item), bound, text)

    def sealed(self, item: Item, content: Iterable[bytes]) -> Iterator[bytes]:
        """A content sealed, in pieces to write."""
        bound = context.of_content(self.installation, item)
        return sealing.sealed(self._secret(item), bound, content)

    def _secret(self, item: Item) -> bytes:
        if item.batch != self.batch:
            raise ValueError(f"expected a picture of batch {self.batch}, got one of {item.batch}")
        return self._keys[item.picture].secret
