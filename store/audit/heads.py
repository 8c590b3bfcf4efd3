"""Sealed heads: how far the chain had come, signed, in a file beside the database.

A chain alone shows what was changed within it, not that its end is missing or that an older
database was put back. So its last number and hash are signed now and then, and when the database is
closed, and added to `audit/heads.jsonl`. Whoever wants to be safe against somebody who puts back
the whole folder keeps a copy of that file's last line elsewhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import InvalidSignature, UnusableFolder
from engine.files import atomic
from engine.files.append import append
from engine.signing.envelope import read_document
from engine.signing.signer import Signer
from store.times import stored

LARGEST = 2**30
"""Bytes of the file that are read: some two million heads."""

_TAIL = 4_096
"""Bytes in which the last line lies whole: a line has some 400."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of the chain at some moment."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class SealedHead:
    """A head as the file has it."""

    line: int
    head: Head | None
    """None where the line is no signed head, or was changed."""
    signer: bytes = b""
    """Raw public key."""


def seal(path: Path, head: Head, signer: Signer, now: datetime) -> None:
    """Sign a head and add it to the file.

    Raises:
        InvalidSignature: what was signed does not verify.
        OSError: the disk does not take it.
    """
    line = signer.head(head.number, head.hash, f"{stored(now).isoformat(timespec='seconds')}Z")
    path.parent.mkdir(mode=atomic.PRIVATE_FOLDER, parents=True, exist_ok=True)
    append(path, line.decode())


def read(path: Path) -> tuple[SealedHead, ...]:
    """Every whole line of the file, empty where there is none; a torn last one does not count.

    Raises:
        UnusableFolder: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UnusableFolder(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > LARGEST:
        raise UnusableFolder(f"{path} is larger than any that Lethe writes; it was not read.")
    whole = data[: data.rfind(b"\n") + 1]
    return tuple(_head(number, line) for number, line in enumerate(whole.splitlines(), start=1))


def last(path: Path) -> Head | None:
    """The head of the last whole line, whoever signed it; None where there is none, or it is none.

    Raises:
        UnusableFolder: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
            lines = file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableFolder(f"{path} cannot be read: {error.strerror}.") from error
    return _head(0, lines[-1]).head if lines else None


def _head(number: int, line: bytes) -> SealedHead:
    try:
        document = read_document("head", line + b"\n")
        head = Head(int(document.body["number"]), str(document.body["hash"]))
    except (InvalidSignature, KeyError, ValueError, TypeError):
        return SealedHead(number, None)
    return SealedHead(number, head, document.public_key)
