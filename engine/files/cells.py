"""CSV cells, escaped against formula injection by spreadsheets.

A cell that begins with one of a formula's first signs gets an apostrophe (OWASP, CSV injection); so
does one that begins with an apostrophe, and the way back is certain.
"""

from __future__ import annotations

_QUOTE = "'"
_QUOTED = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", _QUOTE)
"""Some spreadsheets read the wide signs as the narrow ones."""


def inert(text: str) -> str:
    """Text as a cell that no spreadsheet computes."""
    return _QUOTE + text if text.startswith(_QUOTED) else text


def original(cell: str) -> str:
    """The text that `inert` made a cell of."""
    return cell[1:] if cell.startswith(_QUOTE) else cell
