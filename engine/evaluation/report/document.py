"""A report as a tree, so that it is written once and shown in more than one format.

Every text is plain: a renderer escapes it for its format, so nothing that comes from a data set can
become markup. Tables check their own shape, for a cell in the wrong column is a wrong figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engine.category import Category


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list without an order."""

    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """What a person would type, character for character."""

    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a table's column."""

    title: str
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a table's row; the first names it."""

    cells: tuple[str, ...]
    category: Category | None = None
    """Gives the row its colour, beside the name that says the same."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equal length under named columns."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    kind: Literal["plain", "answer", "form"] = "plain"
    """*answer*: what a hurried person reads; *form*: has empty cells for a pen."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f"expected {len(self.columns)} cells, got {len(row.cells)}")


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its words."""

    name: str
    """Lower-case letters and hyphens, unique in a document: a file's name without its ending."""
    description: str
    """What somebody who cannot see it needs to know."""
    caption: str
    drawing: str
    """An `svg` element as `svg.drawing` makes it."""


Block: TypeAlias = Paragraph | Items | Command | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]

    @property
    def figures(self) -> Iterator[Figure]:
        """Every figure, from the first section to the last."""
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, Figure))


def words(*titles: str) -> tuple[Column, ...]:
    """Columns of text."""
    return tuple(Column(title, is_number=False) for title in titles)


def numbers(*titles: str) -> tuple[Column, ...]:
    """Columns of numbers."""
    return tuple(Column(title) for title in titles)
