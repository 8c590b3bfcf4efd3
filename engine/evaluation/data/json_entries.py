"""JSON parser with the line on which each entry of a list begins.

The standard parser gives values without places. This one takes the outermost object apart itself,
hands every value below to the standard parser, and notes where each began.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_SPACE: Final = re.compile(r"[ \t\n\r]*")
MOST_ENTRIES: Final = 2_000_000
"""Of one list; the largest sets that people label have fewer boxes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An element of a list that is a member of the outermost object."""

    line: int
    value: Any


def listed_entries(text: str) -> Mapping[str, list[Entry] | None]:
    """The lists of the outermost object by key; None where a member is no list.

    Raises:
        ValueError: the text is no JSON, or nothing but an object of members.
        RecursionError: it is nested too deeply to be a data set.
    """
    return dict(_Reading(text).members())


class _Reading:
    """A text and how far it has been read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._line_at = 1, 0
        self._decoder = json.JSONDecoder()

    def members(self) -> Iterator[tuple[str, list[Entry] | None]]:
        self._expect("{")
        for _ in self._parts("}"):
            key = self._value()
            if not isinstance(key, str):
                raise self._broken("a key in quotation marks")
            self._expect(":")
            yield key, self._entries()
        self._skip_space()
        if self._at < len(self._text):
            raise self._broken("nothing more")

    def _entries(self) -> list[Entry] | None:
        if not self._takes("["):
            self._value()
            return None
        entries: list[Entry] = []
        for _ in self._parts("]"):
            if len(entries) >= MOST_ENTRIES:
                raise self._broken(f"at most {MOST_ENTRIES:,} entries in a list")
            self._line += self._text.count("\n", self._line_at, self._at)
            self._line_at = self._at
            entries.append(Entry(self._line, self._value()))
        return entries

    def _parts(self, close: str) -> Iterator[None]:
        """Stand at each part of a list or object in turn, and behind its end at last."""
        if self._takes(close):
            return
        while True:
            self._skip_space()
            yield
            if self._takes(close):
                return
            self._expect(",")

    def _value(self) -> Any:  # noqa: ANN401 - JSON is anything
        self._skip_space()
        value, self._at = self._decoder.raw_decode(self._text, self._at)
        return value

    def _takes(self, mark: str) -> bool:
        self._skip_space()
        is_there = self._text.startswith(mark, self._at)
        self._at += len(mark) * is_there
        return is_there

    def _expect(self, mark: str) -> None:
        if not self._takes(mark):
            raise self._broken(mark)

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _broken(self, expected: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(f"Expected {expected}", self._text, self._at)
