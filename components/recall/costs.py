"""What recall is bought with, beside every place that shows recall."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from engine.evaluation.report.cost import prices
from engine.evaluation.scores.summary import Summary


def cost_view(reports: Mapping[str, Summary]) -> None:
    """A line for each thing that recall costs, a column for each report.

    Args:
        reports: summaries as `engine evaluate --json` gives them, by the head of their column.
    """
    columns = {head: prices(report) for head, report in reports.items()}
    labels = [price.what for price in next(iter(columns.values()), ())]
    amounts = {head: [price.much for price in column] for head, column in columns.items()}
    st.table(
        pd.DataFrame({"What that costs": labels, **amounts}),
        border="horizontal",
        hide_index=True,
        alt="What recall costs: people's time, pixels removed, pictures touched without need",
    )
