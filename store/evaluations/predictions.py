"""Predictions: the labelled pictures of an evaluation, one row each, all inside transactions.

waiting ─► working ─► examined | unread
waiting ── evaluation cancelled ─► cancelled
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb

from engine.evaluation.prediction_job import Prediction
from engine.runs.jobs import Outcome, Quarantined
from store.times import stored
from store.vault import private_text
from store.vault.context import Purpose
from store.vault.private_text import UNOPENED, Column, PrivateText
from store.vault.vault import Vault

_NOT_PREDICTED = (
    "Left out because it came back as if it were to be released or reviewed; please report it."
)


class PredictionState(StrEnum):
    """Where a labelled picture is."""

    WAITING = "waiting"
    WORKING = "working"
    EXAMINED = "examined"
    UNREAD = "unread"
    """It could not be read; the report gives the number of these."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Counts:
    """Labelled pictures per state."""

    waiting: int = 0
    working: int = 0
    examined: int = 0
    unread: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """All pictures."""
        return self.remaining + self.examined + self.unread + self.cancelled

    @property
    def remaining(self) -> int:
        """What the machine still has to do."""
        return self.waiting + self.working


@dataclass(frozen=True, slots=True)
class LabelledTask:
    """A labelled picture in work."""

    picture_id: str
    """Of its row; random, and no picture of a batch has it."""
    evaluation_id: str
    path: Path


def insert(
    cursor: duckdb.DuckDBPyConnection, evaluation_id: str, labelled: Sequence[bytes], now: datetime
) -> None:
    """Insert rows in one statement; executemany takes seconds for some thousand."""
    cursor.execute(
        """
        INSERT INTO predictions (id, sealed_labelled, evaluation_id, state, changed_at)
        SELECT unnest(?::VARCHAR[]), unnest(?::BLOB[]), ?, 'waiting', ?
        """,
        [[secrets.token_hex(16) for _ in labelled], list(labelled), evaluation_id, stored(now)],
    )


def take(vault: Vault, cursor: duckdb.DuckDBPyConnection, now: datetime) -> LabelledTask | None:
    """The next picture of the oldest evaluation, now in work; None if none waits.

    Those of an evaluation whose key is away are postponed.
    """
    while (row := _next(cursor)) is not None:
        picture_id, evaluation_id, *labelled = row
        try:
            path = _labels(vault, evaluation_id, *labelled).text
        except UNOPENED as error:
            cursor.execute(
                "UPDATE predictions SET postponed = ? WHERE id = ?", [str(error), picture_id]
            )
            continue
        cursor.execute(
            """
            UPDATE predictions
            SET state = 'working',
                came_from = state,
                attempts = attempts + 1,
                changed_at = ?
            WHERE id = ?
            """,
            [stored(now), picture_id],
        )
        return LabelledTask(picture_id, evaluation_id, Path(json.loads(path or "{}")["path"]))
    return None


def _next(cursor: duckdb.DuckDBPyConnection) -> tuple[Any, ...] | None:
    return cursor.execute(
        """
        SELECT x.id, x.evaluation_id, x.sealed_labelled, x.labelled
        FROM predictions AS x
        JOIN evaluations AS e ON e.id = x.evaluation_id
        WHERE x.state = 'waiting'
          AND x.postponed IS NULL
        ORDER BY e.number, x.number
        LIMIT 1
        """
    ).fetchone()


def is_in_work(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> bool:
    """True when that id is a labelled picture's in work."""
    query = "SELECT id FROM predictions WHERE id = ? AND state = 'working'"
    return cursor.execute(query, [picture_id]).fetchone() is not None


def record(
    vault: Vault, cursor: duckdb.DuckDBPyConnection, outcome: Outcome, now: datetime
) -> None:
    """Store the predictions for a picture in work; any other outcome leaves it unread."""
    findings = reason = None
    if isinstance(outcome, Prediction):
        findings = json.dumps(outcome.findings.to_json())
    else:
        reason = outcome.reason if isinstance(outcome, Quarantined) else _NOT_PREDICTED
    state = PredictionState.UNREAD if findings is None else PredictionState.EXAMINED
    cursor.execute(
        """
        UPDATE predictions
        SET state = ?,
            findings = ?,
            reason = NULL,
            sealed_reason = ?,
            came_from = NULL,
            changed_at = ?
        WHERE id = ?
          AND state = 'working'
        """,
        [
            state.value,
            findings,
            None if reason is None else _sealed_reason(vault, cursor, outcome.job_id, reason),
            stored(now),
            outcome.job_id,
        ],
    )


def _sealed_reason(
    vault: Vault, cursor: duckdb.DuckDBPyConnection, picture_id: str, reason: str
) -> bytes | None:
    """A reason, which may quote the file; None where the evaluation's key is gone meanwhile."""
    query = "SELECT evaluation_id FROM predictions WHERE id = ?"
    ((evaluation_id,),) = cursor.execute(query, [picture_id]).fetchall()
    try:
        return private_text.seal_for_group(vault, evaluation_id, Purpose.REASON, reason)
    except UNOPENED:
        return None


def cancel(cursor: duckdb.DuckDBPyConnection, evaluation_id: str, now: datetime) -> int:
    """Cancel what waits of an evaluation and give its number."""
    cancelled = cursor.execute(
        """
        UPDATE predictions
        SET state = 'cancelled',
            changed_at = ?
        WHERE evaluation_id = ?
          AND state = 'waiting'
        RETURNING id
        """,
        [stored(now), evaluation_id],
    ).fetchall()
    return len(cancelled)


def delete(cursor: duckdb.DuckDBPyConnection, evaluation_id: str) -> None:
    """Forget the labels and findings of an evaluation."""
    cursor.execute("DELETE FROM predictions WHERE evaluation_id = ?", [evaluation_id])


def counts_in(cursor: duckdb.DuckDBPyConnection, evaluation_id: str) -> Counts:
    """How many pictures of an evaluation are in which state."""
    query = "SELECT state, count(*) FROM predictions WHERE evaluation_id = ? GROUP BY state"
    rows = cursor.execute(query, [evaluation_id]).fetchall()
    return Counts(**{PredictionState(state).value: count for state, count in rows})


def outcomes_in(
    vault: Vault, cursor: duckdb.DuckDBPyConnection, evaluation_id: str, state: str
) -> list[tuple[PrivateText, str | None, PrivateText]]:
    """Label as JSON, findings as JSON, and reason, of every picture in a state."""
    rows = cursor.execute(
        """
        SELECT sealed_labelled, labelled, findings, reason, sealed_reason
        FROM predictions
        WHERE evaluation_id = ?
          AND state = ?
        """,
        [evaluation_id, state],
    ).fetchall()
    return [
        (
            _labels(vault, evaluation_id, *row[:2]),
            row[2],
            private_text.of_group(vault, evaluation_id, Purpose.REASON, *row[3:]),
        )
        for row in rows
    ]


def _labels(vault: Vault, evaluation_id: str, *columns: Column) -> PrivateText:
    return private_text.of_group(vault, evaluation_id, Purpose.LABELS, *columns)
