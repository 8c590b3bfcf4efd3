"""Rows of a table that are chosen by a click on any of their cells.

Streamlit's own choice of rows listens to the boxes at their beginning alone, which a person who
clicks on a name takes for nothing happening.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from components.app import session

MODES: Final[list[Literal["single-row", "single-cell"]]] = ["single-row", "single-cell"]
"""What a table lets people choose, so that `follow_cell` is told of clicks on cells."""


def row(number: int) -> Any:  # noqa: ANN401 -- of a type that Streamlit keeps to itself
    """The choice of one row, as tables have it."""
    return {"selection": {"rows": [number], "columns": [], "cells": []}}


def follow_cell(key: str) -> None:
    """Choose the row of the cell that was clicked, as the table's `on_select`."""
    cells = session.widget_value(key)["selection"]["cells"]
    if cells:
        (number, _), *_ = cells
        session.keep(key, row(number))
