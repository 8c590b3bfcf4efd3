"""Sealed spool: content that comes in piece by piece, is read anywhere, and fills no memory.

Its key lies in memory alone, so what a kill leaves on the disk opens for nobody. Chunks of 256 KiB
are each AES-256-GCM under a key that seals nothing else, with their number as the nonce. How many
there are is known here and never stored, so none can be left out.

Several read it at once, each from a position of its own, and it lasts until the last of them is
done, also where it was discarded meanwhile.
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
_OVER = "The upload was let go meanwhile; bring it in again."
_TAG_BYTES, _NONCE_BYTES = 16, 12


class _Positioned(io.RawIOBase):
    """A position in a spool, from which it is read."""

    _position = 0

    @property
    def _content(self) -> SealedSpool:
        """The spool."""
        raise NotImplementedError

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read from the position on, to the end of a chunk at most.

        Raises:
            BrokenSeal, OSError: as `SealedSpool.read_at`.
        """
        count = self._content.read_at(self._position, buffer)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position; gives it."""
        size = self._content.size
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: size}[whence]
        if start + offset < 0:
            raise ValueError(f"expected a position, got {start + offset}")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position


class SealedSpool(_Positioned):
    """Bytes that are written to their end, then read; `discard` ends them.

    Its own position is of whoever writes it; others read with `reader`.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is written to `path` before there is a whole chunk."""
        self.path = path
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._tail = bytearray()
        self._chunks = 0
        self._opened = -1, b""
        self._readers = 0
        self._is_over = False
        self._lock = threading.RLock()

    @property
    def _content(self) -> SealedSpool:
        return self

    @property
    def size(self) -> int:
        """Bytes that were written."""
        with self._lock:
            return self._chunks * CHUNK_BYTES + len(self._tail)

    @property
    def is_on_disk(self) -> bool:
        """Whether some of it lies in the file."""
        return self._chunks > 0

    def writable(self) -> bool:
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

    def read_at(self, position: int, buffer: WriteableBuffer) -> int:
        """Read from any position on, to the end of a chunk at most.

        Raises:
            BrokenSeal: the file was changed, or this is over.
            OSError: it cannot be read.
        """
        target = memoryview(buffer)
        number, start = divmod(position, CHUNK_BYTES)
        with self._lock:
            piece = memoryview(self._chunk(number))[start : start + target.nbytes]
            target[: piece.nbytes] = piece
        return piece.nbytes

    def reader(self) -> io.BufferedReader:
        """All of it, to be read from its start on; this lasts until the reader is closed.

        Raises:
            BrokenSeal: this is over.
        """
        return io.BufferedReader(_Reader(self))

    def hold(self) -> None:
        """Have it last until `let_go`, whoever discards it.

        Raises:
            BrokenSeal: it is over.
        """
        with self._lock:
            if self._is_over:
                raise BrokenSeal(_OVER)
            self._readers += 1

    def let_go(self) -> None:
        """Hold it no longer; the last one ends what was discarded meanwhile."""
        with self._lock:
            self._readers -= 1
            if self._is_over:
                self.discard()

    def discard(self) -> None:
        """Let nobody else read it, and end it with its last reader; again is harmless.

        The key is forgotten then, and the file goes.
        """
        with self._lock:
            self._is_over = True
            if not self._readers:
                self._end()

    def _end(self) -> None:
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
        if self._is_over and not self._readers:
            raise BrokenSeal(_OVER)
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


class _Reader(_Positioned):
    """A spool from its start on, which it holds while it is open."""

    def __init__(self, spool: SealedSpool) -> None:
        self._spool: SealedSpool | None = None  # nothing to let go where it is over
        spool.hold()
        self._spool = spool

    @property
    def _content(self) -> SealedSpool:
        if self._spool is None:
            raise ValueError("I/O operation on closed file")
        return self._spool

    def close(self) -> None:
        """Let the spool go; again is harmless."""
        spool, self._spool = self._spool, None
        super().close()
        if spool is not None:
            spool.let_go()


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES)
