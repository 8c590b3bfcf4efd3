"""What a reviewer chose to work on, and in which order, as clauses of a query."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.category import Category
from engine.plan import ReasonKind


class Order(StrEnum):
    """In which order pictures come; the values are shown as they are."""

    RISK = "most risk first"
    SUREST = "surest first"
    UPLOADED = "as uploaded"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which pictures of the queue, and in which order; None means any."""

    order: Order = Order.RISK
    batch_id: str | None = None
    kind: ReasonKind | None = None
    category: Category | None = None
    """Of something proposed."""

    @property
    def is_all(self) -> bool:
        """True when nothing is left out."""
        return self.batch_id is None and self.kind is None and self.category is None

    @property
    def filters(self) -> list[str | None]:
        """Values for `CHOSEN`, in its order."""
        kind = None if self.kind is None else self.kind.value
        category = None if self.category is None else self.category.value
        return [self.batch_id, self.batch_id, kind, kind, category, category]


ALL = Choice()

CHOSEN = """
    CASE WHEN ?::VARCHAR IS NULL THEN TRUE ELSE p.batch_id = ? END
    AND CASE WHEN ?::VARCHAR IS NULL THEN TRUE ELSE list_contains(l.kinds, ?) END
    AND CASE WHEN ?::VARCHAR IS NULL THEN TRUE ELSE list_contains(
        list_concat(
            json_extract_string(l.plan, '$.regions[*].category'),
            json_extract_string(l.plan, '$.doubts[*].category')
        ), ?) END
"""
"""Of `pictures AS p` and `plans AS l`; takes `Choice.filters`."""

ORDERED = """
    CASE ?::VARCHAR
        WHEN 'most risk first' THEN -p.risk
        WHEN 'surest first' THEN p.risk
        ELSE 0
    END,
    p.number
"""
"""Of `pictures AS p`; takes `Choice.order`."""

FOR_REVIEWER = """
    NOT EXISTS (
        SELECT 1
        FROM open_second_reviews AS o
        WHERE o.picture_id = p.id
          AND lower(o.reviewer) = lower(?)
    )
"""
"""Of `pictures AS p`; takes a reviewer, who does not decide a picture twice. "" is anybody."""
