"""The steps that end a picture: destroy keys, then files, and note that it is done.

Each can be done again. `shredding.shred` comes before, from which on nothing uses what is to end;
whoever opens the database does what a kill left undone. So nothing here asks who wants it, and
needs no more than a cursor, the files and the vault.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from engine.files import atomic
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.audit.event import Detail
from store.files import Files
from store.retention import names
from store.retention.ended import ended
from store.retention.holding import REJECTED, Cause, Holding
from store.times import stored
from store.vault import private_text
from store.vault.shredding import shred
from store.vault.vault import Vault, is_sealed

if TYPE_CHECKING:  # which imports this module, to go on after a kill
    from store.database import Database


@dataclass(frozen=True, slots=True)
class Shredding:
    """What of a picture is being destroyed."""

    picture_id: str
    holdings: frozenset[Holding]
    cause: Cause
    releases: tuple[tuple[str, str], ...]
    """Id and format of each release that does not stand, which is every one where they end."""
    batch_id: str | None = None
    """Its batch, where no name in there stays: the batch's own ends with the last one.

    Of several that end at once, each has it, so that none leaves it to another.
    """


def told(holdings: Collection[Holding], cause: Cause) -> dict[str, Detail]:
    """What the audit trail tells of an end."""
    return {"what": " ".join(sorted(holdings)), "cause": cause.value}


def unfinished(
    cursor: duckdb.DuckDBPyConnection, picture_id: str | None = None
) -> tuple[Shredding, ...]:
    """What was begun and not ended, of a picture or of all, the oldest first."""
    rows = cursor.execute(
        """
        SELECT s.picture_id, list(s.holding), min(s.cause),
            (
                SELECT coalesce(list([r.release_id, r.format]), [])
                FROM receipts AS r
                WHERE r.picture_id = s.picture_id
                  AND r.live_picture_id IS NULL
            ),
            (
                SELECT p.batch_id
                FROM pictures AS p
                WHERE p.id = s.picture_id
                  AND NOT EXISTS (
                    SELECT 1
                    FROM pictures AS other
                    WHERE other.batch_id = p.batch_id
                      AND other.id <> p.id
                      AND other.id NOT IN (
                        SELECT picture_id
                        FROM shreddings
                        WHERE holding = 'name'
                      )
                  )
            )
        FROM shreddings AS s
        WHERE s.ended_at IS NULL
          AND s.picture_id = coalesce(?, s.picture_id)
        GROUP BY s.picture_id
        ORDER BY min(s.begun_at), s.picture_id
        """,
        [picture_id],
    ).fetchall()
    return tuple(
        Shredding(
            picture,
            frozenset(map(Holding, holdings)),
            Cause(cause),
            tuple((release_id, image_format) for release_id, image_format in releases),
            batch_id,
        )
        for picture, holdings, cause, releases, batch_id in rows
    )


def go_on(actor: Actor, database: Database, shredding: Shredding, now: datetime) -> None:
    """Do what is left of an end that was begun.

    Raises:
        NotAllowed: the actor may not.
        OSError: the disk does not take it; do it again.
    """
    database.admit(actor, Act.SHREDDED, shredding.picture_id)
    destroy_keys(database.vault, shredding)
    database.forgetting.forget(shredding.picture_id)
    remove_files(database.files, shredding)
    with database.transaction(actor, Act.SHREDDED, shredding.picture_id) as cursor:
        ended = end(cursor, shredding, now)
        database.event.is_idle = ended is None
        database.event.details |= ended or {}


def destroy_keys(vault: Vault, shredding: Shredding) -> None:
    """Destroy every key of the picture: what waited of it before it came into its batch has one.

    With the last name of a batch goes the key of the batch's own.

    Raises:
        OSError: the disk does not take it; a key may be there still.
    """
    if Holding.ORIGINAL in shredding.holdings:
        for batch_id in vault.holders(shredding.picture_id):
            vault.destroy_picture(batch_id, shredding.picture_id)
    if Holding.NAME in shredding.holdings and shredding.batch_id is not None:
        private_text.end_group(vault, shredding.batch_id)


def remove_files(files: Files, shredding: Shredding) -> None:
    """Remove what is to end, once no key opens it.

    Raises:
        OSError: the disk does not take it; a file may be there still.
    """
    if Holding.ORIGINAL in shredding.holdings:
        _end_file(files.original(shredding.picture_id))
        for copy in sorted(files.set_aside.rglob(shredding.picture_id)):
            _end_file(copy)
    if Holding.RELEASE in shredding.holdings:
        for release_id, image_format in shredding.releases:
            files.release(release_id, image_format).unlink(missing_ok=True)
        atomic.sync_folder(files.releases)


def end(
    cursor: duckdb.DuckDBPyConnection, shredding: Shredding, now: datetime
) -> dict[str, Detail] | None:
    """End what lies in rows, and note that all of it is done.

    Returns:
        What the audit trail tells of it; None where it was noted already.
    """
    noted = cursor.execute(
        """
        UPDATE shreddings
        SET ended_at = ?
        WHERE picture_id = ?
          AND list_contains(?::VARCHAR[], holding)
          AND ended_at IS NULL
        RETURNING holding
        """,
        [stored(now), shredding.picture_id, sorted(shredding.holdings)],
    ).fetchall()
    if not noted:
        return None
    details = told(shredding.holdings, shredding.cause)
    gone = ended(cursor, shredding.picture_id)
    if Holding.NAME in gone:  # before too: what was left for a release may be of no use any more
        names.end_name(cursor, shredding.picture_id)
    if Holding.REVIEW in gone:
        _end_receipts(cursor, shredding.picture_id)
    if Holding.REVIEW in shredding.holdings:
        verdicts = _end_review(cursor, shredding.picture_id)
        details["verdicts"] = " ".join(map(str, verdicts))
    return details


def _end_file(path: Path) -> None:
    """What is sealed has lost its key; what lies as it came is overwritten."""
    try:
        is_readable = not is_sealed(path)
    except FileNotFoundError:
        is_readable = False
    if is_readable:
        shred(path)
    path.unlink(missing_ok=True)
    atomic.temporary_name(path).unlink(missing_ok=True)
    atomic.sync_folder(path.parent)


def _end_review(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> list[int]:
    """Delete what was decided, by whom, and what was shown; gives the decisions' numbers."""
    rows = cursor.execute(
        """
        DELETE FROM verdicts
        WHERE picture_id = ?
        RETURNING number
        """,
        [picture_id],
    ).fetchall()
    cursor.execute(
        """
        UPDATE pictures
        SET reason = ? || '.'
        WHERE id = ?
          AND starts_with(reason, ?)
        """,
        [REJECTED, picture_id, REJECTED],
    )
    for table in ("second_reviews", "drafts", "skips", "plans"):
        cursor.execute(
            f"""
            DELETE FROM {table}
            WHERE picture_id = ?
            """,  # noqa: S608 -- our own names
            [picture_id],
        )
    return sorted(int(number) for (number,) in rows)


def _end_receipts(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> None:
    """Leave of a receipt what goes out with a release that stands, and of another's nothing."""
    rows = cursor.execute(
        """
        SELECT release_id, receipt
        FROM receipts
        WHERE picture_id = ?
          AND live_picture_id IS NOT NULL
        """,
        [picture_id],
    ).fetchall()
    cursor.execute("UPDATE receipts SET receipt = '{}' WHERE picture_id = ?", [picture_id])
    for release_id, text in rows:
        receipt = json.loads(text) | {"reviewer": None, "second_reviewer": None, "seconds": {}}
        receipt["regions"] = [
            {key: region[key] for key in ("category", "origin", "masked")}
            for region in receipt.get("regions", [])
        ]
        cursor.execute(
            "UPDATE receipts SET receipt = ? WHERE release_id = ?",
            [json.dumps(receipt), release_id],
        )
