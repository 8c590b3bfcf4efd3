"""The end of a name: with the key that seals it, and in columns."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

import duckdb

from engine.runs.licences import Entry
from store.vault import private_text
from store.vault.context import Purpose
from store.vault.errors import MissingKey
from store.vault.private_text import UNOPENED
from store.vault.vault import Vault

NO_NAME: Final = private_text.lost(Purpose.NAME, MissingKey())
"""Stands where a name was."""
_MAY_GO_OUT: Final = """(
    state IN ('waiting', 'working', 'review', 'settled')
    OR EXISTS (SELECT 1 FROM receipts AS r WHERE r.live_picture_id = pictures.id)
)"""


def keep_attribution(cursor: duckdb.DuckDBPyConnection, vault: Vault, picture_id: str) -> None:
    """Leave of a picture's line in the manifest whom it is by, if a release of it may go out.

    It has to be read before the picture's key is destroyed.
    """
    row = cursor.execute(
        f"""
        SELECT batch_id, sealed_licence, licence
        FROM pictures
        WHERE id = ?
          AND {_MAY_GO_OUT}
        """,  # noqa: S608 -- our own words
        [picture_id],
    ).fetchone()
    kept = None
    if row is not None:
        batch_id, *columns = row
        line = private_text.of_picture(vault, batch_id, picture_id, Purpose.LICENCE, *columns)
        try:
            kept = _public(line.text)
        except UNOPENED:  # it says so itself, and asks for a credit
            return
    cursor.execute(
        """
        UPDATE pictures
        SET licence = ?,
            sealed_licence = NULL
        WHERE id = ?
        """,
        [kept, picture_id],
    )


def end_name(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> None:
    """Overwrite a picture's name, what tells equal names, and its line; again is harmless.

    The attribution of a release stays as long as that stands, or may come. With the last name of a
    batch the batch's own goes: people call batches after what is in them. What lay in plain stays
    in free pages of the file, which the next start writes anew for that.
    """
    cursor.execute(
        f"""
        INSERT INTO sealed_in_place
        SELECT 1
        FROM pictures
        WHERE id = ?
          AND (source <> ? OR (licence IS NOT NULL AND NOT {_MAY_GO_OUT}))
        """,  # noqa: S608 -- our own words
        [picture_id, NO_NAME],
    )
    cursor.execute(
        """
        UPDATE pictures
        SET source = ?,
            sealed_source = NULL,
            source_lookup = NULL,
            sealed_reason = NULL
        WHERE id = ?
        """,
        [NO_NAME, picture_id],
    )
    cursor.execute(
        f"""
        UPDATE pictures
        SET licence = NULL,
            sealed_licence = NULL
        WHERE id = ?
          AND NOT {_MAY_GO_OUT}
        """,  # noqa: S608 -- our own words
        [picture_id],
    )
    cursor.execute(
        """
        UPDATE batches
        SET name = ?,
            sealed_name = NULL
        WHERE id IN (SELECT batch_id FROM pictures WHERE id = ?)
          AND NOT EXISTS (
            SELECT 1
            FROM pictures AS p
            WHERE p.batch_id = batches.id
              AND p.source IS DISTINCT FROM ?
          )
        """,
        [NO_NAME, picture_id, NO_NAME],
    )


def _public(line: str | None) -> str | None:
    if line is None:
        return None
    entry = Entry(**json.loads(line))
    if not entry.attribution_needed:
        return None
    public = Entry(source=entry.source, licence=entry.licence, attribution_needed=True)
    return json.dumps(asdict(public))
