"""The end of a name that lies in plain columns."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

import duckdb

from engine.runs.licences import Entry

NO_NAME: Final = "(name destroyed)"
"""Stands where a name was."""


def end_name(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> None:
    """Overwrite a picture's name and its line in the manifest; again is harmless.

    Of the line there stays what has to go out with a release that stands: whom it is by. With the
    last name of a batch the batch's own goes: people call batches after what is in them.
    """
    cursor.execute(
        """
        UPDATE pictures
        SET source = ?,
            licence = ?
        WHERE id = ?
        """,
        [NO_NAME, _attribution(cursor, picture_id), picture_id],
    )
    cursor.execute(
        """
        UPDATE batches
        SET name = ?
        WHERE id IN (SELECT batch_id FROM pictures WHERE id = ?)
          AND NOT EXISTS (
            SELECT 1
            FROM pictures AS p
            WHERE p.batch_id = batches.id
              AND p.source <> ?
          )
        """,
        [NO_NAME, picture_id, NO_NAME],
    )


def _attribution(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> str | None:
    row = cursor.execute(
        """
        SELECT p.licence
        FROM pictures AS p
        JOIN receipts AS r ON r.live_picture_id = p.id
        WHERE p.id = ?
        """,
        [picture_id],
    ).fetchone()
    if row is None or row[0] is None:
        return None
    entry = Entry(**json.loads(row[0]))
    if not entry.attribution_needed:
        return None
    public = Entry(source=entry.source, licence=entry.licence, attribution_needed=True)
    return json.dumps(asdict(public))
