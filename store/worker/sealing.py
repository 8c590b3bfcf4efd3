"""Originals from before there was a vault: sealed at the start, one after another.

Each is sealed into a new file, which is synced and then takes its place, so that a kill at any
moment leaves the one or the other, and the next start goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from store.files import Files
from store.vault.context import Item
from store.vault.errors import MissingKey
from store.vault.vault import Vault, is_sealed

log = logging.getLogger(__name__)


def seal_plain(files: Files, vault: Vault, originals: Iterable[Item]) -> tuple[int, int]:
    """Seal what lies as it came; gives how many were sealed, and how many could not be.

    What cannot be is read as it is meanwhile: a full disk must not keep the program from starting.
    """
    sealed = unsealed = 0
    for original, path in _plain(files, originals):
        try:
            vault.add_batch(original.batch)
            vault.add_picture(original.batch, original.picture)
            vault.seal_file(original, path, path)
        except (OSError, MissingKey) as error:
            unsealed += 1
            log.warning("original %s was not sealed (%s)", original.picture, type(error).__name__)
        else:
            sealed += 1
    return sealed, unsealed


def _plain(files: Files, originals: Iterable[Item]) -> Iterator[tuple[Item, Path]]:
    for original in originals:
        path = files.original(original.picture)
        try:
            is_plain = path.is_file() and not is_sealed(path)
        except OSError:
            continue  # whoever needs it says so
        if is_plain:
            yield original, path
