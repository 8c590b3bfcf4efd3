"""What of a picture was destroyed, as far as anybody needs to know: it is not used from then on."""

from __future__ import annotations

from datetime import datetime

import duckdb

from store.retention.holding import Holding
from store.times import aware


def ended(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> dict[Holding, datetime]:
    """What ended, or is about to, and since when."""
    rows = cursor.execute(
        """
        SELECT holding, begun_at
        FROM shreddings
        WHERE picture_id = ?
        """,
        [picture_id],
    ).fetchall()
    return {Holding(holding): aware(moment) for holding, moment in rows}
