"""Names, licences and reasons from before they were sealed: sealed at the start, a part at a time.

A row is sealed whole and its plain columns emptied in one transaction, so that a kill leaves it as
it was or sealed, and the next start goes on. What DuckDB's file still holds of the old rows then is
for `store.rewriting`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import duckdb

from store.files import Files
from store.retention.names import NO_NAME
from store.vault import private_text
from store.vault.context import Item, Purpose
from store.vault.private_text import UNOPENED
from store.vault.vault import Vault, is_sealed

_ROWS: Final = 1_000
"""Sealed in one transaction."""

log = logging.getLogger(__name__)


def seal_texts(connection: duckdb.DuckDBPyConnection, files: Files, vault: Vault) -> int:
    """Seal what lies in plain; gives how many rows could not be.

    Those are read as they are meanwhile: a full disk must not keep the program from starting.
    """
    return sum(
        _seal_table(connection, found, update, seal)
        for found, update, seal in (
            (_PICTURES, _PICTURES_SEALED, lambda row: _picture(files, vault, *row)),
            (_BATCHES, _BATCHES_SEALED, lambda row: _batch(vault, *row)),
            (_EVALUATIONS, _EVALUATIONS_SEALED, lambda row: _evaluation(vault, *row)),
            (_PREDICTIONS, _PREDICTIONS_SEALED, lambda row: _prediction(vault, *row)),
        )
    )


def _seal_table(
    connection: duckdb.DuckDBPyConnection,
    found: str,
    update: str,
    seal: Callable[[tuple[Any, ...]], tuple[Any, ...]],
) -> int:
    unsealed = 0
    plain = connection.execute(found).fetchall()
    for start in range(0, len(plain), _ROWS):
        rows = plain[start : start + _ROWS]
        sealed = list(_sealed(rows, seal))
        unsealed += len(rows) - len(sealed)
        if sealed and not _update(connection, update, sealed):
            unsealed += len(sealed)
    return unsealed


def _sealed(
    rows: Sequence[tuple[Any, ...]], seal: Callable[[tuple[Any, ...]], tuple[Any, ...]]
) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        try:
            yield seal(row)
        except (OSError, *UNOPENED) as error:
            log.warning("a row's texts were not sealed (%s)", type(error).__name__)


def _update(
    connection: duckdb.DuckDBPyConnection, update: str, sealed: Sequence[tuple[Any, ...]]
) -> bool:
    connection.execute("BEGIN")
    try:
        connection.execute(update, [list(column) for column in zip(*sealed, strict=True)])
        connection.execute("INSERT INTO sealed_in_place VALUES (?)", [len(sealed)])
        connection.execute("COMMIT")
    except duckdb.Error as error:
        with suppress(duckdb.Error):  # a commit that failed has ended it
            connection.execute("ROLLBACK")
        log.warning("%d rows were not sealed (%s)", len(sealed), type(error).__name__)
        return False
    return True


_PLAIN: Final = """
    source IS NOT NULL
    AND id NOT IN (SELECT picture_id FROM shreddings WHERE holding = 'name')
"""
"""What stands in the place of a name that was destroyed needs no key, and gets none."""
_PICTURES: Final = f"""
    SELECT id, batch_id, source, licence, reason
    FROM pictures
    WHERE {_PLAIN}
"""  # noqa: S608 -- our own words
_PICTURES_SEALED: Final = """
    UPDATE pictures
    SET source = NULL,
        licence = NULL,
        reason = NULL,
        sealed_source = s.name,
        source_lookup = s.lookup,
        sealed_licence = s.licence,
        sealed_reason = s.reason
    FROM (
        SELECT unnest(?::VARCHAR[]) AS id, unnest(?::BLOB[]) AS name,
            unnest(?::VARCHAR[]) AS lookup, unnest(?::BLOB[]) AS licence,
            unnest(?::BLOB[]) AS reason
    ) AS s
    WHERE pictures.id = s.id
