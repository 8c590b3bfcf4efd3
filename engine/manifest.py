"""Licence manifests: a CSV that says where each picture comes from and what may be done with it.

Columns: `filename`, `source`, `license` or `licence`, `attribution_needed`, and optionally
`allowed_use`, `consent`, `retain_days`. Lethe keeps the values with the picture; one policy switch,
`manifest.require_licence`, turns a missing licence into "no release".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.errors import InvalidManifest

COLUMNS = (
    "filename",
    "source",
    "licence",
    "attribution_needed",
    "allowed_use",
    "consent",
    "retain_days",
)
LONGEST_DAYS = 36_500
"""A hundred years."""
_REQUIRED = ("filename", "licence")
_RULE = "The policy says: no licence, no release."
_TRUE, _FALSE = {"yes", "true", "1", "y"}, {"no", "false", "0", "n", ""}


@dataclass(frozen=True, slots=True)
class Entry:
    """What the manifest says about one picture; empty text where it says nothing."""

    source: str = ""
    licence: str = ""
    attribution_needed: bool = False
    allowed_use: str = ""
    consent: str = ""
    retain_days: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Entries by relative path."""

    entries: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))

    def entry(self, source: str) -> Entry | None:
        """The entry for a picture, by its whole relative path.

        A bare name speaks for no file of that name in a folder: that may be somebody else's.
        """
        return self.entries.get(source.replace("\\", "/"))

    def refusal(self, source: str, *, require_licence: bool) -> str | None:
        """Why this picture may not be released, as a sentence; None when it may."""
        if not require_licence:
            return None
        entry = self.entry(source)
        if entry is None:
            return f"The manifest has no line for this picture. {_RULE}"
        if not entry.licence:
            return f"The manifest gives no licence for this picture. {_RULE}"
        return None


def read_manifest(text: str) -> Manifest:
    """Read a manifest CSV (UTF-8 text, comma or semicolon separated, header line first).

    Raises:
        InvalidManifest: a column is missing or unknown, a value cannot be read, or a file is named
            twice with different values; the message names the line.
    """
    text = text.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in header else ",")
    names = {name: _column(name) for name in rows.fieldnames or ()}
    missing = [name for name in _REQUIRED if name not in names.values()]
    if missing:
        raise InvalidManifest(
            f"The manifest has no column {' and no column '.join(missing)}; "
            f"its first line must name: {', '.join(COLUMNS)}."
        )
    unknown = [name for name, column in names.items() if column not in COLUMNS]
    if unknown:
        raise InvalidManifest(
            f"The manifest has a column Lethe does not know: {', '.join(unknown)}."
        )
    columns = list(names.values())
    if len(rows.fieldnames or ()) != len(set(columns)):
        raise InvalidManifest(
            "The manifest has a column twice (license and licence are one); keep one of them."
        )
    entries: dict[str, Entry] = {}
    for row in rows:
        values = {names[key]: (value or "").strip() for key, value in row.items() if key in names}
        filename = values.pop("filename").replace("\\", "/")
        entry = _entry(values, line=rows.line_num)
        if entries.setdefault(filename, entry) != entry:
            raise InvalidManifest(
                f"Line {rows.line_num} of the manifest contradicts an earlier line."
            )
    return Manifest(MappingProxyType(entries))


def _column(name: str) -> str:
    plain = name.strip().lower()
    return "licence" if plain == "license" else plain


def _entry(values: Mapping[str, str], *, line: int) -> Entry:
    attribution = values.get("attribution_needed", "").lower()
    if attribution not in _TRUE | _FALSE:
        raise InvalidManifest(
            f"Line {line} of the manifest: attribution_needed is {attribution!r}; write yes or no."
        )
    days = values.get("retain_days", "")
    if days and not days.isdecimal():
        raise InvalidManifest(
            f"Line {line} of the manifest: retain_days is {days[:20]!r}; write a whole number of "
            "days."
        )
    if len(days) > len(str(LONGEST_DAYS)) or int(days or 1) not in range(1, LONGEST_DAYS + 1):
        raise InvalidManifest(
            f"Line {line} of the manifest: retain_days is {days[:20]}; write 1 to {LONGEST_DAYS}."
        )
    if any(not value.isprintable() for value in values.values()):
        raise InvalidManifest(f"Line {line} of the manifest has a control character; remove it.")
    return Entry(
        source=values.get("source", ""),
        licence=values["licence"],
        attribution_needed=attribution in _TRUE,
        allowed_use=values.get("allowed_use", ""),
        consent=values.get("consent", ""),
        retain_days=int(days) if days else None,
    )
