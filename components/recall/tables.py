"""CSV downloads of the rows behind figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from engine.files.cells import inert
from engine.geometry import Box


def download(rows: Sequence[Mapping[str, object]], name: str, key: str) -> None:
    """Download button for the rows behind a figure as CSV.

    Args:
        rows: one line each; nothing is offered when empty.
        name: of the file, without its ending.
        key: of the button.
    """
    if not rows:
        return
    st.download_button(
        "Data behind this (CSV)",
        as_csv(rows),
        f"{name}.csv",
        "text/csv",
        key=key,
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )


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
