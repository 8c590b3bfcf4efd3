"""Report renderer: GitHub Markdown with SVG files beside it, for a repository or a wiki."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.evaluation.report.document import (
    Block,
    Command,
    Document,
    Figure,
    Items,
    Paragraph,
    Table,
)
from engine.evaluation.report.svg import as_file

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~&!$]")


@dataclass(frozen=True, slots=True)
class Markdown:
    """A rendered report: Markdown text and the SVG files that it links."""

    text: str
    figures: Mapping[str, str]
    """SVG by file name; the text expects them in its own folder."""


def markdown(document: Document, prefix: str = "") -> Markdown:
    """Render a document as Markdown with linked figures.

    Args:
        document: the report.
        prefix: begins the figures' file names, so that reports may share a folder.
    """
    parts = [f"# {_plain(document.title)}", _line(document.subtitle)]
    for section in document.sections:
        parts.append(f"## {_plain(section.title)}")
        parts += [_block(block, prefix) for block in section.blocks]
    figures = {_file(figure, prefix): as_file(figure.drawing) for figure in document.figures}
    return Markdown("\n\n".join(parts) + "\n", figures)


def _block(block: Block, prefix: str) -> str:
    match block:
        case Paragraph(text, True):
            return f"> **Note.** {_plain(text)}"
        case Paragraph(text):
            return _line(text)
        case Items(entries):
            return "\n".join(f"- {_line(entry)}" for entry in entries)
        case Command(text):
            return _fenced(text)
        case Table():
            return _table(block)
        case Figure():
            alt, caption = _plain(block.description), _line(block.caption)
            return f"![{alt}]({_file(block, prefix)})\n\n{caption}"


def _table(table: Table) -> str:
    rules = ["---:" if column.is_number else "---" for column in table.columns]
    rows = [_cells([column.title for column in table.columns]), f"| {' | '.join(rules)} |"]
    rows += [_cells(row.cells) for row in table.rows]
    return f"{_line(table.caption)}\n\n" + "\n".join(rows)


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _file(figure: Figure, prefix: str) -> str:
    return f"{prefix}{figure.name}.svg"


def _fenced(text: str) -> str:
    """Fenced code block, its fence longer than any run of backticks in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}text\n{text}\n{fence}"


def _line(text: str) -> str:
    """Escape text at the beginning of a line, where a hyphen or `1.` would start a list."""
    plain = _plain(text)
    head = plain.split(" ", 1)[0]
    if head in {"-", "+", "=", "---", "==="} or head.rstrip(".)").isdigit():
        return f"{head[:-1]}\\{plain[len(head) - 1 :]}"
    return plain


def _plain(text: str) -> str:
    """Escape Markdown's special characters; line breaks and tabs become spaces."""
    return re.sub(r"[\r\n\t]", " ", _SPECIAL.sub(r"\\\g<0>", text))
