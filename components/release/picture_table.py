"""The table of a batch's pictures: thumbnails of releases, outcomes, reasons, share removed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil
from urllib.parse import quote

import pandas as pd
import streamlit as st

from components.app import row_choice
from components.app.inline import inline
from components.app.palette import OUTCOMES, REVOKED, ago, cells
from components.app.services import database, now
from components.app.session import actor
from components.release.thumbnails import thumbnail
from engine.coverage import percent
from store.batches import pictures
from store.batches.batches import Batch
from store.batches.pictures import Picture, PictureState
from store.releases import receipts
from store.releases.receipts import StoredReceipt
from store.review import queue

PAGE = 50
"""Rows shown at a time: each may carry a thumbnail."""
_SHOWN = (
    PictureState.RELEASED,
    PictureState.REVIEW,
    PictureState.QUARANTINED,
    PictureState.CANCELLED,
)
_THUMBNAIL_PX = 96
_ROW_PX, _HEAD_PX, _MOST_PX = 56, 38, 486
_COLUMNS = {
    "Release picture": st.column_config.ImageColumn("", width=68),
    "Name": st.column_config.TextColumn(width=120),
    "Outcome": st.column_config.TextColumn(width=96),
    "Details": st.column_config.TextColumn(width="large"),
    "Changed": st.column_config.TextColumn(width=96),
    "Release": st.column_config.TextColumn(width="small"),
}
"""Widths, so that reasons have the room; ids, which nobody reads, come last and are cut."""
NOTHING_OUT = "data:image/svg+xml;charset=utf-8," + quote(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" width="48" height="48">'
    '<rect x="5" y="5" width="38" height="38" rx="6" fill="none" stroke="#7d8a88" '
    'stroke-width="2" stroke-dasharray="5 4"/></svg>'
)
"""An empty frame where a row has no release to show; without it the table says `None`."""


def ask_states() -> Sequence[PictureState]:
    """Outcomes to show: those chosen, or all."""
    chosen = st.segmented_control(
        "Show", _SHOWN, selection_mode="multi", default=_linked_states(),
        format_func=lambda state: OUTCOMES[state][0], key="release_filter",
        label_visibility="collapsed",
    )  # fmt: skip
    return chosen or _SHOWN


def choose(batch: Batch, states: Sequence[PictureState]) -> Picture | None:
    """The table of pictures with outcome and reason; the row clicked, or the first release.

    What was clicked is of these rows alone: other rows are another table.
    """
    number, rows = _page(batch, states)
    if not rows:
        st.caption("No picture of this kind.")
        return None
    reasons = _reasons(rows)
    standing = receipts.of_pictures(actor(), database(), [row.id for row in rows])
    table = pd.DataFrame(cells(_row(row, reasons, standing.get(row.id)) for row in rows))
    key = f"release_table_{batch.id}_{'_'.join(states)}_{number}"
    picked = st.dataframe(
        table,
        hide_index=True,
        row_height=_ROW_PX,
        height=min(_HEAD_PX + _ROW_PX * len(rows), _MOST_PX),
        column_order=[name for name in table if _says_something(table[name])],
        column_config=_COLUMNS,
        on_select=partial(row_choice.follow_cell, key),
        selection_mode=row_choice.MODES,
        selection_default=row_choice.row(_first_release(rows)),
        key=key,
        alt="Pictures of the batch with outcome and reason",
    )
    selected = picked["selection"]["rows"]
    return rows[selected[0]] if selected and selected[0] < len(rows) else None


def _first_release(rows: Sequence[Picture]) -> int:
    """The row shown at first: that of a release, of which there is most to see."""
    released = (at for at, row in enumerate(rows) if row.state is PictureState.RELEASED)
    return next(released, 0)


def _says_something(column: pd.Series[str]) -> bool:
    """Whether a column is worth its width: of what is held back, several are empty."""
    return bool((~column.isin(["", NOTHING_OUT])).any())


def _page(batch: Batch, states: Sequence[PictureState]) -> tuple[int, Sequence[Picture]]:
    """The page turned to and its rows, whose names alone are opened; all of a short batch."""
    pages = ceil(pictures.count_of_batch(actor(), database(), batch.id, states) / PAGE)
    number = st.pagination(pages, key="release_page") if pages > 1 else 1
    return number, pictures.of_batch(
        actor(), database(), batch.id, states, limit=PAGE, offset=(number - 1) * PAGE
    )


def _linked_states() -> list[PictureState]:
    """The outcome that the address asks for, else all."""
    wanted = st.query_params.get("show")
    return [state for state in _SHOWN if state.value == wanted] or list(_SHOWN)


def _reasons(rows: Sequence[Picture]) -> dict[str, str]:
    """Why pictures wait for review, by picture id."""
    waiting = [row.id for row in rows if row.state is PictureState.REVIEW]
    kinds = queue.kinds_of(actor(), database(), waiting)
    return {id_: ", ".join(kind.value for kind in given) for id_, given in kinds.items()}


def _row(
    picture: Picture, reasons: dict[str, str], receipt: StoredReceipt | None
) -> dict[str, str | None]:
    word, _, _ = OUTCOMES[picture.state]
    share = receipt.share_removed if receipt else None
    removed = "" if share is None else f"{percent(share)} removed"
    reason = picture.reason or reasons.get(picture.id, "")
    return {
        "Release picture": (_thumbnail(receipt) if receipt else None) or NOTHING_OUT,
        "Name": picture.source,
        "Outcome": REVOKED[0] if receipt and receipt.revoked_at else word,
        "Details": " · ".join(filter(None, (removed, reason))),
        "Changed": ago(picture.changed_at, now()),
        "Release": picture.release_id or "",
    }


def _thumbnail(receipt: StoredReceipt) -> str | None:
    """A release as a small data URL."""
    small = thumbnail(str(receipt.path), receipt.sha256, _THUMBNAIL_PX)
    return None if small is None else inline(small)
