"""Certificates of releases, kept as they were signed.

A certificate is written in the transaction that makes its release real, so that neither is ever
without the other. It stays when the release is withdrawn; what goes out is asked for by the
releases that stand.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database


def keep(cursor: duckdb.DuckDBPyConnection, release_id: str, certificate: bytes) -> None:
    """Insert the certificate of a release that is being kept."""
    cursor.execute(
        """
        INSERT INTO certificates (release_id, certificate)
        VALUES (?, ?)
        """,
        [release_id, certificate.decode()],
    )


def of_release(actor: Actor, database: Database, release_id: str) -> bytes | None:
    """One certificate's file; None for a release made before certificates."""
    with database.transaction(actor, Act.READ_RELEASES) as cursor:
        row = cursor.execute(
            """
            SELECT certificate
            FROM certificates
            WHERE release_id = ?
            """,
            [release_id],
        ).fetchone()
    return None if row is None else str(row[0]).encode()


def of_batch(actor: Actor, database: Database, batch_id: str) -> Mapping[str, bytes]:
    """Certificate files by release, of all releases of a batch, withdrawn ones too."""
    with database.transaction(actor, Act.READ_RELEASES, batch_id) as cursor:
        rows = cursor.execute(
            """
            SELECT c.release_id, c.certificate
            FROM certificates AS c
            JOIN receipts AS r ON r.release_id = c.release_id
            WHERE r.batch_id = ?
            """,
            [batch_id],
        ).fetchall()
    return {release_id: certificate.encode() for release_id, certificate in rows}
