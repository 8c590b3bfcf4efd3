"""Licence lists: a CSV that says where each picture comes from and what may be done with it.

Columns: `filename`, `source`, `license` or `licence`, `attribution_needed`, and optionally
`allowed_use`, `consent`, `retain_days`. Lethe keeps the values with the picture; one policy switch,
`manifest.require_licence`, turns a missing licence into "no release".
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from engine.errors import InvalidLicenceList

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
_REST = "more values"
_REQUIRED = ("filename", "licence")
_RULE = "The policy says: no licence, no release."
_TRUE, _FALSE = {"yes", "true", "1", "y"}, {"no", "false", "0", "n", ""}


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture's line in the manifest; empty text where a column says nothing."""

    source: str = ""
    licence: str = ""
    attribution_needed: bool = False
    allowed_use: str = ""
    consent: str = ""
    retain_days: int | None = None


@dataclass(frozen=True, slots=True)
class LicenceList:
    r"""Entries by relative path.

    A line may be spelled with `/` or, as on Windows, with `\`. A picture's own name is what it is:
    where a name may hold a backslash, `a\b.jpg` is another file than `b.jpg` in the folder `a`.
    """

    entries: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))
    """By path with forward slashes."""
    backslashed: frozenset[str] = frozenset()
    """Paths that were spelled with a backslash, as they were spelled."""
    contested: frozenset[str] = frozenset()
    """Pictures that one line may speak of as well as another; see `among`."""

    def among(self, sources: Iterable[str]) -> LicenceList:
        """The manifest as it speaks of just these pictures: of none where a line may mean two."""
        paths = set(map(_path, sources))
        pairs = ({path, _slashed(path)} for path in self.backslashed)
        return replace(
            self, contested=frozenset().union(*(pair for pair in pairs if pair <= paths))
        )

    def entry(self, source: str) -> Entry | None:
        """The entry for a picture, by its whole relative path.

        A bare name speaks for no file of that name in a folder: that may be somebody else's.
        """
        return None if _path(source) in self.contested else self.entries.get(self._key(source))

    def unmatched(self, sources: Iterable[str]) -> int:
        """How many lines speak of no picture here; most often their paths are not relative."""
        return len(self.entries.keys() - set(map(self._key, sources)))

    def unknown(self, sources: Iterable[str]) -> tuple[str, ...]:
        """The pictures of which no line speaks, in the order given."""
        return tuple(source for source in sources if self._key(source) not in self.entries)

    def _key(self, source: str) -> str:
        path = _path(source)
        return _slashed(path) if path in self.backslashed else path

    def refusal(self, source: str, *, require_licence: bool) -> str | None:
        """Why this picture may not be released, as a sentence; None when it may."""
        if not require_licence:
            return None
        if _path(source) in self.contested:
            return (
                "A line of the manifest may mean this picture or another: the name of one holds a "
                f"backslash, where the other lies in a folder. Rename that one. {_RULE}"
            )
        entry = self.entry(source)
        if entry is None:
            return f"The manifest has no line for this picture. {_RULE}"
        if not entry.licence:
            return f"The manifest gives no licence for this picture. {_RULE}"
        return None


def read_licence_list(text: str | bytes) -> LicenceList:
    """Read a manifest CSV (UTF-8, comma or semicolon separated, header line first).

    Lines may end as on any system, in old files of spreadsheets with a bare carriage return.

    Raises:
        InvalidLicenceList: it is not UTF-8, a column is missing or unknown, a value or a quotation
            cannot be read, or a file is named twice with different values; the message names the
            line.
    """
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise InvalidLicenceList("The manifest is not UTF-8 text; save it as CSV UTF-8.") from error
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    rows = csv.DictReader(io.StringIO(text), restkey=_REST, delimiter=delimiter, strict=True)
    try:
        columns = _columns(rows.fieldnames or ())
        entries, backslashed = _entries(rows, columns)
        return LicenceList(MappingProxyType(entries), backslashed)
    except csv.Error as error:
        raise InvalidLicenceList(
            f"The manifest cannot be read from line {rows.line_num + 1} on: a quotation mark there "
            "is never closed, or stands inside a value."
        ) from error


