"""Zips from strangers: names as they were meant, and a table that says what is there.

Python's zipfile believes the table. One of a few kilobytes can name the same compressed bytes
hundreds of times and fill a disk, so entries must lie side by side and not shrink beyond belief.
"""

from __future__ import annotations

import contextlib
import lzma
import zipfile
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from engine.errors import LetheError

UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, OSError,
    NotImplementedError,
)  # fmt: skip
"""What reading a broken zip raises; RuntimeError also where a method is unknown."""
MOST_SHRUNK: Final = 200
"""A picture's bytes shrink to a two-hundredth at best where it is one colour."""
_ALWAYS_TAKEN: Final = 64 * 1024 * 1024
"""Bytes that a zip may unpack to, however far it shrank: white pages do."""
_UTF8_NAME, _ENCRYPTED = 0x800, 1
_LOCAL_HEADER_BYTES: Final = 30


class UnusableArchive(LetheError):
    """A zip that is not taken apart."""


class Member(NamedTuple):
    """One file in a zip."""

    name: str
    """With forward slashes, whatever the program that made the zip writes."""
    entry: zipfile.ZipInfo

    @property
    def is_hidden(self) -> bool:
        """Whether it is what file managers put beside files, or was hidden by its owner."""
        parts = self.name.split("/")
        return any(
            part == "__MACOSX" or (part.startswith(".") and part.strip(".")) for part in parts
        )


def members(archive: zipfile.ZipFile, name: str) -> tuple[Member, ...]:
    """The files of a zip, in its own order.

    Args:
        archive: an open zip.
        name: the zip's, for sentences.

    Raises:
        UnusableArchive: it has a password, or its table cannot be true.
    """
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise UnusableArchive(
            f"{name} could not be opened because it has a password: make it again without one."
        )
    _refuse_overlaps(name, entries, archive.start_dir)
    total, packed = (
        sum(getattr(entry, size) for entry in entries) for size in ("file_size", "compress_size")
    )
    if total > max(_ALWAYS_TAKEN, MOST_SHRUNK * packed):
        raise UnusableArchive(
            f"{name} would unpack {packed:,} bytes to {total:,}, which no pictures do; it was not "
            "opened."
        )
    return tuple(Member(_name(entry), entry) for entry in entries)


def _refuse_overlaps(name: str, entries: Sequence[zipfile.ZipInfo], end: int) -> None:
    spans = sorted(
        (entry.header_offset, entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size)
        for entry in entries
    )
    if any(stop > start for (_, stop), (start, _) in pairwise([*spans, (end, end)])):
        raise UnusableArchive(
            f"{name} could not be opened: its files lie over one another, or in its table. Make "
            "the zip again."
        )


def _name(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant: zips of Macs hold UTF-8 and do not say so."""
    name = entry.filename
    if not entry.flag_bits & _UTF8_NAME:
        with contextlib.suppress(UnicodeError):  # then the name is what it says
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")
