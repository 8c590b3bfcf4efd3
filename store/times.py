"""Moments, in the one form each side of the border wants.

DuckDB's TIMESTAMPTZ needs pytz to be read back, so columns hold UTC without a zone and everything
outside the store holds aware datetimes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

CLOCKS_DIFFER = timedelta(minutes=5)
"""What is dated later than this from now was written while the machine's clock was wrong."""


def stored(moment: datetime) -> datetime:
    """The moment as a TIMESTAMP column holds it: UTC, without a zone.

    Raises:
        ValueError: the moment has no zone, so nobody knows when it was.
    """
    if moment.tzinfo is None:
        raise ValueError(f"expected an aware datetime, got {moment!r}")
    return moment.astimezone(UTC).replace(tzinfo=None)


def stored_or_none(moment: datetime | None) -> datetime | None:
    """`stored` for a column that may be empty."""
    return None if moment is None else stored(moment)


def day(moment: datetime) -> str:
    """The day in UTC, as 2026-11-23: all that goes out of when something happened."""
    return stored(moment).date().isoformat()


def within(moment: datetime, window: timedelta, now: datetime) -> bool:
    """Whether something happened in the time just past; never true of a moment still to come."""
    return now - window < moment <= now + CLOCKS_DIFFER


def bounds(window: timedelta, now: datetime) -> tuple[datetime, datetime]:
    """The open beginning and the end of `within`, as columns hold them."""
    return stored(now - window), stored(now + CLOCKS_DIFFER)


def aware(value: datetime) -> datetime:
    """Undo `stored`."""
    return value.replace(tzinfo=UTC)


def aware_or_none(value: datetime | None) -> datetime | None:
    """Undo `stored` for a column that may be empty."""
    return None if value is None else aware(value)
