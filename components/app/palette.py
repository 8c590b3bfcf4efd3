"""Colours and words that mean the same thing everywhere: boxes, chips, charts, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from engine.category import Category
from engine.files.safe_read import printable
from store.batches.pictures import PictureState

COLOURS = {category: category.traits.colour for category in Category}
MARKS: dict[Category, str] = {category: category.traits.mark for category in Category}
"""Plotly's marker for each category in charts; `-open` makes it hollow."""

Chip: TypeAlias = tuple[str, str, Literal["green", "orange", "red", "gray"]]

OUTCOMES: dict[PictureState, Chip] = {
    PictureState.WAITING: ("Waiting", ":material/schedule:", "gray"),
    PictureState.WORKING: ("Being worked on", ":material/progress_activity:", "gray"),
    PictureState.REVIEW: ("Needs review", ":material/visibility:", "orange"),
    PictureState.SETTLED: ("Decided", ":material/schedule:", "gray"),
    PictureState.RELEASED: ("Released", ":material/check_circle:", "green"),
    PictureState.QUARANTINED: ("Held back", ":material/dangerous:", "red"),
    PictureState.CANCELLED: ("Cancelled", ":material/cancel:", "gray"),
}
"""Word, icon and colour of each outcome; never a colour alone."""
REVOKED: Chip = ("Revoked", ":material/block:", "red")
"""Of a release that nobody should use any more."""

_LINK_STARTS = re.compile(r"://|www\.|@", re.IGNORECASE)
"""Browsers' Markdown makes links of these whatever is escaped; a word joiner inside stops that."""
_FORMATTING = "\\`*_{}[]()#+-.!|~:$<>=&"
_STEPS = ((86_400, "day"), (3_600, "h"), (60, "min"))


def counted_outcome(state: PictureState, count: int) -> str:
    """`1 needs review`, `6 need review`."""
    word = OUTCOMES[state][0].lower()
    return f"{count} {word if count == 1 else word.replace('needs', 'need')}"


def plain(text: str) -> str:
    """Text that Markdown shows as it is: a file's name must not format, link or load anything.

    Nor may it hide or turn round what is read: see `printable`. Line ends stay.
    """
    printed = "\n".join(map(printable, text.split("\n")))
    apart = _LINK_STARTS.sub(lambda start: f"{start[0][0]}\u2060{start[0][1:]}", printed)
    return "".join(f"\\{sign}" if sign in _FORMATTING else sign for sign in apart)


def cells(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows for a table, which shows text as it is: only `printable` is needed."""
    return [
        {key: printable(value) if isinstance(value, str) else value for key, value in row.items()}
        for row in rows
    ]


def numbered(texts: Iterable[str]) -> list[str]:
    """Texts that all differ, for choices, which a browser knows by their text: `a`, `a (2)`."""
    distinct: dict[str, None] = {}
    for text in texts:
        name, number = text, 1
        while name in distinct:
            number += 1
            name = f"{text} ({number})"
        distinct[name] = None
    return list(distinct)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, as people say it: `3 min ago`."""
    seconds = (now - moment).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 1 else "just now"


def span(seconds: float) -> str:
    """A length of time in one unit: `40 s`, `9 min`, `2 days`."""
    for length, unit in _STEPS:
        if seconds >= length:
            count = round(seconds / length)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{max(round(seconds), 1)} s"


def bytes_text(count: int) -> str:
    """A file size: `812 kB`, `3.4 MB`."""
    if count < 1_000_000:
        return f"{max(round(count / 1000), 1) if count else 0} kB"
    return f"{count / 1_000_000:.1f} MB"
