"""Draw the heat map of a battery report as one SVG element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.attacks.report.heat_map import Cell, HeatMap
from engine.evaluation.report import svg

_CELL: Final = (46, 20)
_LEFT, _TOP, _RIGHT, _BOTTOM = 138, 92, 40, 26
_SLANT: Final = -52


def draw_heat_map(heat_map: HeatMap) -> str:
    """An `svg` element of one category's results."""
    size = (
        _LEFT + _CELL[0] * len(heat_map.methods) + _RIGHT,
        _TOP + _CELL[1] * len(heat_map.attacks) + _BOTTOM,
    )
    title = f"Share of {heat_map.category} subjects named right, by attack and method"
    return svg.drawing(f"heat-{heat_map.category}", size, title, tuple(_parts(heat_map)))


def _parts(heat_map: HeatMap) -> Iterator[str]:
    for column, method in enumerate(heat_map.methods):
        x, y = _LEFT + _CELL[0] * (column + 0.5), _TOP - 8
        yield (
            f'<g transform="translate({x:.1f} {y}) rotate({_SLANT})">'
            f"{svg.text((0, 0), method, 'strong')}</g>"
        )
    for number, attack in enumerate(heat_map.attacks):
        yield svg.text((_LEFT - 8, _TOP + _CELL[1] * (number + 0.7)), attack, "soft", anchor="end")
    for number, line in enumerate(heat_map.cells):
        for column, cell in enumerate(line):
            if cell is not None:
                yield from _cell(cell, _LEFT + _CELL[0] * column, _TOP + _CELL[1] * number)
    bottom = _TOP + _CELL[1] * len(heat_map.attacks)
    for group in heat_map.groups:
        left, right = _LEFT + _CELL[0] * group.start, _LEFT + _CELL[0] * group.end
        yield svg.line((left + 3, bottom + 5), (right - 3, bottom + 5), "axis")
        yield svg.text(((left + right) / 2, bottom + 20), group.title, "soft", anchor="middle")


def _cell(cell: Cell, x: int, y: int) -> Iterator[str]:
    hue, strength = ("#C4320A", 0.18 + 0.72 * cell.share) if cell.is_found else ("#0F6B6B", 0.10)
    yield (
        f'<rect x="{x + 1}" y="{y + 1}" width="{_CELL[0] - 2}" height="{_CELL[1] - 2}" rx="3" '
        f'fill="{hue}" fill-opacity="{strength:.2f}"/>'
    )
    kind = "strong" if cell.is_found else "soft"
    yield svg.text((x + _CELL[0] / 2, y + _CELL[1] * 0.7), cell.text, kind, anchor="middle")
