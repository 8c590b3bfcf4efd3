"""The mark of a restore: what the next opening puts on record of it.

A data folder is restored without its master key, so without opening its database. So the restore
leaves a small file, and the first opening writes the event and removes it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from engine.errors import UnusableFolder
from engine.files import atomic
from store.accounts.act import Act

_LONGEST = 1_000
"""Bytes of the file; ours has some hundred."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore that is not on record yet."""

    id: str
    """Random."""
    backup: str
    keyring: str
    """Id of the backup that its keyring is of; empty where it has none."""
    actor: str
    """Id of whoever restored it."""


def mark(path: Path, restored: Restored) -> None:
    """Leave the file."""
    atomic.write(path, json.dumps(asdict(restored)).encode())


def read(path: Path) -> Restored | None:
    """What is not on record yet; None where there is nothing.

    Raises:
        UnusableFolder: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return Restored(**json.loads(file.read(_LONGEST)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UnusableFolder(
            f"{path}, which says from which backup this folder was restored, cannot be read; "
            "nothing was changed. Remove it to go on without that on record."
        ) from error


def is_on_record(cursor: duckdb.DuckDBPyConnection, restored: Restored) -> bool:
    """Whether an opening wrote the event and was stopped before it removed the file."""
    found = cursor.execute(
        """
        SELECT number
        FROM events
        WHERE act = ?
          AND subject = ?
        LIMIT 1
        """,
        [Act.RESTORE.key, restored.id],
    )
    return found.fetchone() is not None
