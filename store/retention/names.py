"""The end of a name that lies in plain columns."""

from __future__ import annotations

from typing import Final

import duckdb

NO_NAME: Final = "(name destroyed)"
"""Stands where a name was."""


def end_name(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> None:
    """Overwrite a picture's name and its line in the manifest; again is harmless.

    With the last name of a batch the batch's own goes: people call batches after what is in them.
    """
    cursor.execute(
        """
        UPDATE pictures
        SET source = ?,
            licence = NULL
        WHERE id = ?
        """,
        [NO_NAME, picture_id],
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
