"""Evaluations: the run of one policy on a labelled data set, and its report.

Everything an evaluation needs but the pictures' own files lies in the database from the start, so
it goes on after a restart. Its pictures are rows of `store.evaluations.predictions`;
`store.evaluations.finalise` makes the report.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import partial
from typing import Any

import duckdb

from engine.category import Category
from engine.errors import InvalidDataset
from engine.evaluation.data.labels import Dataset, LabelledPicture
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.summary import Summary
from engine.policy import Policy, read_policy
from store.absence import absent
from store.accounts.act import Act
from store.accounts.actor import MACHINE, Actor
from store.database import Database
from store.errors import EvaluationRunning, UnknownRecord
from store.evaluations import predictions
from store.evaluations.predictions import Counts
from store.text import storable
from store.times import aware, aware_or_none, stored
from store.vault import private_text
from store.vault.context import Purpose
from store.vault.private_text import UNOPENED, Column, PrivateText
from store.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A row of `evaluations`: data set, policy, target, and the report."""

    id: str
    number: int
    """1 for the first one; never used again."""
    name: str
    source: str
    """Where the data set was read from."""
    fingerprint: str
    """Of the data set."""
    policy_toml: str
    policy: str
    """Fingerprint."""
    problems: tuple[str, ...]
    """What could not be used of the data set, a sentence each."""
    target: float
    """The share of recall to prove, 0..1."""
    made_by: str
    created_at: datetime
    finished_at: datetime | None
    """When every picture had its outcome and the report was made, or could not be made."""
    cancelled_at: datetime | None
    report: Summary | None
    """As `lethe evaluate --json` writes it."""
    problem: str | None
    """Why a finished evaluation has no report, a sentence; the next start tries again."""
    lost: Mapping[Category | None, int] = field(default_factory=dict)
    """Boxes of the data set that could not be used, by category; None: of any."""

    @property
    def is_open(self) -> bool:
        """True while there may still be a report."""
        return self.finished_at is None and self.cancelled_at is None


@dataclass(frozen=True, slots=True)
class Request:
    """Settings of a new evaluation."""

    name: str
    source: str
    dataset: Dataset
    policy_toml: str
    target: float
    made_by: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.target < 1.0:
            raise ValueError(f"target must lie in 0..1, below 1, got {self.target}")


def create(actor: Actor, database: Database, request: Request, now: datetime) -> Evaluation:
    """Make an evaluation, all of it or nothing; work on it begins when no batch waits.

    Raises:
        InvalidDataset: the data set has no picture.
        InvalidPolicy: the policy's text was not accepted.
    """
    policy = read_policy(request.policy_toml)
    pictures = request.dataset.pictures
    if not pictures:
        raise InvalidDataset(
            f"The data set {request.dataset.name!r} has no picture that can be measured; "
            "choose another folder."
        )
    evaluation_id = secrets.token_hex(16)
    database.admit(actor, Act.EVALUATE, evaluation_id, name=request.made_by)
    private_text.begin_group(database.vault, evaluation_id)
    try:
        created = _create(actor, database, evaluation_id, request, policy, now)
    except BaseException:
        if absent(MACHINE, database, "evaluations", [evaluation_id]):
            database.vault.destroy_batch(evaluation_id)
        raise
    database.work.set()
    return created


