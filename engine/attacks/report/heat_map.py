"""Heat map of one category's results: attacks down, methods across, for report and screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.attacks.report import sentences

_KINDS: Final = {
    "fill": "ours",
    "control": "positive controls",
    "mix": "ours, with a share of the original",
}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One attack on one method."""

    share: float
    """Of subjects named right (rank 1), 0..1."""
    is_found: bool
    words: str

    @property
    def text(self) -> str:
        """Per cent, with an exclamation mark where the attack told it from chance."""
        return f"{100 * self.share:.0f}" + (" !" if self.is_found else "")


@dataclass(frozen=True, slots=True)
class Group:
    """Columns of one kind of method: from `start` up to `end`, which is not among them."""

    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Heat map specification: `report.drawing` makes SVG of it, the screen a plotly figure."""

    category: str
    attacks: tuple[str, ...]
    methods: tuple[str, ...]
    cells: tuple[tuple[Cell | None, ...], ...]
    """Lines of attacks, columns of methods; None where one was not run on the other."""
    groups: tuple[Group, ...]
    chance: float
    """Share that guessing names right, 0..1."""
    alt: str


def heat_map(rows: Sequence[Row], category: str) -> HeatMap:
    """Arrange one category's results in a grid.

    Args:
        rows: `results` of a report, of any categories.
        category: as its rows name it; at least one is of it.
    """
    own_rows = [row for row in rows if row["category"] == category]
    by_place = {(row["attack"], row["method"]): row for row in own_rows}
    attacks = tuple(dict.fromkeys(attack for attack, _ in by_place))
    methods = {method: row["kind"] for (_, method), row in by_place.items()}
    return HeatMap(
        category,
        attacks,
        tuple(methods),
        tuple(
            tuple(_cell(by_place.get((attack, method))) for method in methods) for attack in attacks
        ),
        _groups(tuple(methods.values())),
        1 / own_rows[0]["n"],
        _alt(own_rows, category),
    )


def _cell(row: Row | None) -> Cell | None:
    if row is None:
        return None
    return Cell(row["rank1"], sentences.is_found(row), sentences.row_words(row))


def _groups(kinds: Sequence[str]) -> tuple[Group, ...]:
    starts = [i for i, kind in enumerate(kinds) if i == 0 or kind != kinds[i - 1]]
    return tuple(
        Group(_KINDS[kinds[start]], start, end)
        for start, end in zip(starts, (*starts[1:], len(kinds)), strict=True)
    )


def _alt(rows: Sequence[Row], category: str) -> str:
    parts = []
    for kind, title in _KINDS.items():
        found = [sentences.is_found(row) for row in rows if row["kind"] == kind]
        if found:
            parts.append(f"{title}: told from chance in {sum(found)} of {len(found)} cells")
    return f"Attacks on {category} subjects. {'; '.join(parts).capitalize()}."
