"""The table of a batch's pictures: thumbnails of releases, outcomes, reasons, share removed."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from urllib.parse import quote

import pandas as pd
import streamlit as st

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
_ROW_PX, _HEAD_PX, _MOST_PX = 56, 38, 360
NOTHING_OUT = "data:image/svg+xml;charset=utf-8," + quote(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" width="48" height="48">'
    '<rect x="5" y="5" width="38" height="38" rx="6" fill="none" stroke="#7d8a88" '
    'stroke-width="2" stroke-dasharray="5 4"/></svg>'
)
"""An empty frame where a row has no release to show; without it the table says `None`."""


def choose(batch: Batch) -> Picture | None:
    """The table of pictures with outcome and reason; the row that was clicked."""
    chosen = st.segmented_control(
        "Show", _SHOWN, selection_mode="multi", default=_linked_states(),
        format_func=lambda state: OUTCOMES[state][0], key="release_filter",
    )  # fmt: skip
    rows = _page(batch, chosen or list(_SHOWN))
    if not rows:
        st.caption("No picture of this kind.")
        return None
    reasons = _reasons(rows)
    standing = receipts.of_pictures(actor(), database(), [row.id for row in rows])
    picked = st.dataframe(
        pd.DataFrame(cells(_row(row, reasons, standing.get(row.id)) for row in rows)),
        hide_index=True,
        row_height=_ROW_PX,
        height=min(_HEAD_PX + _ROW_PX * len(rows), _MOST_PX),
        column_config={"Release picture": st.column_config.ImageColumn("", width="small")},
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        key=f"release_table_{batch.id}",
        alt="Pictures of the batch with outcome and reason",
    )
    selected = picked["selection"]["rows"]
    return rows[selected[0]] if selected and selected[0] < len(rows) else None


def _page(batch: Batch, states: Sequence[PictureState]) -> Sequence[Picture]:
    """The rows that are turned to, whose names alone are opened; all of a short batch."""
    pages = ceil(pictures.count_of_batch(actor(), database(), batch.id, states) / PAGE)
    number = st.pagination(pages, key="release_page") if pages > 1 else 1
    return pictures.of_batch(
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
    return {
        "Release picture": (_thumbnail(receipt) if receipt else None) or NOTHING_OUT,
        "Name": picture.source,
        "Outcome": REVOKED[0] if receipt and receipt.revoked_at else word,
        "Removed": "" if share is None else percent(share),
        "Why": picture.reason or reasons.get(picture.id, ""),
        "Changed": ago(picture.changed_at, now()),
        "Release": picture.release_id or "",
    }


def _thumbnail(receipt: StoredReceipt) -> str | None:
    """A release as a small data URL."""
    small = thumbnail(str(receipt.path), receipt.sha256, _THUMBNAIL_PX)
    return None if small is None else inline(small)
