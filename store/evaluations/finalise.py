"""Finalise evaluations: once every picture has its outcome, make and store the report.

A crash between the last outcome and the report loses nothing: an evaluation with no picture left to
do, and neither finished nor cancelled, is closed at the dispatcher's next turn. The report takes
some seconds for thousands of pictures, so it is made between two transactions.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime

from engine.errors import LetheError
from engine.evaluation.data.uncounted import Missing
from engine.evaluation.scores import recall
from store.accounts.act import Act
from store.accounts.actor import Actor
from store.database import Database
from store.evaluations import evaluations
from store.times import stored

log = logging.getLogger(__name__)


def close_done(actor: Actor, database: Database, clock: Callable[[], datetime]) -> None:
    """Make the report of every evaluation whose pictures all have an outcome."""
    for evaluation_id in _complete_ids(actor, database):
        _close(actor, database, evaluation_id, clock)


def _complete_ids(actor: Actor, database: Database) -> list[str]:
    with database.transaction(actor, Act.WORK) as cursor:
        rows = cursor.execute(
            """
            SELECT e.id
            FROM evaluations AS e
            WHERE e.finished_at IS NULL
              AND e.cancelled_at IS NULL
              AND NOT EXISTS (
                SELECT 1
                FROM predictions AS x
                WHERE x.evaluation_id = e.id
                  AND x.state IN ('waiting', 'working')
              )
            ORDER BY e.number
            """
        ).fetchall()
    return [str(evaluation_id) for (evaluation_id,) in rows]


def _close(
    actor: Actor, database: Database, evaluation_id: str, clock: Callable[[], datetime]
) -> None:
    report, problem = None, None
    try:
        report = _report(actor, database, evaluation_id)
    except LetheError as error:
        problem = f"The report could not be made. {error}"
    except Exception as error:  # noqa: BLE001 - kept on the evaluation; batches must go on
        kind = type(error).__name__
        log.error("no report of evaluation %s (%s)", evaluation_id, kind)  # noqa: TRY400
        problem = f"The report could not be made ({kind}); please report it. The findings are kept."
    with database.transaction(actor, Act.CLOSE_EVALUATION, evaluation_id) as cursor:
        # Whoever cancelled it while the report was being made wins.
        cursor.execute(
            """
            UPDATE evaluations
            SET finished_at = ?,
                report = ?,
                problem = ?
            WHERE id = ?
              AND cancelled_at IS NULL
            """,
            [stored(clock()), report, problem, evaluation_id],
        )


def _report(actor: Actor, database: Database, evaluation_id: str) -> str:
    evaluation = evaluations.evaluation(actor, database, evaluation_id)
    unread = tuple(picture for picture, _ in evaluations.unread(actor, database, evaluation_id))
    report = recall.report(
        evaluations.examined(actor, database, evaluation_id),
        evaluations.policy_of(actor, database, evaluation_id),
        target=evaluation.target,
        unread=len(unread),
        problems=len(evaluation.problems),
        missing=Missing(unread, evaluation.lost),
    )
    return json.dumps(report.to_json())
