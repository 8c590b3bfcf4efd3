"""Unpack untrusted zips: validated table, bounded sizes, file names decoded as they were meant.

Python's zipfile believes the table. One of a few kilobytes can name the same compressed bytes
hundreds of times and fill a disk, so entries must lie side by side and not shrink beyond belief.
Uploads and data sets come through here; where each file goes is theirs to say.
"""

from __future__ import annotations

import contextlib
import errno
import lzma
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import IO, Final, NamedTuple

from engine.errors import LetheError

MOST_FILES: Final = 50_000
LARGEST_FILE: Final = 512 * 1024 * 1024
MOST_BYTES: Final = 20_000_000_000
"""Bounds on what a zip may unpack to: files, bytes of one, and of all."""
FREE_SHARE: Final = 0.5
"""Share of the free disk that may be filled."""
_UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, OSError,
    NotImplementedError,
)  # fmt: skip
"""What reading a broken zip raises; RuntimeError also where a method is unknown."""
_MOST_SHRUNK: Final = 200
"""A picture's bytes shrink to a two-hundredth at best where it is one colour."""
_ALWAYS_TAKEN: Final = 64 * 1024 * 1024
"""Bytes that a zip may unpack to, however far it shrank: white pages do."""
_UTF8_NAME, _ENCRYPTED = 0x800, 1
_LOCAL_HEADER_BYTES: Final = 30
_EXTRA_HEADER: Final = struct.Struct("<HH")
_UNICODE_PATH: Final = 0x7075
_ASCII_END: Final = 0x80
_NAME_ERRORS: Final = (
    errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOTDIR, errno.EISDIR,
)  # fmt: skip


class UnusableArchive(LetheError):
    """A zip that is not taken apart."""


class Member(NamedTuple):
    """One file in a zip."""

    name: str
    """With forward slashes, whatever the program that made the zip writes."""
    entry: zipfile.ZipInfo
    is_guess: bool = False
    """Whether the name does not say its alphabet, and another would give another name."""

    @property
    def is_hidden(self) -> bool:
        """Whether it is what file managers put beside files, or was hidden by its owner."""
        parts = self.name.split("/")
        return any(
            part == "__MACOSX" or (part.startswith(".") and part.strip(".")) for part in parts
        )

    @property
    def is_clutter(self) -> bool:
        """Whether a file manager left it in the zip."""
        parts = self.name.split("/")
        return "__MACOSX" in parts or parts[-1] in (".DS_Store", "Thumbs.db")


@contextlib.contextmanager
def open_zip(
    content: IO[bytes], name: str, *, left: str
) -> Iterator[tuple[zipfile.ZipFile, tuple[Member, ...]]]:
    """Open a zip and validate its table; gives the archive and its files in their order.

    Args:
        content: the zip.
        name: the zip's, for sentences.
        left: what is left of it when the block fails, as a part of a sentence.

    Raises:
        UnusableArchive: it cannot be read to the end of the block, has a password, unpacks to too
            much, or its table cannot be true.
    """
    try:
        with zipfile.ZipFile(content) as archive:
            yield archive, _members(archive, name)
    except _UNREADABLE as error:
        raise UnusableArchive(f"{name} could not be unpacked; {left}. {_cause(error)}") from error


def megabytes(count: float) -> str:
    """Bytes in words: `1,024 MB`."""
    return f"{count / 1_000_000:,.0f} MB"


def _members(archive: zipfile.ZipFile, name: str) -> tuple[Member, ...]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise UnusableArchive(
            f"{name} could not be unpacked because it has a password: make it again without one."
        )
    _refuse_overlaps(name, entries, archive.start_dir)
    total, packed = (
        sum(getattr(entry, size) for entry in entries) for size in ("file_size", "compress_size")
    )
    if total > max(_ALWAYS_TAKEN, _MOST_SHRUNK * packed):
        raise UnusableArchive(
            f"{name} would unpack {packed:,} bytes to {total:,}, which no pictures do; it was not "
            "opened."
        )
    members = tuple(Member(*_name(entry)) for entry in entries)
    _refuse_too_much(name, [member.entry.file_size for member in members if not member.is_clutter])
    return members


