"""Deadlines: until when what is held of a picture may be held, known from its arrival on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from engine.policy import RetentionPolicy
from engine.runs.licences import LONGEST_DAYS, Entry
from store.retention.holding import Holding

_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """A moment for each holding; None where nobody says when."""

    original: datetime | None = None
    preview: datetime | None = None
    name: datetime | None = None
    release: datetime | None = None
    review: datetime | None = None

    def of(self, holding: Holding) -> datetime | None:
        """That of one holding."""
        moment: datetime | None = getattr(self, holding.value)
        return moment


KEPT: Final = Deadlines()


def deadlines(policy: RetentionPolicy, entry: Entry | None, arrived: datetime) -> Deadlines:
    """What policy and manifest say together: the earlier one of both.

    The manifest speaks of all but the release, which has no more of the picture than may go out.
    Nothing that an original's key sealed outlives the original.

    Args:
        policy: of the batch.
        entry: the picture's line in the manifest; None where it has none.
        arrived: from when days count.
    """
    own = None if entry is None else entry.retain_days
    original = _earliest(policy.originals_days, own)
    return Deadlines(
        original=_after(arrived, original),
        preview=_after(arrived, _earliest(policy.previews_days, original)),
        name=_after(arrived, _earliest(policy.names_days, original)),
        release=_after(arrived, _earliest(policy.releases_days)),
        review=_after(arrived, _earliest(policy.reviews_days, own)),
    )


def _earliest(*days: int | None) -> int | None:
    """0 and None are no period."""
    return min(filter(None, days), default=None)


def _after(arrived: datetime, days: int | None) -> datetime | None:
    if days is None:
        return None
    try:
        return arrived + timedelta(days=min(max(days, 1), LONGEST_DAYS))
    except OverflowError:  # a clock that is thousands of years ahead
        return _LAST
