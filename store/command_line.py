"""Building blocks of the store's commands: the database, for whoever typed one, and a day."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path

from store.database import Database, refuse_without_data
from store.files import Files


@contextmanager
def opened(
    home: Path, environment: Mapping[str, str] = os.environ, *, makes_new: bool = False
) -> Iterator[Database]:
    """The database under `home`, closed at the end.

    Args:
        home: the folder of Lethe's data.
        environment: may name the master key; see `store.vault.master`.
        makes_new: whether one is made where there is none; a folder that was mistyped is refused
            otherwise.

    Raises:
        UnusableFolder: there is none, or it cannot be opened; see `Database.open`.
        UnusableKeys: its keys cannot be used.
    """
    if not makes_new:
        refuse_without_data(Files(home))
    database = Database.open(home, datetime.now(UTC), environment=environment)
    try:
        yield database
    finally:
        database.close()


def day(text: str) -> datetime:
    """For argparse: the start of a day in UTC."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a day like 2026-11-22, not {text!r}") from error
