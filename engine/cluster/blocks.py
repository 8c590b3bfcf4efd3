"""The lists of a run at an address, as blocks of lines: JSON lines, `.lethe/blocks/<n>.jsonl`.

Each line is an object with one key, the list that its value is a line of: `receipts.jsonl`,
`review.jsonl`, `quarantine.jsonl`, or a row of `names.csv`. An object is written whole or not at
all, so a block is there with all its lines or not.

A block's number is given once, by whoever is first to write it; only the last one is ever written
anew, when the run that wrote it was killed before its files had come. `.lethe/whole` has the number
of the last block whose files came: what is gone of it later, somebody moved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from engine.cluster.bucket import Bucket
from engine.errors import UnusableFolder
from engine.files import atomic
from engine.files.json_object import json_object
from engine.runs.inputs import RELEASED, RUN
from engine.runs.journal import KEYS, WHAT_TO_DO
from engine.runs.name_map import write_names
from engine.signing.schema import ENDING, MANIFEST, SUFFIXES

BLOCKS: Final = ".lethe/blocks"
WHOLE: Final = ".lethe/whole"
NAMES: Final = "names.csv"
RECEIPTS: Final = "receipts.jsonl"

Line: TypeAlias = "dict[str, Any]"


@dataclass(slots=True)
class Blocks:
    """The blocks of a run; reads all of them, and writes the next."""

    bucket: Bucket
    _count: int = field(init=False)

    def __post_init__(self) -> None:
        """Count those that are there.

        Raises:
            UnusableFolder: one before the last is missing.
        """
        names = self.bucket.names(BLOCKS)
        self._count = len(names)
        if names != [_name(number) for number in range(1, self._count + 1)]:
            raise UnusableFolder(
                f"A block is missing under {self.bucket.url}/{BLOCKS}. {WHAT_TO_DO}"
            )

    def lines(self) -> list[Line]:
        """Every line, from the first on."""
        numbers = range(1, self._count + 1)
        return [line for number in numbers for line in self._read(number)]

    def write(self, lines: Sequence[Line]) -> None:
        """Write the next block.

        Raises:
            UnusableFolder: another run has written one of its number.
        """
        try:
            self.bucket.create(_name(self._count + 1), _text(lines))
        except FileExistsError as error:
            raise UnusableFolder(
                f"Another run is writing to {self.bucket.url}. This one has stopped; what it had "
                "not written yet was let out nowhere."
            ) from error
        self._count += 1

    def mark_whole(self) -> None:
        """Note that the files of every release in these blocks have come."""
        self.bucket.write({WHOLE: self._mark})

    def settle(self) -> None:
        """Take releases back whose files a kill kept from coming; the last block alone has such."""
        if self.bucket.read(RUN) is not None:  # else what lies there may be somebody else's
            self.bucket.tidy((".lethe", BLOCKS, RELEASED))
        there = set(self.bucket.names("released"))
        if not self._count or f"released/{MANIFEST}" in there:
            return  # the run ended by itself: what is gone since, somebody removed
        if self.bucket.read(WHOLE) == self._mark:
            return
        lines = self._read(self._count)
        lost = {
            _release(line): files for line in lines if not there.issuperset(files := files_of(line))
        }
        for file in (file for files in lost.values() for file in files):
            self.bucket.remove(file)
        if lost:
            left = [line for line in lines if _release(line) not in lost]
            self.bucket.write({_name(self._count): _text(left)})
        self.mark_whole()

    @property
    def _mark(self) -> bytes:
        return str(self._count).encode()

    def _read(self, number: int) -> list[Line]:
        data = self.bucket.read(_name(number)) or b""
        try:
            return [json_object(line) for line in data.splitlines()]
        except ValueError as error:
            raise UnusableFolder(
                f"{self.bucket.url}/{_name(number)} is not as Lethe wrote it. {WHAT_TO_DO}"
            ) from error


def write_lists(folder: Path, lines: Iterable[Line]) -> None:
    """Write the lists of an output folder anew."""
    lines = list(lines)
    for name in KEYS:
        text = "".join(json.dumps(line[name]) + "\n" for line in lines if name in line)
        if text:
            atomic.write(folder / name, text.encode())
    rows = [line[NAMES] for line in lines if NAMES in line]
    write_names(folder / NAMES, [(source, release) for source, release in rows])


def with_receipts(lines: Sequence[Line]) -> list[Line]:
    """Lines without names of releases whose receipts never came: what was stopped in between."""
    told = {_release(line) for line in lines if RECEIPTS in line}
    return [line for line in lines if NAMES not in line or _release(line) in told]


def files_of(line: Line) -> tuple[str, ...]:
    """The files that a receipt's line speaks of, the certificate first; none of another line."""
    if RECEIPTS not in line:
        return ()
    start = f"released/{_release(line)}"
    return start + ENDING, start + SUFFIXES[line[RECEIPTS]["format"]]


def _release(line: Line) -> str | None:
    """The release that a line is of, if it is of one."""
    if NAMES in line:
        return str(line[NAMES][1])
    return str(line[RECEIPTS]["release"]) if RECEIPTS in line else None


def _name(number: int) -> str:
    return f"{BLOCKS}/{number:08d}.jsonl"


def _text(lines: Iterable[Line]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
