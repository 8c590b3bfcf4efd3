"""What lies in the home when all is done: releases, and labels that still show in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.evaluation.data.labels import LabelledPicture
from engine.geometry import PixelRect
from store.batches import pictures as store_pictures
from store.batches import progress
from store.database import Database
from store.releases import receipts
from store.releases.receipts import StoredReceipt
from tests.browser.review_bench.comparison import uncovered
from tests.browser.review_bench.visits import Outcome, Visit
from tests.store.fakes import ACTOR


def outcome(
    home: Path, pictures: Mapping[str, LabelledPicture], visits: Sequence[Visit], seen: set[str]
) -> Outcome:
    """Compare every release with the labels; the app must have ended."""
    database = Database.open(home, datetime.now(UTC))
    try:
        released = {
            store_pictures.picture(ACTOR, database, one.picture_id).source: one
            for one in receipts.newest(ACTOR, database)
        }
        counts = progress.totals(ACTOR, database)
    finally:
        database.close()
    ended = len(released) + counts.quarantined
    if ended != len(pictures) - counts.cancelled:
        raise ValueError(f"expected {len(pictures)} pictures at their end, got {counts}")
    shows = {name: _still_visible(one, pictures[name]) for name, one in released.items()}
    return Outcome(
        pictures=ended,
        asked=len(seen),
        visits=tuple(visits),
        released=len(released),
        quarantined=counts.quarantined,
        labels=sum(not label.is_ignored for name in released for label in pictures[name].labels),
        uncovered_reviewed=sum(number for name, number in shows.items() if name in seen),
        uncovered_unasked=sum(number for name, number in shows.items() if name not in seen),
    )


def _still_visible(receipt: StoredReceipt, picture: LabelledPicture) -> int:
    rects = [PixelRect(*line["masked"]) for line in receipt.receipt["regions"]]
    return len(uncovered(picture.labels, rects))
