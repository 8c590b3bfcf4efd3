"""`names.csv`: which release came from which file. Private, and so are its readers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from engine import private
from engine.errors import UnusableFolder

NAMES_NOTE = "# Private: these are the names of the original files. Do not hand this file out.\n"
NAMES_HEADER = ["source", "release"]


def read_names(path: Path) -> list[tuple[str, str]]:
    """Source and release of each row; a row that a kill cut short is left out.

    Raises:
        UnusableFolder: the file is missing.
    """
    if not path.exists():
        raise UnusableFolder(
            f"{path} is missing; without it nobody can tell what was released already. "
            "Put it back, or choose a new output folder."
        )
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[2:]
    return [(row[0], row[1]) for row in rows if len(row) == len(NAMES_HEADER)]


def write_names(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    """Write the whole file anew."""
    text = ",".join(NAMES_HEADER) + "\n" + "".join(name_row(*row) for row in rows)
    private.write(path, (NAMES_NOTE + text).encode())


def name_row(source: str, release: str) -> str:
    """A line of CSV; the writer leaves a lone carriage return bare, where readers split."""
    text = io.StringIO()
    if "\r" in source:
        csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow([source, release])
    else:
        csv.writer(text, lineterminator="\n").writerow([source, release])
    return text.getvalue()