def _refuse_too_much(name: str, sizes: Sequence[int]) -> None:
    excess = None
    if len(sizes) > MOST_FILES:
        excess = f"holds {len(sizes)} files; at most {MOST_FILES}"
    elif max(sizes, default=0) > LARGEST_FILE:
        excess = f"holds a file of {megabytes(max(sizes))}; at most {megabytes(LARGEST_FILE)}"
    elif sum(sizes) > MOST_BYTES:
        excess = f"unpacks to {megabytes(sum(sizes))}; at most {megabytes(MOST_BYTES)}"
    if excess:
        raise UnusableArchive(f"{name} {excess} are taken. Unpack it and give its folder instead.")


def _cause(error: Exception) -> str:
    """What is wrong with a zip, and what to do."""
    if isinstance(error, NotImplementedError):
        return (
            "It is packed in a way that is not known here. Make the zip again with the program of "
            "your file manager."
        )
    if isinstance(error, OSError) and error.errno in _NAME_ERRORS:
        return (
            "A name in it is too long, or is no name of a file here. Give its files and folders "
            "shorter names."
        )
    if isinstance(error, OSError) and error.errno is not None:
        return f"It could not be written ({error.strerror})."
    return "It is no zip, or is damaged or cut short. Copy it again, or make it again."


def _refuse_overlaps(name: str, entries: Sequence[zipfile.ZipInfo], end: int) -> None:
    spans = sorted(
        (entry.header_offset, entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size)
        for entry in entries
    )
    if any(stop > start for (_, stop), (start, _) in pairwise([*spans, (end, end)])):
        raise UnusableArchive(
            f"{name} could not be unpacked: its files lie over one another, or in its table. Make "
            "the zip again."
        )


def _name(entry: zipfile.ZipInfo) -> tuple[str, zipfile.ZipInfo, bool]:
    """The name as it was meant, with forward slashes; whether that is a guess comes last.

    One that does not say its alphabet is tried as UTF-8, which chance hardly makes and Macs write,
    and as the alphabet of the first PCs, if letters of Latin come of it. In any other, such as that
    of a Japanese Windows, a guess would give another name: its bytes are shown instead.
    """
    name = entry.filename
    if entry.flag_bits & _UTF8_NAME or name.isascii():
        return name.replace("\\", "/"), entry, False
    raw = name.encode("cp437")
    with contextlib.suppress(UnicodeError):
        meant = _unicode_path(entry, raw) or raw.decode("utf-8")
        return meant.replace("\\", "/"), entry, False
    is_latin = all(sign.isascii() or unicodedata.name(sign).startswith("LATIN") for sign in name)
    # a backslash may be half of a letter
    if is_latin and not any(sign > "\x7f" and after == "\\" for sign, after in pairwise(name)):
        return name.replace("\\", "/"), entry, True
    escaped = (
        chr(byte) if byte < _ASCII_END and byte != ord("\\") else f"\\x{byte:02x}" for byte in raw
    )
    return "".join(escaped), entry, False


def _unicode_path(entry: zipfile.ZipInfo, raw: bytes) -> str | None:
    """The name in UTF-8 that some programs add (extra field 0x7075), if it is of this one.

    Raises:
        UnicodeError: it is no UTF-8.
    """
    extra = entry.extra
    while len(extra) >= _EXTRA_HEADER.size:
        kind, length = _EXTRA_HEADER.unpack_from(extra)
        body = extra[_EXTRA_HEADER.size : _EXTRA_HEADER.size + length]
        extra = extra[_EXTRA_HEADER.size + length :]
        is_of_this = body[1:5] == zlib.crc32(raw).to_bytes(4, "little")
        if kind == _UNICODE_PATH and is_of_this and body[5:]:
            return body[5:].decode("utf-8")
    return None
