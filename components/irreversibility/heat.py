"""The battery's results as a map: attacks down, ways to hide across, the share named right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from components.recall.charts.axes import NEUTRAL, Chart, blank, escaped, shortened
from engine.attacks.report import sentences

_SCALE = "Cividis"
"""Told apart also by people who see few colours; always 0 to 100 %."""
_CELL_PX = 27
_ABOVE_PX = 96
_KINDS = {
    "fill": "ours",
    "control": "to see them fail",
    "mix": "ours, with a share of the original",
}
Row = Mapping[str, Any]


def heat_map(rows: Sequence[Row], category: str) -> Chart:
    """One category's results; a cell that was told from chance has an exclamation mark.

    Args:
        rows: `results` of a report, of any categories.
        category: as its rows name it.
    """
    cells = {(row["attack"], row["method"]): row for row in rows if row["category"] == category}
    attacks = list(dict.fromkeys(attack for attack, _ in cells))
    methods = list(dict.fromkeys(method for _, method in cells))
    grid = [[cells.get((attack, method)) for method in methods] for attack in attacks]
    figure = blank(_CELL_PX * len(attacks), _ABOVE_PX)
    figure.add_heatmap(
        x=[escaped(shortened(name)) for name in methods],
        y=[escaped(shortened(name)) for name in attacks],
        z=[[None if row is None else 100 * row["rank1"] for row in line] for line in grid],
        text=[[_mark(row) for row in line] for line in grid],
        hovertext=[[_hover(row) for row in line] for line in grid],
        texttemplate="%{text}",
        hoverinfo="text",
        zmin=0,
        zmax=100,
        colorscale=_SCALE,
        xgap=2,
        ygap=2,
        colorbar=_colour_bar(rows, category),
    )
    figure.update_xaxes(side="top", tickangle=-35, showgrid=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True)
    _name_kinds(figure, cells, methods)
    return Chart(figure, _words(list(cells.values()), category))


def _mark(row: Row | None) -> str:
    if row is None:
        return ""
    return f"{100 * row['rank1']:.0f}" + (" !" if is_found(row) else "")


def _hover(row: Row | None) -> str:
    return (
        ""
        if row is None
        else escaped(shortened(sentences.row_words(dict(row)), 300)).replace("; ", ";<br>")
    )


def is_found(row: Row) -> bool:
    """True when an attack told what was hidden from chance, as the battery decided."""
    return sentences.is_found(dict(row))


def _colour_bar(rows: Sequence[Row], category: str) -> dict[str, Any]:
    chance = 100 / next(row["n"] for row in rows if row["category"] == category)
    return {
        "title": {"text": "named<br>right"},
        "tickvals": [chance, 25, 50, 75, 100],
        "ticktext": [f"{chance:.1f} % chance", "25 %", "50 %", "75 %", "100 %"],
        "thickness": 12,
        "outlinewidth": 0,
    }


def _name_kinds(
    figure: go.Figure, cells: Mapping[tuple[str, str], Row], methods: Sequence[str]
) -> None:
    """A line where the kind of method changes, and the kinds' names below."""
    kind_of = {method: row["kind"] for (_, method), row in cells.items()}
    starts = [
        number
        for number, method in enumerate(methods)
        if not number or kind_of[method] != kind_of[methods[number - 1]]
    ]
    for start, end in zip(starts, [*starts[1:], len(methods)], strict=True):
        figure.add_annotation(
            text=_KINDS[kind_of[methods[start]]],
            x=(start + end - 1) / 2,
            y=-0.01,
            yref="paper",
            yanchor="top",
            showarrow=False,
        )
        if start:
            figure.add_vline(x=start - 0.5, line={"color": NEUTRAL, "width": 2})


def _words(rows: Sequence[Row], category: str) -> str:
    parts = []
    for kind, name in _KINDS.items():
        kind_rows = [row for row in rows if row["kind"] == kind]
        if kind_rows:
            found_count = sum(is_found(row) for row in kind_rows)
            parts.append(f"{name}: told from chance in {found_count} of {len(kind_rows)} cells")
    return f"Attacks on {category} subjects. {'; '.join(parts).capitalize()}."
