"""Remarks on a data set's labels: which boxes count in no recall, and what had to be guessed."""

from __future__ import annotations

from typing import Final

from engine.evaluation.scores.summary import Summary
from engine.wording import counted

_WHY: Final = {
    "ignored": "marked as a crowd, as difficult or to be ignored",
    "not_labelled_for": "of a category that their picture is not labelled for",
    "unread": "on pictures that could not be measured",
    "lost": "that could not be read, or whose picture is missing",
}


def uncounted_words(summary: Summary) -> str:
    """What counts in no recall, in a sentence; empty when every box counts."""
    total = summary.uncounted
    if total is None:
        return ""
    parts = []
    for key, why in _WHY.items():
        number = total[key] + (total["lost_of_unknown_class"] if key == "lost" else 0)
        if number:
            parts.append(f"{counted(number, 'box')} {why}{_by_category(summary, key)}")
    return f"Not counted: {'; '.join(parts)}." if parts else ""


def turned_words(summary: Summary) -> str:
    """That labels were turned with their pictures, a guess that may be wrong; empty without any."""
    if not summary.turned:
        return ""
    return (
        f"{counted(summary.turned, 'picture')} stored turned: the labels were turned as well, "
        "for the data set states the stored size. If they were drawn on the upright picture, as "
        "browsers show it, recall is wrong here: state the upright width and height."
    )


def remarks(summary: Summary) -> tuple[str, ...]:
    """What a reader of the figures must know about the labels, a sentence or two each."""
    return tuple(filter(None, (uncounted_words(summary), turned_words(summary))))


def _by_category(summary: Summary, key: str) -> str:
    counts = [
        (category, getattr(part.uncounted, key, 0)) for category, part in summary.categories.items()
    ]
    parts = [f"{category} {number}" for category, number in counts if number]
    unknown = (summary.uncounted or {})["lost_of_unknown_class"] if key == "lost" else 0
    parts += [f"of unknown class {unknown}"] if unknown else []
    return f" ({', '.join(parts)})"
