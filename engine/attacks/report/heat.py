"""The battery at a glance: attacks down, methods across, how much was named right in each cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from engine.attacks.report import sentences
from engine.evaluation.report import svg

_CELL: Final = (46, 20)
_LEFT, _TOP, _RIGHT, _BOTTOM = 138, 92, 40, 26
_SLANT: Final = -52


def heat_map(category: str, rows: Sequence[dict[str, Any]]) -> str:
    """An `svg` element of one category's results.

    Args:
        category: as its rows name it.
        rows: `results` of a report, of any categories.
    """
    category_rows = [row for row in rows if row["category"] == category]
    attacks = tuple(dict.fromkeys(row["attack"] for row in category_rows))
    methods = tuple(dict.fromkeys(row["method"] for row in category_rows))
    size = (
        _LEFT + _CELL[0] * len(methods) + _RIGHT,
        _TOP + _CELL[1] * len(attacks) + _BOTTOM,
    )
    parts = (
        *_heads(methods),
        *_names(attacks),
        *(
            part
            for row in category_rows
            for part in _cell(row, methods.index(row["method"]), attacks.index(row["attack"]))
        ),
        *_rulers(category_rows, methods, len(attacks)),
    )
    title = f"Share of {category} subjects named right, by attack and method"
    return svg.drawing(f"heat-{category}", size, title, parts)


def _heads(methods: Sequence[str]) -> Iterator[str]:
    for column, method in enumerate(methods):
        x, y = _LEFT + _CELL[0] * (column + 0.5), _TOP - 8
        yield (
            f'<g transform="translate({x:.1f} {y}) rotate({_SLANT})">'
            f"{svg.text((0, 0), method, 'strong')}</g>"
        )


def _names(attacks: Sequence[str]) -> Iterator[str]:
    for number, attack in enumerate(attacks):
        yield svg.text((_LEFT - 8, _TOP + _CELL[1] * (number + 0.7)), attack, "soft", anchor="end")


def _cell(row: dict[str, Any], column: int, number: int) -> Iterator[str]:
    x, y = _LEFT + _CELL[0] * column, _TOP + _CELL[1] * number
    is_found = sentences.is_found(row)
    hue, strength = ("#C4320A", 0.18 + 0.72 * row["rank1"]) if is_found else ("#0F6B6B", 0.10)
    yield (
        f'<rect x="{x + 1}" y="{y + 1}" width="{_CELL[0] - 2}" height="{_CELL[1] - 2}" rx="3" '
        f'fill="{hue}" fill-opacity="{strength:.2f}"/>'
    )
    words = f"{100 * row['rank1']:.0f}" + ("!" if is_found else "")
    kind = "strong" if is_found else "soft"
    yield svg.text((x + _CELL[0] / 2, y + _CELL[1] * 0.7), words, kind, anchor="middle")


def _rulers(rows: Sequence[dict[str, Any]], methods: Sequence[str], height: int) -> Iterator[str]:
    """A line where the kind of method changes, and the kinds' names below."""
    kind_of = {row["method"]: row["kind"] for row in rows}
    titles = {"fill": "ours", "control": "controls", "mix": "ours, with a share of the original"}
    bottom = _TOP + _CELL[1] * height
    starts = [
        column
        for column, method in enumerate(methods)
        if not column or kind_of[method] != kind_of[methods[column - 1]]
    ]
    for start, end in zip(starts, (*starts[1:], len(methods)), strict=True):
        left, right = _LEFT + _CELL[0] * start, _LEFT + _CELL[0] * end
        yield svg.line((left + 3, bottom + 5), (right - 3, bottom + 5), "axis")
        title = titles[kind_of[methods[start]]]
        yield svg.text(((left + right) / 2, bottom + 20), title, "soft", anchor="middle")
