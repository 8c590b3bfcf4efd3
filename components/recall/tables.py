"""CSV downloads of the rows behind figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from components.app import download_link, permission
from components.app.access import Role
from components.app.services import database
from components.app.session import actor
from engine.files.cells import inert
from engine.geometry import Box
from store.audit import downloads


def download(
    rows: Sequence[Mapping[str, object]], name: str, key: str, *, evaluation_id: str | None = None
) -> None:
    """Download button for the rows behind a figure as CSV.

    Args:
        rows: one line each; nothing is offered when empty.
        name: of the file, without its ending.
        key: of the button.
        evaluation_id: where the rows name pictures of one, which is recorded when they are taken.
    """
    if not rows:
        return
    label, file, icon = "Data behind this (CSV)", f"{name}.csv", ":material/download:"
    if evaluation_id is not None:
        download_link.button(
            label,
            partial(_named, evaluation_id, rows),
            name=file,
            media_type="text/csv",
            key=key,
            type="tertiary",
            icon=icon,
            subject=evaluation_id,
        )
        return
    st.download_button(
        label,
        as_csv(rows),
        file,
        "text/csv",
        key=key,
        type="tertiary",
        icon=icon,
        on_click="ignore",
    )


@permission.download(Role.MANAGER)
def _named(evaluation_id: str, rows: Sequence[Mapping[str, object]]) -> bytes:
    downloads.of_evaluation(actor(), database(), evaluation_id, "boxes")
    return as_csv(rows)


def corners(box: Box) -> dict[str, float]:
    """Corners of a box in pixels by column name."""
    return dict(zip(("x0", "y0", "x1", "y1"), box.corners, strict=True))


def as_csv(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Encode rows as CSV in UTF-8 with a byte order mark, formulas made inert.

    Names come from somebody else's data set: `=HYPERLINK(...)` has to stay text.
    """
    cells = [
        {key: inert(value) if isinstance(value, str) else value for key, value in row.items()}
        for row in rows
    ]
    return bytes(pd.DataFrame(cells).to_csv(index=False).encode("utf-8-sig"))
