"""Private texts beside a row: sealed for a column, opened for whoever is to see the row.

What is private of a picture, its name, its licence and the reason that a program gave, is sealed
under the picture's key; the name of a batch under a key of its own. So destroying that one key ends
them wherever a copy of the row lies. Nothing is opened before somebody asks: a list of 100,000 rows
opens those that are shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from engine.errors import UnusableKeys
from store.text import storable
from store.vault.context import Item, Purpose
from store.vault.errors import BrokenSeal, MissingKey
from store.vault.vault import Vault

Column: TypeAlias = bytes | str | None
"""Sealed, or as it came where it is from before there were seals and could not be sealed yet."""
UNOPENED: Final = (UnusableKeys, BrokenSeal)
"""Why a text cannot be opened."""


@dataclass(frozen=True, slots=True)
class PrivateText:
    """A text as its row has it."""

    batch: str
    picture: str
    purpose: Purpose
    content: Column = field(repr=False)
    vault: Vault = field(repr=False, compare=False)

    @property
    def text(self) -> str | None:
        """What it says; None where there is none.

        Raises:
            MissingKey: its key was destroyed, or is away.
            UnusableKeys: its key was changed.
            BrokenSeal: it was changed.
        """
        if isinstance(self.content, bytes):
            item = Item(self.batch, self.picture, self.purpose)
            return self.vault.open_text(item, self.content)
        return self.content

    @property
    def shown(self) -> str:
        """What it says, or in its place that nobody can tell any more; "" where there is none."""
        try:
            return self.text or ""
        except UNOPENED as error:
            return lost(self.purpose, error)


def lost(purpose: Purpose, error: Exception) -> str:
    """What stands in the place of a text that cannot be opened."""
    if isinstance(error, MissingKey):
        return f"{purpose.value} destroyed"
    return f"{purpose.value} unreadable: its key or its seal was changed"


def of_picture(
    vault: Vault, batch: str, picture: str, purpose: Purpose, *columns: Column
) -> PrivateText:
    """A text of a picture: the first of its columns that holds one."""
    content = next((column for column in columns if column is not None), None)
    return PrivateText(batch, picture, purpose, content, vault)


def name_lookup(vault: Vault, name: str) -> str:
    """What tells whether two pictures came with one name, without either name.

    It outlives the picture's key; clear it with that.
    """
    return vault.lookup(Purpose.NAME, storable(name))


def of_group(vault: Vault, group: str, purpose: Purpose, *columns: Column) -> PrivateText:
    """A text of a batch or an evaluation."""
    return of_picture(vault, group, group, purpose, *columns)


def begin_group(vault: Vault, group: str) -> None:
    """Make the key for what is private of a batch or an evaluation itself, unless there is one.

    Raises:
        MissingKey: the batch's key was destroyed, and its pictures' were not yet.
        OSError: the disk does not take it.
    """
    vault.add_batch(group)
    vault.add_picture(group, group)


def end_group(vault: Vault, group: str) -> None:
    """Destroy that key; what it sealed is gone wherever a copy lies.

    Raises:
        OSError: the disk does not take it; the key may be there still.
    """
    vault.destroy_picture(group, group)


def seal_for_group(vault: Vault, group: str, purpose: Purpose, text: str) -> bytes:
    """A text of a batch or an evaluation, for a column.

    Raises:
        MissingKey: it has no key.
    """
    return vault.seal_text(_of_group(group, purpose), text)


def seal_all_for_group(
    vault: Vault, group: str, purpose: Purpose, texts: Iterable[str]
) -> list[bytes]:
    """Texts of one kind, of a batch or an evaluation, each for a column.

    Raises:
        MissingKey: it has no key.
    """
    return vault.seal_texts(_of_group(group, purpose), texts)


def _of_group(group: str, purpose: Purpose) -> Item:
    return Item(group, group, purpose)
