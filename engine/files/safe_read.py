"""Safe reads of untrusted files: no links followed, no devices waited for, no end lost.

What is wrong with a file is said without its name, for sentences that name it themselves.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from engine.errors import UnreadableFile

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_PIECE_BYTES = 1024 * 1024


def content(path: Path, most: int) -> bytes:
    """A whole file of at most `most` bytes.

    Raises:
        UnreadableFile: it is longer, is no plain file, or cannot be read.
    """
    with _plain(path) as file:
        data = _head(file, most + 1)
    if len(data) > most:
        raise UnreadableFile(f"is longer than {most} bytes, so it was not read")
    return data


def pieces(path: Path) -> Iterator[bytes]:
    """A plain file, a piece at a time.

    Raises:
        UnreadableFile: it is no plain file, or cannot be read.
    """
    with _plain(path) as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def measured(path: Path, lengths: Collection[int]) -> tuple[str, int]:
    """SHA-256 in hex and length in bytes of a plain file, read a piece at a time.

    Args:
        path: of the file.
        lengths: in bytes; of a file that has another nothing is read, and its SHA-256 is empty.
            Files with holes can be endless.

    Raises:
        UnreadableFile: it is no plain file, or cannot be read.
    """
    with _plain(path) as file:
        length = os.fstat(file.fileno()).st_size
        if length not in lengths:
            return "", length
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, file.tell()


def is_text(path: Path, most: int) -> bool:
    """Whether a plain file is text to read: UTF-8 without NUL, and no markup.

    Raises:
        UnreadableFile: it is no plain file, or cannot be read.
    """
    with _plain(path) as file:
        data = _head(file, most + 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    is_markup = text.lstrip().startswith(("<", "%"))  # HTML, SVG; PDF and PostScript
    return len(data) <= most and "\0" not in text and not is_markup


def printable(text: str) -> str:
    """Escape control and bidirectional characters, for terminals and logs.

    Controls, marks of direction and whatever else is not seen give way to a replacement character;
    joiners stay, which several scripts need.
    """
    return "".join(sign if _is_seen(sign) else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _is_seen(sign: str) -> bool:
    return unicodedata.category(sign) not in _UNSEEN or sign in _JOINERS


def _head(file: BufferedReader, most: int) -> bytes:
    """At most `most` bytes, a piece at a time: `read` sets aside as many as it is asked for."""
    pieces = []
    while most > 0 and (piece := file.read(min(most, _PIECE_BYTES))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


@contextmanager
def _plain(path: Path) -> Iterator[BufferedReader]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise UnreadableFile(_why(path, error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # fdopen itself refuses folders
        os.close(descriptor)
        raise UnreadableFile("is no plain file, so it was not read")
    with os.fdopen(descriptor, "rb") as file:
        try:
            yield file
        except OSError as error:
            raise UnreadableFile(_why(path, error)) from error


def _why(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "is missing"
    if path.is_symlink():
        return "is a link, and links are not followed"
    return f"could not be read ({error.strerror})"
