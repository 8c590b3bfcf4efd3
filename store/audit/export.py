"""The audit trail as a file for other programs: the events of a filter, streamed from the table.

With number, previous hash and hash, whoever has the file can follow the chain where the filter left
no event out. Names are those that stand beside the chain: the file is private.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import tempfile
from pathlib import Path
from typing import Final, Literal, TypeAlias

import duckdb

from engine.files.cells import inert
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.audit.records import CONDITION, Filter, parameters
from store.database import Database

Format: TypeAlias = Literal["csv", "parquet"]
_ROWS: Final = 1_000
_QUERY: Final = f"""
    SELECT e.number, e.happened_at AS happened_at_utc, e.actor, coalesce(n.names, '') AS actor_name,
        e.act, e.subject,
        CASE WHEN contains(e.details, '"refused":"') THEN 'refused' ELSE 'done' END AS outcome,
        e.details, e.previous, e.hash
    FROM events AS e
    LEFT JOIN (
        SELECT id, string_agg(name, ', ' ORDER BY name) AS names
        FROM audit_names
        GROUP BY id
    ) AS n ON n.id = e.actor
    {CONDITION}
    ORDER BY e.number
"""  # noqa: S608 -- constants


def export(actor: Actor, database: Database, wanted: Filter, file_format: Format) -> io.FileIO:
    """Write the events of a filter to a file, which is an event itself, recorded once it is made.

    Returns:
        A temporary file without a name, gone when closed.
    """
    database.admit(actor, Act.EXPORT_AUDIT)
    with tempfile.TemporaryDirectory(dir=database.files.outgoing) as folder:
        path = Path(folder) / file_format
        with database.snapshot(actor, Act.READ_AUDIT) as cursor:
            write = _write_csv if file_format == "csv" else _write_parquet
            ((count,),) = cursor.execute(
                f"SELECT count(*) FROM ({_QUERY})",  # noqa: S608
                parameters(cursor, wanted),
            ).fetchall()
            write(cursor, wanted, path)
        file = io.FileIO(os.open(path, os.O_RDONLY), "rb")  # the download closes it
    with database.transaction(actor, Act.EXPORT_AUDIT):
        database.event.details |= {
            "format": file_format,
            "events": count,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }
    file.seek(0)
    return file


def _write_csv(cursor: duckdb.DuckDBPyConnection, wanted: Filter, path: Path) -> None:
    found = cursor.execute(_QUERY, parameters(cursor, wanted))
    names = [column[0] for column in found.description]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(names)
        while chunk := found.fetchmany(_ROWS):
            rows.writerows([_cell(value) for value in row] for row in chunk)


def _cell(value: object) -> str:
    return inert(str(value))


def _write_parquet(cursor: duckdb.DuckDBPyConnection, wanted: Filter, path: Path) -> None:
    cursor.sql(_QUERY, params=parameters(cursor, wanted)).write_parquet(str(path))
