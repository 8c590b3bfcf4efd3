"""What recall is bought with, beside every place that shows recall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from engine.evaluation.report.cost import prices


def cost_view(reports: Mapping[str, Mapping[str, Any]]) -> None:
    """A line for each thing that recall costs, a column for each report.

    Args:
        reports: summaries as `engine evaluate --json` gives them, by the head of their column.
    """
    columns = {head: prices(report) for head, report in reports.items()}
    whats = [one.what for one in next(iter(columns.values()), ())]
    told = {head: [one.much for one in own] for head, own in columns.items()}
    st.table(
        pd.DataFrame({"What that costs": whats, **told}),
        border="horizontal",
        hide_index=True,
        alt="What recall costs: people's time, pixels removed, pictures touched without need",
    )
