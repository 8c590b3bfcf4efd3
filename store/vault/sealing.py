"""Sealed contents: AES-256-GCM in chunks, so that neither side holds more than two of them.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption
and its Nonce-Reuse Misuse-Resistance", 2015) with a key of its own for each content, as in Tink's
AES-GCM-HKDF streaming AEAD. A sealed content is::

    magic "LTHS"   4 bytes
    version 1      1 byte
    salt          32 bytes, random: HKDF-SHA-256 derives the content's key from the picture's
    prefix         7 bytes, random
    chunks         1 MiB each but for the last, each with its tag of 16 bytes

The nonce of a chunk is prefix, number (4 bytes) and 1 for the last one, else 0. So a chunk that is
changed, left out, doubled or moved fails, and so does a content that is cut or longer. What is
associated with every chunk is the header and the context.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from store.vault.errors import BrokenSeal

KEY_BYTES: Final = 32
CHUNK_BYTES: Final = 1024 * 1024
MAGIC: Final = b"LTHS"
_VERSION: Final = b"\x01"
_SALT_BYTES, _PREFIX_BYTES, _TAG_BYTES = 32, 7, 16
HEADER_BYTES: Final = len(MAGIC) + len(_VERSION) + _SALT_BYTES + _PREFIX_BYTES

_NEWER = "It was sealed by a newer Lethe; start that one."
_NO_SEAL = "It is not what Lethe sealed: its first bytes are others."
_BROKEN = (
    "What Lethe sealed was changed, cut or swapped since, so nothing of it is used. Put it back "
    "from a copy."
)


def sealed(key: bytes, context: bytes, content: Iterable[bytes]) -> Iterator[bytes]:
    """Seal a content that comes in pieces of any length; gives pieces to write.

    Args:
        key: of the picture, 32 bytes.
        context: associated with it; the same opens it.
        content: the pieces, taken one at a time.
    """
    header = MAGIC + _VERSION + secrets.token_bytes(_SALT_BYTES + _PREFIX_BYTES)
    yield header
    cipher = AESGCM(_content_key(key, header))
    for nonce, chunk in _numbered(header, _chunks(content)):
        yield cipher.encrypt(nonce, chunk, header + context)


def opened(key: bytes, context: bytes, file: BinaryIO) -> Iterator[bytes]:
    """Open what `sealed` made, a chunk at a time.

    Each chunk is whole and in its place; only the end tells that none is missing. So whoever acts
    on a chunk before the end must be able to take it back.

    Raises:
        BrokenSeal: it is another content, key or context.
        OSError: it cannot be read.
    """
    header = file.read(HEADER_BYTES)
    _refuse_foreign(header)
    cipher = AESGCM(_content_key(key, header))
    for nonce, chunk in _numbered(header, _read_chunks(file)):
        try:
            yield cipher.decrypt(nonce, chunk, header + context)
        except InvalidTag as error:
            raise BrokenSeal(_BROKEN) from error


def seal_bytes(key: bytes, context: bytes, content: bytes) -> bytes:
    """Seal a small content."""
    return b"".join(sealed(key, context, [content]))


def seal_text(key: bytes, context: bytes, text: str) -> bytes:
    """Seal a text as it may come from a file system: half a surrogate pair has a place, too."""
    return seal_bytes(key, context, text.encode("utf-8", "surrogatepass"))


def open_bytes(key: bytes, context: bytes, content: bytes) -> bytes:
    """Open a small one.

    Raises:
        BrokenSeal: it is another content, key or context.
    """
    return b"".join(opened(key, context, io.BytesIO(content)))


def is_sealed(head: bytes) -> bool:
    """Whether a file that begins so was sealed; no picture begins so."""
    return head.startswith(MAGIC)


def _refuse_foreign(header: bytes) -> None:
    if not is_sealed(header):
        raise BrokenSeal(_NO_SEAL)
    if header[len(MAGIC) : len(MAGIC) + 1] > _VERSION:
        raise BrokenSeal(_NEWER)
    if len(header) < HEADER_BYTES or header[len(MAGIC) : len(MAGIC) + 1] != _VERSION:
        raise BrokenSeal(_BROKEN)


def _content_key(key: bytes, header: bytes) -> bytes:
    """A key that seals nothing else, so that random prefixes of 7 bytes may meet."""
    salt = header[len(MAGIC) + len(_VERSION) :][:_SALT_BYTES]
    derivation = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=b"lethe content")
    return derivation.derive(key)


def _numbered(header: bytes, chunks: Iterator[tuple[bytes, bool]]) -> Iterator[tuple[bytes, bytes]]:
    prefix = header[-_PREFIX_BYTES:]
    for number, (chunk, is_last) in enumerate(chunks):
        yield prefix + number.to_bytes(4) + bytes([is_last]), chunk


def _chunks(content: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Chunks of one length, the last one perhaps shorter or empty, with whether it is the last."""
    waiting = bytearray()
    for piece in content:
        view = memoryview(piece)
        while len(waiting) + len(view) > CHUNK_BYTES:
            taken = CHUNK_BYTES - len(waiting)
            waiting += view[:taken]
            view = view[taken:]
            yield bytes(waiting), False
            waiting.clear()
        waiting += view
    yield bytes(waiting), True


def _read_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    length = CHUNK_BYTES + _TAG_BYTES
    chunk = file.read(length)
    while following := file.read(length):
        yield chunk, False
        chunk = following
    yield chunk, True
