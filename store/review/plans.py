"""Plans as rows: append-only, so that the machine's own stays beside what people decided."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from engine.geometry import PixelRect
from engine.plan import Plan
from store.times import stored


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as it was kept."""

    plan: Plan
    """Its proposed regions carry their masked rectangles, or none does."""
    made_by: str | None = None
    """The reviewer who settled it; None for the machine's."""
    second_made_by: str | None = None
    """Another who did too, where the picture had a second review."""


def keep(
    cursor: duckdb.DuckDBPyConnection, picture_id: str, stored_plan: StoredPlan, now: datetime
) -> None:
    """Insert a plan under its own revision, which must be new for the picture."""
    keep_all(cursor, {picture_id: stored_plan}, now)


def keep_all(
    cursor: duckdb.DuckDBPyConnection, stored_plans: Mapping[str, StoredPlan], now: datetime
) -> None:
    """Insert plans by picture id, in one statement, each under its own revision."""
    plans = [one.plan for one in stored_plans.values()]
    cursor.execute(
        """
        INSERT INTO plans
            (picture_id, revision, plan, masked, kinds, made_by, second_made_by, made_at)
        SELECT unnest(?::VARCHAR[]), unnest(?::INTEGER[]), unnest(?::VARCHAR[]),
            unnest(?::VARCHAR[]), unnest(?::VARCHAR[][]), unnest(?::VARCHAR[]),
            unnest(?::VARCHAR[]), ?
        """,
        [
            list(stored_plans),
            [plan.revision for plan in plans],
            [json.dumps(plan.to_json()) for plan in plans],
            [json.dumps(_rects(plan)) for plan in plans],
            [sorted({reason.kind.value for reason in plan.reasons}) for plan in plans],
            [one.made_by for one in stored_plans.values()],
            [one.second_made_by for one in stored_plans.values()],
            stored(now),
        ],
    )


def at_revision(cursor: duckdb.DuckDBPyConnection, picture_id: str, revision: int) -> StoredPlan:
    """The plan kept under a revision.

    Raises:
        ValueError: there is none, so the store's own order was broken.
    """
    row = cursor.execute(
        """
        SELECT plan, masked, made_by, second_made_by
        FROM plans
        WHERE picture_id = ?
          AND revision = ?
        """,
        [picture_id, revision],
    ).fetchone()
    if row is None:
        raise ValueError(f"expected a plan of picture {picture_id} at revision {revision}")
    plan, masked, *made_by = row
    return StoredPlan(from_columns(plan, masked), *made_by)


def revision_of(cursor: duckdb.DuckDBPyConnection, picture_id: str, digest: str) -> int:
    """The newest revision of a picture's plan with this digest; -1 when there is none."""
    rows = cursor.execute(
        """
        SELECT revision, plan, masked
        FROM plans
        WHERE picture_id = ?
        ORDER BY revision DESC
        """,
        [picture_id],
    ).fetchall()
    matches = (revision for revision, *plan in rows if from_columns(*plan).digest == digest)
    return next(matches, -1)


def _rects(plan: Plan) -> list[PixelRect]:
    rects = [region.rect for region in plan.proposed if region.has_rect]
    return rects if len(rects) == len(plan.proposed) else []


def from_columns(plan: str, masked: str) -> Plan:
    """A plan from the columns of its row."""
    rects = [PixelRect(*rect) for rect in json.loads(masked)]
    return Plan.from_json(json.loads(plan)).with_rects(rects)
