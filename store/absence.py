"""Absence: which new ids surely have no row, asked before what was made for them is discarded.

Files and keys come before their rows. Where the transaction of the rows raises they are discarded
again, but it may have raised when the rows were in: an interrupt comes at any line.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

import duckdb

from engine.errors import LetheError
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.errors import NotAllowed

Table: TypeAlias = Literal["batches", "evaluations", "pictures", "receipts"]
_KNOWN: Final[Mapping[Table, str]] = {
    "batches": "SELECT id FROM batches WHERE list_contains(?::VARCHAR[], id)",
    "evaluations": "SELECT id FROM evaluations WHERE list_contains(?::VARCHAR[], id)",
    "pictures": "SELECT id FROM pictures WHERE list_contains(?::VARCHAR[], id)",
    "receipts": "SELECT release_id FROM receipts WHERE list_contains(?::VARCHAR[], release_id)",
}
"""Those of some ids that are known."""
log = logging.getLogger(__name__)


def absent(actor: Actor, database: Database, table: Table, ids: Iterable[str]) -> frozenset[str]:
    """Those without a row; none of them where that cannot be told.

    What is left then no row knows, and the next start sets it aside. Outside of a transaction.
    """
    new = frozenset(ids)
    try:
        with database.transaction(actor, Act.WORK) as cursor:
            known = cursor.execute(_KNOWN[table], [list(new)]).fetchall()
    except NotAllowed:
        raise
    except (LetheError, OSError, ValueError, duckdb.Error) as error:
        log.warning("%d new files and keys were left (%s)", len(new), type(error).__name__)
        return frozenset()
    return new - {str(one) for (one,) in known}
