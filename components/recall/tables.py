"""Tables behind figures, for people who want to compute for themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from engine.files.cells import inert


def download(rows: Sequence[Mapping[str, object]], name: str, key: str) -> None:
    """A button that saves the numbers behind a figure.

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


def as_csv(rows: Sequence[Mapping[str, object]]) -> bytes:
    """UTF-8 with a mark that spreadsheets understand, and no cell that they would compute.

    Names come from somebody else's data set: `=HYPERLINK(...)` has to stay text.
    """
    cells = [
        {key: inert(value) if isinstance(value, str) else value for key, value in row.items()}
        for row in rows
    ]
    return bytes(pd.DataFrame(cells).to_csv(index=False).encode("utf-8-sig"))
