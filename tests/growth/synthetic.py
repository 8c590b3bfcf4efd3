"""Synthetic runs and stores, of pictures that nobody looked at.

Runs are folders as `lethe redact` leaves them and come in by the public import. What follows on
that, decisions, releases and events, is written as rows: the machine and people take their time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import cv2
import duckdb
import numpy as np

from engine.category import Category
from engine.detect.names import names
from engine.geometry import Box, Size
from engine.plan import Origin, Plan, Reason, ReasonKind, Region
from engine.policy import Policy
from engine.receipt import SignOff
from engine.runs.journal import plan_of
from engine.signing.signer import Signer
from store.accounts.act import Act
from store.accounts.actor import MACHINE
from store.audit.event import FIRST, Detail, Event
from store.database import Database
from store.files import Files
from store.times import stored
from tests.store import fakes
from tests.store.fakes import ACTOR

Row = TypeVar("Row")

_KEY = b"k" * 32
_SIZE = Size(1000, 800)
_SIGNED = 100
_COLUMNS = ("releases", "pictures", "batches", "sizes", "digests", "receipts", "certificates")


@dataclass(frozen=True, slots=True)
class SyntheticRun:
    """Output and input folder of a run."""

    out: Path
    inputs: Path


def write_run(folder: Path, count: int, signer: Signer) -> SyntheticRun:
    """Write the folders of a run of this installation that left `count` pictures for review."""
    run = SyntheticRun(folder / "out", folder / "in")
    private = run.out / ".lethe"
    private.mkdir(parents=True)
    run.inputs.mkdir()
    policy = Policy()
    (private / "key").write_bytes(_KEY)
    (private / "policy.toml").write_text(policy.to_toml())
    run_id = hashlib.sha256(str(folder).encode()).hexdigest()[:32]
    (private / "run.json").write_text(json.dumps({"run": run_id, "format": "png"}))
    with (run.out / "review.jsonl").open("w") as lines:
        for line in _lines(run.inputs, count, policy, signer):
            lines.write(json.dumps(line) + "\n")
    return run


def _lines(inputs: Path, count: int, policy: Policy, signer: Signer) -> Iterator[dict[str, object]]:
    weights, fingerprint = names(policy), policy.fingerprint
    for number in range(count):
        content = f"synthetic picture {number}".encode()
        source = f"{number:06}.jpg"
        (inputs / source).write_bytes(content)
        picture = hmac.new(_KEY, content, hashlib.sha256).hexdigest()[:32]
        plan = _plan(picture, number, fingerprint, weights)
        values = plan.to_json()
        for region in (*values["regions"], *values["doubts"]):
            region["masked"] = [8, 8, 52, 52]
        del values["image_id"]
        line = {"source": source, "picture": picture, **values}
        yield {**line, "seal": signer.seal(plan_of(line))}


def _plan(picture: str, number: int, policy: str, weights: tuple[str, ...]) -> Plan:
    """A face that is sure and a tattoo that is not, with a score that differs by picture."""
    face = Region(Box(10, 10, 50, 50), Category.FACE, Origin.MODEL, 0.9)
    score = 0.2 + number % 500 / 1000
    doubt = Region(Box(10, 10, 50, 50), Category.TATTOO, Origin.MODEL, score)
    reason = Reason(ReasonKind.UNSURE, f"tattoo {score:.2f}")
    return Plan(picture, _SIZE, (face,), (doubt,), (reason,), policy, weights=weights)


def release_half(database: Database, now: datetime) -> None:
    """Have every second picture in review decided and released, as rows and files alone.

    Releases but for the newest have no certificate, as those of an early Lethe.
    """
    with database.transaction(ACTOR, Act.WORK) as cursor:
        rows = cursor.execute(
            """
            SELECT id, batch_id
            FROM pictures
            WHERE state = 'review'
              AND number % 2 = 0
            ORDER BY number
            """
        ).fetchall()
    signer, day = database.signer, f"{now:%Y-%m-%d}"
    released = []
    for number, (picture, batch) in enumerate(rows):
        release, data = secrets.token_hex(16), _png(number)
        database.files.release(release, "png").write_bytes(data)
        made = fakes.receipt(release, picture, SignOff(f"reviewer {number % 20}"))
        is_signed = number >= len(rows) - _SIGNED  # a signature takes milliseconds
        certificate = signer.certificate(made, data, day).decode() if is_signed else None
        digest = hashlib.sha256(data).hexdigest()
        text = json.dumps(made.to_json())
        released.append((release, picture, batch, len(data), digest, text, certificate))
    for chunk in batched(released, 5_000):
        with database.transaction(ACTOR, Act.WORK) as cursor:
            _insert(cursor, chunk, stored(now))


def _insert(
    cursor: duckdb.DuckDBPyConnection, rows: Sequence[tuple[object, ...]], at: datetime
) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    cursor.execute(
        """
        CREATE TEMP TABLE new AS
        SELECT unnest($releases::VARCHAR[]) AS release_id, unnest($pictures::VARCHAR[]) AS picture,
            unnest($batches::VARCHAR[]) AS batch, unnest($sizes::BIGINT[]) AS bytes,
            unnest($digests::VARCHAR[]) AS sha256, unnest($receipts::VARCHAR[]) AS receipt,
            unnest($certificates::VARCHAR[]) AS certificate
        """,
        dict(zip(_COLUMNS, columns, strict=True)),
    )
    cursor.execute(
        """
        INSERT INTO receipts (release_id, picture_id, live_picture_id, batch_id, format, bytes,
            sha256, receipt, released_at)
        SELECT release_id, picture, picture, batch, 'png', bytes, sha256, receipt, ?
        FROM new
        """,
        [at],
    )
    cursor.execute(
        "INSERT INTO certificates SELECT release_id, certificate FROM new WHERE certificate <> ''"
    )
    cursor.execute(
        """
        INSERT INTO verdicts (picture_id, revision, reviewer, decision, regions, opened_at,
            decided_at)
        SELECT picture, 0, json_extract_string(receipt, '$.reviewer'), 'settled', '[]', ?, ?
        FROM new
        """,
        [at - timedelta(seconds=9), at],
    )
    cursor.execute(
        """
        UPDATE pictures
        SET state = 'released', changed_at = ?, audit_sample = number % 20 = 0
        WHERE id IN (SELECT picture FROM new)
        """,
        [at],
    )
    cursor.execute("DROP TABLE new")


def _png(number: int) -> bytes:
    """A small picture of its own."""
    rgb = np.full((8, 8, 3), number % 256, np.uint8)
    rgb[0, 0] = (number // 256 % 256, number // 65536, 0)
    return bytes(cv2.imencode(".png", rgb)[1])


def append_events(home: Path, count: int, now: datetime) -> None:
    """Write a chain of events on, as a picture each would have left; the database is closed."""
    with duckdb.connect(str(Files(home).database)) as connection:
        known = connection.execute(
            "SELECT number, hash FROM events ORDER BY number DESC LIMIT 1"
        ).fetchone()
        number, previous = known or (0, FIRST)
        ids = [id_ for (id_,) in connection.execute("SELECT id FROM pictures").fetchall()]
        events = []
        for step in range(count):
            number += 1
            subject = ids[step % len(ids)]
            details: dict[str, Detail] = {"outcome": "review", "attempt": 1}
            event = Event(
                number, now, MACHINE.id, Act.RECORD_OUTCOME.key, subject, details, previous
            )
            previous = event.hash
            text = event.details_text
            events.append((number, event.actor, event.act, subject, text, event.previous, previous))
        for chunk in batched(events, 20_000):
            connection.execute(
                """
                INSERT INTO events
                    (number, actor, act, subject, details, previous, hash, happened_at)
                SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),
                    unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]),
                    unnest(?::VARCHAR[]), ?
                """,
                [*(list(column) for column in zip(*chunk, strict=True)), stored(now)],
            )


def batched(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """The rows, `size` at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
