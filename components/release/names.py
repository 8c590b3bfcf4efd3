"""The private list of a batch: which release was made of which file. It never goes out."""

from __future__ import annotations

import csv
import io
from functools import partial

from components.app import download_link, permission, session
from components.app.access import Role, may
from components.app.palette import OUTCOMES
from components.app.services import database
from components.app.session import actor
from engine.files.cells import inert
from store.accounts.actor import Actor
from store.audit import downloads
from store.batches import pictures
from store.batches.batches import Batch
from store.database import Database

_COLUMNS = ("name", "outcome", "release", "reason")


def offer(batch: Batch) -> None:
    """A button for managers; nobody else sees that there is a list."""
    if not may(session.user(), Role.MANAGER):
        return
    download_link.button(
        "Names and releases (private)",
        partial(made, batch),
        name=f"private-names-{batch.created_at:%Y-%m-%d-%H%M}.csv",
        media_type="text/csv",
        icon=":material/lock:",
        key="release_names",
        subject=batch.id,
        help="Says which release was made of which file. Keep it inside; it is not in the zip.",
    )


@permission.download(Role.MANAGER)
def made(batch: Batch) -> bytes:
    """The list as a file, for whoever may have it."""
    return listing(actor(), database(), batch).encode("utf-8")


def listing(actor: Actor, database: Database, batch: Batch) -> str:
    """CSV: a line for each picture of the batch, in the order they came; that is recorded."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    listed = pictures.of_batch(actor, database, batch.id)
    for row in listed:
        word, _, _ = OUTCOMES[row.state]
        rows.writerow((inert(row.source), word, row.release_id or "", inert(row.reason or "")))
    downloads.names_listed(actor, database, batch.id, len(listed))
    return text.getvalue()
