"""Schema changes: numbered files in `store/migrations`, applied once each, in order.

A file is never edited after a release; a change is a new file. Each runs in a transaction together
with the line that records it, so that a crash leaves the schema at one number or the next.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from engine.errors import UnusableFolder

MIGRATIONS = Path(__file__).with_name("migrations")


_OURS = {("number", "INTEGER"), ("name", "VARCHAR")}
"""Columns of `migrations`, the first table that a database of Lethe has."""


def is_foreign(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a database has tables and is none of Lethe's; nothing is changed."""
    columns = connection.execute(
        """
        SELECT table_name, column_name, data_type
        FROM duckdb_columns()
        WHERE NOT internal
        """
    ).fetchall()
    ours = {(name, kind) for table, name, kind in columns if table == "migrations"}
    return bool(columns) and ours != _OURS


def migrate(connection: duckdb.DuckDBPyConnection, folder: Path = MIGRATIONS) -> tuple[str, ...]:
    """Apply what is missing; give the names of the files applied, empty when up to date.

    Raises:
        UnusableFolder: the database was made by a newer Lethe.
    """
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS migrations (
            number INTEGER PRIMARY KEY,
            name VARCHAR NOT NULL
        )
        """
    )
    applied = {
        number for (number,) in connection.execute("SELECT number FROM migrations").fetchall()
    }
    files = {int(file.name[:4]): file for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))}
    if unknown := applied - files.keys():
        raise UnusableFolder(
            f"The database has schema {max(unknown)} and this Lethe knows up to {max(files)}; "
            "start the newer Lethe that made it."
        )
    missing = [file for number, file in files.items() if number not in applied]
    for file in missing:
        _apply(connection, file)
    return tuple(file.stem for file in missing)


def _apply(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    connection.execute("BEGIN")
    try:
        connection.execute(file.read_text(encoding="utf-8"))
        connection.execute("INSERT INTO migrations VALUES (?, ?)", [int(file.name[:4]), file.stem])
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