def _create(
    actor: Actor,
    database: Database,
    evaluation_id: str,
    request: Request,
    policy: Policy,
    now: datetime,
) -> Evaluation:
    seal = partial(private_text.seal_for_group, database.vault, evaluation_id)
    pictures, problems = request.dataset.pictures, request.dataset.problems
    labelled = private_text.seal_all_for_group(
        database.vault,
        evaluation_id,
        Purpose.LABELS,
        (json.dumps(picture.to_json()) for picture in pictures),
    )
    fingerprint = request.dataset.fingerprint
    with database.transaction(actor, Act.EVALUATE, evaluation_id, name=request.made_by) as cursor:
        cursor.execute(
            """
            INSERT INTO evaluations
                (id, sealed_name, sealed_source, fingerprint, policy_toml, policy,
                sealed_problems, lost, target, made_by, created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                evaluation_id,
                seal(Purpose.NAME, storable(request.name)),
                seal(Purpose.PLACE, storable(request.source)),
                fingerprint,
                request.policy_toml,
                policy.fingerprint,
                seal(Purpose.REASON, json.dumps([storable(str(one)) for one in problems])),
                json.dumps({category or "": n for category, n in request.dataset.lost.items()}),
                request.target,
                storable(request.made_by),
                stored(now),
            ],
        )
        predictions.insert(cursor, evaluation_id, labelled, now)
        created = evaluation_in(database.vault, cursor, evaluation_id)
        database.event.details |= {"policy": policy.fingerprint, "pictures": len(pictures)}
    return created


def cancel(actor: Actor, database: Database, evaluation_id: str, now: datetime) -> int:
    """Stop before the pictures not begun yet and give their number; those under way finish.

    What was predicted stays, but there will be no report. One that is finished stays as it is.

    Raises:
        UnknownRecord: there is no such evaluation.
    """
    with database.transaction(actor, Act.CANCEL_EVALUATION, evaluation_id) as cursor:
        if not evaluation_in(database.vault, cursor, evaluation_id).is_open:
            database.event.is_idle = True
            return 0
        cursor.execute(
            """
            UPDATE evaluations
            SET cancelled_at = ?
            WHERE id = ?
            """,
            [stored(now), evaluation_id],
        )
        return predictions.cancel(cursor, evaluation_id, now)


def delete(actor: Actor, database: Database, evaluation_id: str) -> None:
    """Forget an evaluation with its labels, findings and report.

    Raises:
        EvaluationRunning: it is neither finished nor cancelled, or a picture of it is in work.
        UnknownRecord: there is no such evaluation.
    """
    with database.transaction(actor, Act.DELETE_EVALUATION, evaluation_id) as cursor:
        if evaluation_in(database.vault, cursor, evaluation_id).is_open:
            raise EvaluationRunning(
                "This evaluation is still running; cancel it first, then delete it."
            )
        if predictions.counts_in(cursor, evaluation_id).remaining:
            raise EvaluationRunning(
                "A picture of this evaluation is being looked at right now; nothing was deleted. "
                "Delete it again in a few seconds."
            )
        predictions.delete(cursor, evaluation_id)
        cursor.execute("DELETE FROM evaluations WHERE id = ?", [evaluation_id])
    database.vault.destroy_batch(evaluation_id)


def sources(actor: Actor, database: Database) -> tuple[str, ...] | None:
    """Where the labelled pictures of every evaluation lie, each place once: still needed.

    None where the key of one is away: nobody can tell then what is not needed.
    """
    with database.transaction(actor, Act.READ_EVALUATIONS) as cursor:
        rows = cursor.execute("SELECT id, sealed_source, source FROM evaluations").fetchall()
    try:
        return tuple(sorted({_place(database.vault, *row).text or "" for row in rows}))
    except UNOPENED:
        return None


def listed(actor: Actor, database: Database, limit: int = 100) -> tuple[Evaluation, ...]:
    """Evaluations, the newest first."""
    with database.transaction(actor, Act.READ_EVALUATIONS) as cursor:
        rows = cursor.execute(f"{_COLUMNS} ORDER BY number DESC LIMIT ?", [limit]).fetchall()
    return tuple(_evaluation(database.vault, row) for row in rows)


def evaluation(actor: Actor, database: Database, evaluation_id: str) -> Evaluation:
    """One evaluation.

    Raises:
        UnknownRecord: there is none with that id.
    """
    with database.transaction(actor, Act.READ_EVALUATIONS, evaluation_id) as cursor:
        return evaluation_in(database.vault, cursor, evaluation_id)


def policy_of(actor: Actor, database: Database, evaluation_id: str) -> Policy:
    """The policy that is evaluated.

    Raises:
        InvalidPolicy: it was accepted by an older Lethe and is not by this one.
        UnknownRecord: there is no such evaluation.
    """
    toml = evaluation(actor, database, evaluation_id).policy_toml
    return read_policy(toml, name="The evaluation's policy")


def counts(actor: Actor, database: Database, evaluation_id: str) -> Counts:
    """Progress of one evaluation, as pictures per state.

    Raises:
        UnknownRecord: there is no such evaluation.
    """
    with database.transaction(actor, Act.READ_EVALUATIONS, evaluation_id) as cursor:
        evaluation_in(database.vault, cursor, evaluation_id)
        return predictions.counts_in(cursor, evaluation_id)


def examined(
    actor: Actor, database: Database, evaluation_id: str
) -> tuple[tuple[LabelledPicture, PredictionRecord], ...]:
    """Labelled pictures with their prediction records so far, by the picture's name."""
    with database.transaction(actor, Act.READ_EVALUATIONS, evaluation_id) as cursor:
        rows = predictions.outcomes_in(database.vault, cursor, evaluation_id, "examined")
    pairs = (
        (_labelled(labelled), PredictionRecord.from_json(json.loads(findings or "")))
        for labelled, findings, _ in rows
    )
    return tuple(sorted(pairs, key=lambda pair: pair[0].name))


def unread(
    actor: Actor, database: Database, evaluation_id: str
) -> tuple[tuple[LabelledPicture, str], ...]:
    """Labelled pictures that could not be read so far, each with the reason, by name."""
    with database.transaction(actor, Act.READ_EVALUATIONS, evaluation_id) as cursor:
        rows = predictions.outcomes_in(database.vault, cursor, evaluation_id, "unread")
    pairs = ((_labelled(labelled), reason.shown) for labelled, _, reason in rows)
    return tuple(sorted(pairs, key=lambda pair: pair[0].name))


def evaluation_in(
    vault: Vault, cursor: duckdb.DuckDBPyConnection, evaluation_id: str
) -> Evaluation:
    """One evaluation, inside a transaction.

    Raises:
        UnknownRecord: there is none with that id.
    """
    row = cursor.execute(f"{_COLUMNS} WHERE id = ?", [evaluation_id]).fetchone()
    if row is None:
        raise UnknownRecord(f"There is no evaluation {evaluation_id}.")
    return _evaluation(vault, row)


_COLUMNS = """
    SELECT id, number, name, source, fingerprint, policy_toml, policy, problems, target, made_by,
        created_at, finished_at, cancelled_at, report, problem, lost, sealed_name, sealed_source,
        sealed_problems
    FROM evaluations
"""


def _labelled(labels: PrivateText) -> LabelledPicture:
    return LabelledPicture.from_json(json.loads(labels.text or ""))


def _place(vault: Vault, evaluation_id: str, *columns: Column) -> PrivateText:
    return private_text.of_group(vault, evaluation_id, Purpose.PLACE, *columns)


def _problems(problems: PrivateText) -> tuple[str, ...]:
    try:
        return tuple(json.loads(problems.text or "[]"))
    except UNOPENED as error:
        return (private_text.lost(problems.purpose, error),)


def _evaluation(vault: Vault, row: tuple[Any, ...]) -> Evaluation:
    *plain, name, source, problems = row
    columns = dict(zip((field.name for field in fields(Evaluation)), plain, strict=True))
    report, lost = columns["report"], json.loads(columns["lost"])
    text = partial(private_text.of_group, vault, columns["id"])
    columns["name"] = text(Purpose.NAME, name, columns["name"]).shown
    columns["source"] = _place(vault, columns["id"], source, columns["source"]).shown
    if problems is not None:
        columns["problems"] = _problems(text(Purpose.REASON, problems))
    columns["problems"] = tuple(columns["problems"])
    columns["lost"] = {Category(name) if name else None: count for name, count in lost.items()}
    columns["created_at"] = aware(columns["created_at"])
    columns["finished_at"] = aware_or_none(columns["finished_at"])
    columns["cancelled_at"] = aware_or_none(columns["cancelled_at"])
    columns["report"] = None if report is None else Summary.from_json(json.loads(report))
    return Evaluation(**columns)
