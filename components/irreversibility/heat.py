"""Draw the heat map of a battery report with plotly."""

from __future__ import annotations

from components.recall.charts.axes import NEUTRAL, Chart, blank, escaped, shortened
from engine.attacks.report.heat_map import HeatMap

_SCALE = "Cividis"
"""Told apart also by people who see few colours; always 0 to 100 %."""
_CELL_PX = 27
_ABOVE_PX = 96


def plot_heat_map(heat_map: HeatMap) -> Chart:
    """A plotly figure of one category's results."""
    figure = blank(_CELL_PX * len(heat_map.attacks), _ABOVE_PX)
    chance = 100 * heat_map.chance
    figure.add_heatmap(
        x=[escaped(shortened(name)) for name in heat_map.methods],
        y=[escaped(shortened(name)) for name in heat_map.attacks],
        z=[[cell and 100 * cell.share for cell in line] for line in heat_map.cells],
        text=[[cell.text if cell else "" for cell in line] for line in heat_map.cells],
        hovertext=[
            [
                escaped(shortened(cell.words, 300)).replace("; ", ";<br>") if cell else ""
                for cell in line
            ]
            for line in heat_map.cells
        ],
        texttemplate="%{text}",
        hoverinfo="text",
        zmin=0,
        zmax=100,
        colorscale=_SCALE,
        xgap=2,
        ygap=2,
        colorbar={
            "title": {"text": "named<br>right"},
            "tickvals": [chance, 25, 50, 75, 100],
            "ticktext": [f"{chance:.1f} % chance", "25 %", "50 %", "75 %", "100 %"],
            "thickness": 12,
            "outlinewidth": 0,
        },
    )
    figure.update_xaxes(side="top", tickangle=-35, showgrid=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, fixedrange=True)
    for group in heat_map.groups:
        figure.add_annotation(
            text=group.title,
            x=(group.start + group.end - 1) / 2,
            y=-0.01,
            yref="paper",
            yanchor="top",
            showarrow=False,
        )
        if group.start:
            figure.add_vline(x=group.start - 0.5, line={"color": NEUTRAL, "width": 2})
    return Chart(figure, heat_map.alt)
