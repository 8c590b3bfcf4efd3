"""Uploads: what a browser sends waits sealed on the disk, and Streamlit holds a reference.

Streamlit keeps each upload in memory for as long as its widget is shown, 1 GB as well. So Starlette
is given a spool to write into (`components.server.serving`), and what Streamlit reads from it is
not the content but the reference to it, which ends the content when nobody holds it any more;
whoever reads it by then reads to its end. Short files stay what they are.
"""

from __future__ import annotations

import io
import re
import secrets
from pathlib import Path
from typing import Final

from streamlit.runtime.uploaded_file_manager import UploadedFile

from engine.errors import LetheError
from store.vault.errors import BrokenSeal
from store.vault.spool import SealedSpool

_MAGIC: Final = b"lethe upload "
_REFERENCE: Final = re.compile(_MAGIC + rb"[0-9a-f]{64}")
_spools: dict[bytes, SealedSpool] = {}
"""By what stands for them, which nobody can guess."""


_ENDED = "This upload was taken in or taken away meanwhile; if it is missing, bring it in again."


class UploadEnded(LetheError):
    """An upload that was let go is asked for."""


class Reference(bytes):
    """What stands for an upload; the upload goes with it."""

    def __del__(self) -> None:
        """End the upload."""
        _end(bytes(self))


class Incoming(SealedSpool):
    """What an upload is written into as it comes."""

    _rolled = True
    """To Starlette: writing may take a while, so a thread does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / secrets.token_hex(16))
        self._is_handed_over = False

    def read(self, size: int = -1, /) -> bytes:
        """To Streamlit: all of a short file, the reference of another."""
        if not self.is_on_disk or self._is_handed_over:
            return super().read(size) or b""
        reference = Reference(_MAGIC + secrets.token_hex(32).encode())
        _spools[bytes(reference)] = self
        self._is_handed_over = True
        return reference

    def close(self) -> None:
        """End it, unless it was handed over."""
        if not self._is_handed_over:
            self.discard()
            super().close()


def opened(file: UploadedFile) -> io.BytesIO | io.BufferedReader:
    """An uploaded file to read from, anywhere in it, from its start on; close it.

    Each has a position of its own. What it reads lasts until it is closed.

    Raises:
        UploadEnded: it was let go: taken in by another run of the page, or closed in the browser.
    """
    content = file.getvalue()
    spool = _spools.get(content)
    if spool is None:
        if _REFERENCE.fullmatch(content):
            raise UploadEnded(_ENDED)
        return io.BytesIO(content)
    try:
        return spool.reader()
    except BrokenSeal as error:
        raise UploadEnded(_ENDED) from error


def end(file: UploadedFile) -> None:
    """End an upload that was taken in; Streamlit would hold it for as long as its session lasts."""
    _end(file.getvalue())


def _end(reference: bytes) -> None:
    spool = _spools.pop(reference, None)
    if spool is not None:
        spool.discard()


def content(file: UploadedFile) -> bytes:
    """All of an uploaded file; of small ones.

    Raises:
        UploadEnded: as `opened`.
    """
    with opened(file) as reader:
        return reader.read()
