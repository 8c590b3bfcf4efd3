"""Wrapped keys: one key encrypted by another, with the id of the one that opens it.

73 bytes: magic "LTHK", version 1, the id of the wrapping key (8), a random nonce (12), and the key
under AES-256-GCM with its tag (48). Header and context are associated. A key wraps a few thousand
others at most, far from the 2^32 that random nonces allow (NIST SP 800-38D, 8.3). RFC 3394, the
other standard, binds a key to no context.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.errors import UnusableKeys
from store.vault.sealing import KEY_BYTES

MAGIC: Final = b"LTHK\x01"
_ID_BYTES, _NONCE_BYTES, _TAG_BYTES = 8, 12, 16
_MOVED: Final = (
    "A wrapped key was changed, or moved to another batch, picture or installation; nothing was "
    "opened. Put the keyring back from a copy."
)
WRAP_BYTES: Final = len(MAGIC) + _ID_BYTES + _NONCE_BYTES + KEY_BYTES + _TAG_BYTES


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the short name of it, which tells nothing about it."""

    secret: bytes = field(repr=False)
    id: str

    @classmethod
    def of(cls, secret: bytes) -> Self:
        """The key of these bytes.

        Raises:
            ValueError: there are not 32.
        """
        if len(secret) != KEY_BYTES:
            raise ValueError(f"expected a key of {KEY_BYTES} bytes, got {len(secret)}")
        derivation = HKDF(SHA256(), length=_ID_BYTES, salt=None, info=b"lethe key id")
        return cls(secret, derivation.derive(secret).hex())

    @classmethod
    def new(cls) -> Self:
        """A random one."""
        return cls.of(secrets.token_bytes(KEY_BYTES))

    def wrap(self, inner: Key, context: bytes) -> bytes:
        """The other key, for whoever has this one."""
        header = MAGIC + bytes.fromhex(self.id)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return header + nonce + AESGCM(self.secret).encrypt(nonce, inner.secret, header + context)

    def unwrap(self, wrapped: bytes, context: bytes) -> Key:
        """The key that `wrap` wrapped.

        Raises:
            UnusableKeys: it is not of this key and context, or was changed.
        """
        if wrapping_id(wrapped) != self.id:
            raise UnusableKeys(_MOVED)
        header, rest = wrapped[: len(MAGIC) + _ID_BYTES], wrapped[len(MAGIC) + _ID_BYTES :]
        nonce, sealed = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        try:
            return Key.of(AESGCM(self.secret).decrypt(nonce, sealed, header + context))
        except InvalidTag as error:
            raise UnusableKeys(_MOVED) from error


def wrapping_id(wrapped: bytes) -> str:
    """The id of the key that opens a wrapped one.

    Raises:
        UnusableKeys: it is no wrapped key.
    """
    if len(wrapped) != WRAP_BYTES or not wrapped.startswith(MAGIC):
        raise UnusableKeys(
            "A file of the keyring is not a wrapped key, or a newer Lethe wrote it; nothing was "
            "changed. Put the keyring back from a copy."
        )
    return wrapped[len(MAGIC) :][:_ID_BYTES].hex()
