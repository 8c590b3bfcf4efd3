"""Homes for tests to begin with."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import duckdb

from store.files import Files
from store.schema import migrate


def prepare(home: Path) -> None:
    """Lay an empty database of today's schema there; the rest is made when it is opened.

    To write a copy takes a tenth of applying every migration, which was most of opening a home.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    Files(home).database.write_bytes(_migrated())


@functools.cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        with duckdb.connect(str(files.database)) as connection:
            migrate(connection)
        return files.database.read_bytes()
