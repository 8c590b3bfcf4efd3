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

import duckdb

from engine.evaluation.prediction_job import Prediction
from engine.runs.jobs import Outcome, Quarantined
from store.times import stored

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
    cursor: duckdb.DuckDBPyConnection, evaluation_id: str, labelled: Sequence[str], now: datetime
) -> None:
    """Insert rows in one statement; executemany takes seconds for some thousand."""
    cursor.execute(
        """
        INSERT INTO predictions (id, labelled, evaluation_id, state, changed_at)
        SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), ?, 'waiting', ?
        """,
        [[secrets.token_hex(16) for _ in labelled], list(labelled), evaluation_id, stored(now)],
    )


def take(cursor: duckdb.DuckDBPyConnection, now: datetime) -> LabelledTask | None:
    """The next picture of the oldest evaluation, now in work; None if none waits."""
    row = cursor.execute(
        """
        SELECT x.id
        FROM predictions AS x
        JOIN evaluations AS e ON e.id = x.evaluation_id
        WHERE x.state = 'waiting'
          AND x.postponed IS NULL
        ORDER BY e.number, x.number
        LIMIT 1
        """
    ).fetchone()
    if row is None:
        return None
    (task,) = cursor.execute(
        """
        UPDATE predictions
        SET state = 'working',
            came_from = state,
            attempts = attempts + 1,
            changed_at = ?
        WHERE id = ?
        RETURNING id, evaluation_id, labelled
        """,
        [stored(now), row[0]],
    ).fetchall()
    picture_id, evaluation_id, labelled = task
    return LabelledTask(picture_id, evaluation_id, Path(json.loads(labelled)["path"]))


def is_in_work(cursor: duckdb.DuckDBPyConnection, picture_id: str) -> bool:
    """True when that id is a labelled picture's in work."""
    query = "SELECT id FROM predictions WHERE id = ? AND state = 'working'"
    return cursor.execute(query, [picture_id]).fetchone() is not None


def record(cursor: duckdb.DuckDBPyConnection, outcome: Outcome, now: datetime) -> None:
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
            reason = ?,
            came_from = NULL,
            changed_at = ?
        WHERE id = ?
          AND state = 'working'
        """,
        [state.value, findings, reason, stored(now), outcome.job_id],
    )


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
    cursor: duckdb.DuckDBPyConnection, evaluation_id: str, state: str
) -> list[tuple[str, str | None, str | None]]:
    """Label as JSON, findings as JSON, and reason, of every picture in a state."""
    query = (
        "SELECT labelled, findings, reason FROM predictions WHERE evaluation_id = ? AND state = ?"
    )
    return cursor.execute(query, [evaluation_id, state]).fetchall()