"""


def _picture(
    files: Files,
    vault: Vault,
    picture: str,
    batch: str,
    name: str,
    licence: str | None,
    reason: str | None,
) -> tuple[str, bytes, str, bytes | None, bytes | None]:
    path = files.original(picture)
    if not (path.is_file() and is_sealed(path)):  # a lost key is never replaced by another
        vault.add_batch(batch)
        vault.add_picture(batch, picture)

    def sealed(purpose: Purpose, plain: str | None) -> bytes | None:
        return None if plain is None else vault.seal_text(Item(batch, picture, purpose), plain)

    return (
        picture,
        vault.seal_text(Item(batch, picture, Purpose.NAME), name),
        private_text.name_lookup(vault, name),
        sealed(Purpose.LICENCE, licence),
        sealed(Purpose.REASON, reason),
    )


_BATCHES: Final = f"""
    SELECT id, name
    FROM batches
    WHERE name <> '{NO_NAME}'
      AND id NOT IN (SELECT batch_id FROM pictures WHERE {_PLAIN})
"""  # noqa: S608 -- our own words
"""Not of a batch that may have lost its key."""
_BATCHES_SEALED: Final = """
    UPDATE batches
    SET name = NULL,
        sealed_name = s.name
    FROM (SELECT unnest(?::VARCHAR[]) AS id, unnest(?::BLOB[]) AS name) AS s
    WHERE batches.id = s.id
"""


def _batch(vault: Vault, batch: str, name: str) -> tuple[str, bytes]:
    private_text.begin_group(vault, batch)
    return batch, private_text.seal_for_group(vault, batch, Purpose.NAME, name)


_EVALUATIONS: Final = """
    SELECT id, name, source, problems
    FROM evaluations
    WHERE name IS NOT NULL
"""
_EVALUATIONS_SEALED: Final = """
    UPDATE evaluations
    SET name = NULL,
        source = NULL,
        problems = NULL,
        sealed_name = s.name,
        sealed_source = s.place,
        sealed_problems = s.problems
    FROM (
        SELECT unnest(?::VARCHAR[]) AS id, unnest(?::BLOB[]) AS name, unnest(?::BLOB[]) AS place,
            unnest(?::BLOB[]) AS problems
    ) AS s
    WHERE evaluations.id = s.id
"""


def _evaluation(
    vault: Vault, evaluation: str, name: str, source: str, problems: list[str]
) -> tuple[str, bytes, bytes, bytes]:
    private_text.begin_group(vault, evaluation)
    return (
        evaluation,
        private_text.seal_for_group(vault, evaluation, Purpose.NAME, name),
        private_text.seal_for_group(vault, evaluation, Purpose.PLACE, source),
        private_text.seal_for_group(vault, evaluation, Purpose.REASON, json.dumps(problems)),
    )


_PREDICTIONS: Final = """
    SELECT id, evaluation_id, labelled, reason
    FROM predictions
    WHERE labelled IS NOT NULL
"""
_PREDICTIONS_SEALED: Final = """
    UPDATE predictions
    SET labelled = NULL,
        reason = NULL,
        sealed_labelled = s.labelled,
        sealed_reason = s.reason
    FROM (
        SELECT unnest(?::VARCHAR[]) AS id, unnest(?::BLOB[]) AS labelled,
            unnest(?::BLOB[]) AS reason
    ) AS s
    WHERE predictions.id = s.id
"""


def _prediction(
    vault: Vault, prediction: str, evaluation: str, labelled: str, reason: str | None
) -> tuple[str, bytes, bytes | None]:
    private_text.begin_group(vault, evaluation)
    return (
        prediction,
        private_text.seal_for_group(vault, evaluation, Purpose.LABELS, labelled),
        None
        if reason is None
        else private_text.seal_for_group(vault, evaluation, Purpose.REASON, reason),
    )
