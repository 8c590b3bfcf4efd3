"""What is held about a picture: every row that names it or a release of it, and its events.

Tables are asked of the database itself, so that one which is added later is held here too. Rows
name reviewers; they are other people than whoever asks, and stand here as the pseudonyms that
certificates have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import duckdb

from store.accounts.act import Act
from store.accounts.actor import Actor
from store.batches import pictures
from store.batches.pictures import Picture
from store.database import Database
from store.times import aware

_PEOPLE: Final = frozenset(
    {"reviewer", "second_reviewer", "made_by", "second_made_by", "claimed_by"}
)


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that is held about a picture, its original and its release apart."""

    picture: Picture
    has_original: bool
    release_ids: tuple[str, ...]
    """Withdrawn ones too, the oldest first."""
    rows: Mapping[str, list[dict[str, Any]]]
    """By table, as plain values; tables without any are left out."""
    events: list[dict[str, Any]]
    """Of the picture, its releases and its batch, with their hashes."""

    def count(self, table: str) -> int:
        """How many rows of a table there are."""
        return len(self.rows.get(table, ()))


def of_picture(actor: Actor, database: Database, picture_id: str) -> Holdings:
    """All that is held about a picture.

    Raises:
        UnknownRecord: there is none with that id.
    """
    database.admit(actor, Act.READ_AUDIT, picture_id)
    picture = pictures.picture(actor, database, picture_id)
    has_original = database.files.original(picture.id).is_file()
    with database.snapshot(actor, Act.READ_AUDIT, picture_id) as cursor:
        releases = _releases(cursor, picture_id)
        rows = {
            table: found
            for table, key in _tables(cursor)
            if (found := _rows(cursor, table, key, _ids(key, picture_id, releases)))
        }
        rows["batches"] = _batch(cursor, picture.batch_id)
        events = _events(cursor, [picture_id, *releases, picture.batch_id])
    (row,) = rows["pictures"]
    rows["pictures"] = [row | _opened(picture)]
    names = {name for found in rows.values() for row in found for name in _names(row)}
    say = partial(database.signer.keys.pseudonym, "reviewer")
    pseudonyms = {name: say(name) for name in names}
    told = {table: [_without(row, pseudonyms) for row in found] for table, found in rows.items()}
    return Holdings(picture, has_original, releases, told, events)


def _opened(picture: Picture) -> dict[str, Any]:
    """What is sealed in its row, as people read it."""
    licence = None if picture.licence is None else asdict(picture.licence)
    return {"source": picture.source, "licence": licence, "reason": picture.reason}


def _releases(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> tuple[str, ...]:
    rows = cursor.execute(
        """
        SELECT release_id
        FROM receipts
        WHERE picture_id = ?
        ORDER BY released_at, release_id
        """,
        [picture_id],
    ).fetchall()
    return tuple(id_ for (id_,) in rows)


def _tables(cursor: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Tables with rows of a picture or a release, and the column that says of which."""
    found = cursor.execute(
        """
        SELECT c.table_name, min(c.column_name)
        FROM duckdb_columns() AS c
        JOIN duckdb_tables() AS t ON t.table_name = c.table_name
        WHERE c.column_name IN ('picture_id', 'release_id')
        GROUP BY c.table_name
        ORDER BY c.table_name
        """
    ).fetchall()
    return [("pictures", "id"), *found]


def _ids(key: str, picture_id: str, releases: tuple[str, ...]) -> list[str]:
    return list(releases) if key == "release_id" else [picture_id]


def _rows(
    cursor: duckdb.DuckDBPyConnection, table: str, key: str, ids: list[str]
) -> list[dict[str, Any]]:
    found = cursor.execute(
        f'SELECT * FROM "{table}" WHERE list_contains(?::VARCHAR[], "{key}") ORDER BY ALL',  # noqa: S608 -- names of our own schema
        [ids],
    )
    return _plain(found)


def _batch(cursor: duckdb.DuckDBPyConnection, batch_id: str) -> list[dict[str, Any]]:
    """What the picture came with; the batch's name is of other pictures too, and is left out."""
    found = cursor.execute(
        """
        SELECT id, policy, policy_toml, format, require_licence, created_at, started_at,
            cancelled_at
        FROM batches
        WHERE id = ?
        """,
        [batch_id],
    )
    return _plain(found)


def _events(cursor: duckdb.DuckDBPyConnection, subjects: list[str]) -> list[dict[str, Any]]:
    found = cursor.execute(
        """
        SELECT number, happened_at, actor, act, subject, details, previous, hash
        FROM events
        WHERE list_contains(?::VARCHAR[], subject)
        ORDER BY number
        """,
        [subjects],
    )
    return _plain(found)


def _plain(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in found.description]
    return [
        {name: _value(value) for name, value in zip(names, row, strict=True)}
        for row in found.fetchall()
    ]


def _value(value: object) -> Any:  # noqa: ANN401 -- of whatever a column has
    """A column's value as JSON has it; JSON in text is opened."""
    if isinstance(value, datetime):
        return aware(value).isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes, sealed"
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _names(value: object) -> Iterable[str]:
    """Names of reviewers, wherever they stand in a row."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in _PEOPLE and isinstance(inner, str):
                yield inner
            else:
                yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)


def _without(row: Mapping[str, Any], pseudonyms: Mapping[str, str]) -> dict[str, Any]:
    """A row with pseudonyms for the names, also where a reason quotes one."""
    return {
        key: _quoted(value, pseudonyms) if key == "reason" else _hidden(key, value, pseudonyms.get)
        for key, value in row.items()
    }


def _hidden(key: str, value: object, pseudonym: Callable[[str], str | None]) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return {name: _hidden(name, inner, pseudonym) for name, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(key, inner, pseudonym) for inner in value]
    return pseudonym(value) if key in _PEOPLE and isinstance(value, str) else value


def _quoted(text: str | None, pseudonyms: Mapping[str, str]) -> str | None:
    for name in sorted(pseudonyms, key=len, reverse=True):
        text = text and text.replace(name, pseudonyms[name])
    return text