def _columns(header: Sequence[str]) -> dict[str, str]:
    """Our name of a column by the manifest's."""
    plain = {name: name.strip().lower() for name in header}
    names = {name: "licence" if key == "license" else key for name, key in plain.items()}
    missing = [name for name in _REQUIRED if name not in names.values()]
    if missing:
        raise InvalidLicenceList(
            f"The manifest has no column {' and no column '.join(missing)}; "
            f"its first line must name: {', '.join(COLUMNS)}."
        )
    if "" in names.values():
        number = list(names.values()).index("") + 1
        raise InvalidLicenceList(
            f"Column {number} of the manifest has no name in the first line; name it, or remove it."
        )
    unknown = [name for name, column in names.items() if column not in COLUMNS]
    if unknown:
        raise InvalidLicenceList(
            f"The manifest has a column Lethe does not know: {', '.join(unknown)}."
        )
    if len(header) != len(set(names.values())):
        raise InvalidLicenceList(
            "The manifest has a column twice (license and licence are one); keep one of them."
        )
    return names


def _entries(
    rows: csv.DictReader[str], columns: Mapping[str, str]
) -> tuple[dict[str, Entry], frozenset[str]]:
    """Entries by path, and the paths that were spelled with a backslash."""
    entries: dict[str, Entry] = {}
    backslashed: set[str] = set()
    for row in rows:
        rest: Sequence[str] = row.pop(_REST, ())
        values = {columns[key]: (value or "").strip() for key, value in row.items()}
        _check_plain([*values.values(), *rest], line=rows.line_num)
        if any(value.strip() for value in rest):
            raise InvalidLicenceList(
                f"Line {rows.line_num} of the manifest has more values than there are columns; "
                "put a value that holds a separator in quotation marks."
            )
        path = _path(values.pop("filename"))
        entry = _entry(values, line=rows.line_num)
        if "\\" in path:
            backslashed.add(path)
        if entries.setdefault(_slashed(path), entry) != entry:
            raise InvalidLicenceList(
                f"Line {rows.line_num} of the manifest contradicts an earlier line."
            )
    return entries, frozenset(backslashed)


def _check_plain(values: Iterable[str], *, line: int) -> None:
    joined = "".join(values)
    if "\n" in joined:
        raise InvalidLicenceList(
            f"A value that ends on line {line} of the manifest goes over several lines: "
            "most likely a quotation mark is not closed."
        )
    if not joined.isprintable():
        raise InvalidLicenceList(f"Line {line} of the manifest has a control character; remove it.")


def _path(name: str) -> str:
    """A relative path as it is compared: accents are written in two ways, by Macs in the other."""
    parts = name.split("/")
    return unicodedata.normalize("NFC", "/".join(part for part in parts if part != "."))


def _slashed(path: str) -> str:
    """What a path of Windows is elsewhere."""
    return _path(path.replace("\\", "/"))


def _entry(values: Mapping[str, str], *, line: int) -> Entry:
    attribution = values.get("attribution_needed", "").lower()
    if attribution not in _TRUE | _FALSE:
        raise InvalidLicenceList(
            f"Line {line} of the manifest: attribution_needed is {attribution!r}; write yes or no."
        )
    days = values.get("retain_days", "")
    if days and not days.isdecimal():
        raise InvalidLicenceList(
            f"Line {line} of the manifest: retain_days is {days[:20]!r}; write a whole number of "
            "days."
        )
    if len(days) > len(str(LONGEST_DAYS)) or int(days or 1) not in range(1, LONGEST_DAYS + 1):
        raise InvalidLicenceList(
            f"Line {line} of the manifest: retain_days is {days[:20]}; write 1 to {LONGEST_DAYS}."
        )
    return Entry(
        source=values.get("source", ""),
        licence=values["licence"],
        attribution_needed=attribution in _TRUE,
        allowed_use=values.get("allowed_use", ""),
        consent=values.get("consent", ""),
        retain_days=int(days) if days else None,
    )
