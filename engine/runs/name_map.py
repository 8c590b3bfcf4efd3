"""The name map `names.csv`, private: source file to release id, read and written."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable
from pathlib import Path

from engine.errors import UnusableFolder
from engine.files import atomic
from engine.files.cells import inert, original

NAMES_NOTE = (
    "# Private: these are the names of the original files. Do not hand this file out. A name that "
    "begins with = + - @ or ' has one more ' in front of it here.\n"
)
NAMES_HEADER = ["source", "release"]
_START = NAMES_NOTE + ",".join(NAMES_HEADER) + "\n"
_PLAIN_START = (
    "# Private: these are the names of the original files. Do not hand this file out.\n"
    + ",".join(NAMES_HEADER)
    + "\n"
)
"""Of files whose names stand there as they are: earlier versions wrote them."""


def read_names(path: Path) -> list[tuple[str, str]]:
    """Source and release of each row; a last row that a kill cut short is left out.

    Raises:
        UnusableFolder: the file is missing, or is not as Lethe writes it.
    """
    if not path.exists():
        raise UnusableFolder(
            f"{path} is missing; without it nobody can tell what was released already. "
            "Put it back, or choose a new output folder."
        )
    try:
        # A kill may cut a character in two: what is incomplete at the end is passed over.
        text, _ = codecs.utf_8_decode(path.read_bytes(), "strict", False)
        start = _PLAIN_START if text.startswith(_PLAIN_START) else _START
        rows = list(csv.reader(io.StringIO(text.removeprefix(start), newline="")))
    except (UnicodeDecodeError, csv.Error):
        text, start, rows = "", _START, []
    if rows and len(rows[-1]) != len(NAMES_HEADER):
        del rows[-1]
    if not text.startswith(start) or any(len(row) != len(NAMES_HEADER) for row in rows):
        raise UnusableFolder(
            f"{path} is not as Lethe wrote it; without it nobody can tell what was released "
            "already. Put it back from a copy, or choose a new output folder. Nothing was changed."
        )
    is_plain = start == _PLAIN_START
    return [(source if is_plain else original(source), release) for source, release in rows]


def write_names(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    """Write the whole file anew."""
    atomic.write(path, (_START + "".join(name_row(*row) for row in rows)).encode())


def name_row(source: str, release: str) -> str:
    """A line of CSV; the writer leaves a lone carriage return bare, where readers split."""
    text, row = io.StringIO(), [inert(source), release]
    if "\r" in source:
        csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(row)
    else:
        csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()
