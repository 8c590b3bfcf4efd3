"""Sealed spool: content that comes in piece by piece, is read anywhere, and fills no memory.

Its key lies in memory alone, so what a kill leaves on the disk opens for nobody. Chunks of 256 KiB
are each AES-256-GCM under a key that seals nothing else, with their number as the nonce. How many
there are is known here and never stored, so none can be left out.
"""

from __future__ import annotations

import contextlib
import io
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.files.atomic import PRIVATE_FOLDER
from store.files import open_private
from store.vault.errors import BrokenSeal

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

CHUNK_BYTES: Final = 256 * 1024
"""What is shorter stays in memory."""
_TAG_BYTES, _NONCE_BYTES = 16, 12


class SealedSpool(io.RawIOBase):
    """Bytes that are written to their end, then read; `discard` ends them."""

    def __init__(self, path: Path) -> None:
        """Nothing is written to `path` before there is a whole chunk."""
        self.path = path
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._tail = bytearray()
        self._chunks = 0
        self._position = 0
        self._opened = -1, b""
        self._lock = threading.RLock()

    @property
    def size(self) -> int:
        """Bytes that were written."""
        return self._chunks * CHUNK_BYTES + len(self._tail)

    @property
    def is_on_disk(self) -> bool:
        """Whether some of it lies in the file."""
        return self._chunks > 0

    def readable(self) -> bool:
        """True."""
        return True

    def writable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Append, wherever was read before.

        Raises:
            OSError: the disk does not take it.
        """
        view = memoryview(data)
        with self._lock:
            self._tail += view
            while len(self._tail) >= CHUNK_BYTES:
                self._append(bytes(self._tail[:CHUNK_BYTES]))
                del self._tail[:CHUNK_BYTES]
        return view.nbytes

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read from the position on, to the end of a chunk at most.

        Raises:
            BrokenSeal: the file was changed.
            OSError: it cannot be read.
        """
        target = memoryview(buffer)
        with self._lock:
            number, start = divmod(self._position, CHUNK_BYTES)
            piece = memoryview(self._chunk(number))[start : start + target.nbytes]
            target[: piece.nbytes] = piece
            self._position += piece.nbytes
        return piece.nbytes

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position; gives it."""
        with self._lock:
            start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
            if start + offset < 0:
                raise ValueError(f"expected a position, got {start + offset}")
            self._position = start + offset
            return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def discard(self) -> None:
        """End it: the key is forgotten, and its file goes; again is harmless."""
        self._cipher = AESGCM(AESGCM.generate_key(256))
        if self.is_on_disk:
            with contextlib.suppress(OSError):  # its key is gone; the next start tries again
                self.path.unlink()
        self._tail.clear()
        self._opened = -1, b""

    def _append(self, chunk: bytes) -> None:
        if not self._chunks:
            self.path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            open_private(self.path).close()
        with self.path.open("ab") as file:
            file.write(self._cipher.encrypt(_nonce(self._chunks), chunk, None))
        self._chunks += 1

    def _chunk(self, number: int) -> bytes:
        if number >= self._chunks:
            return bytes(self._tail) if number == self._chunks else b""
        if self._opened[0] != number:
            length = CHUNK_BYTES + _TAG_BYTES
            with self.path.open("rb") as file:
                file.seek(number * length)
                sealed = file.read(length)
            try:
                self._opened = number, self._cipher.decrypt(_nonce(number), sealed, None)
            except InvalidTag as error:
                raise BrokenSeal("The upload was changed meanwhile; bring it in again.") from error
        return self._opened[1]


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES)
