"""Signed documents: canonical JSON, an Ed25519 signature, and the public key that checks it.

A document is one JSON object with three members: the body under the document's kind, `public_key`
(32 bytes, base64) and `signature` (64 bytes, base64) over the body's canonical form (RFC 8785). The
file as a whole is canonical too, with one newline after it, so that a document has exactly one
spelling: whatever byte is changed, it is no longer the document that was signed.

A signature that fits says who signed, not whether to believe them. Whose key it is,
`engine.signing.keys` or the person who verifies has to know.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn, TypeAlias

import rfc8785
from cryptography.exceptions import InvalidSignature as Mismatch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from engine.errors import InvalidSignature

Kind: TypeAlias = Literal["certificate", "manifest", "head", "revocations", "decisions"]

KEY_BYTES, SIGNATURE_BYTES = 32, 64
_CHANGED: Final = "it was changed after it was signed"


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A document whose signature fits its content."""

    body: dict[str, Any]
    public_key: bytes
    """Raw, 32 bytes."""
    sha256: str
    """Of the whole file."""

    @property
    def key_id(self) -> str:
        """Names the key that signed."""
        return key_id(self.public_key)


def key_id(public_key: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of a raw public key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def sha256(document: bytes) -> str:
    """SHA-256 of a document's file in hex, as manifests list it of certificates."""
    return hashlib.sha256(document).hexdigest()


def public_bytes(key: Ed25519PublicKey | Ed25519PrivateKey) -> bytes:
    """A key's public half, 32 bytes."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes_raw()


def canonical(value: dict[str, Any]) -> bytes:
    """The one spelling of a JSON object (RFC 8785).

    Raises:
        ValueError: it holds what has none: a whole number beyond 2**53, half a surrogate pair.
    """
    return rfc8785.dumps(value)


def sign(kind: Kind, body: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The file of a signed document.

    Raises:
        ValueError: `body` holds a number that is not whole, or what canonical JSON cannot say.
    """
    _refuse_floats(body)
    signature = key.sign(canonical(body))
    return _file(kind, body, public_bytes(key), signature)


def read_document(kind: Kind, data: bytes) -> SignedDocument:
    """Read a signed document, whoever signed it.

    Args:
        kind: what it must be.
        data: the whole file; may come from anybody.

    Raises:
        InvalidSignature: it is no such document, or not as it was signed; says why.
    """
    document = _parsed(data)
    body = document.get(kind)
    if document.keys() != {kind, "public_key", "signature"} or not isinstance(body, dict):
        raise InvalidSignature(f"it is not a signed {kind}")
    public_key = _bytes(document["public_key"], KEY_BYTES, "public key")
    signature = _bytes(document["signature"], SIGNATURE_BYTES, "signature")
    try:
        if _file(kind, body, public_key, signature) != data:
            raise InvalidSignature(f"{_CHANGED}: it is not spelled as Lethe writes it")
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, canonical(body))
    except Mismatch as error:
        raise InvalidSignature(f"{_CHANGED}, or its key was: the signature does not fit") from error
    except (ValueError, RecursionError) as error:
        raise InvalidSignature("it holds what canonical JSON cannot say") from error
    signed = SignedDocument(body, public_key, sha256(data))
    if body.get("key") != signed.key_id:
        raise InvalidSignature("it names another key than the one that signed it")
    return signed


def _file(kind: Kind, body: dict[str, Any], public_key: bytes, signature: bytes) -> bytes:
    document = {
        kind: body,
        "public_key": base64.b64encode(public_key).decode(),
        "signature": base64.b64encode(signature).decode(),
    }
    return canonical(document) + b"\n"


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except InvalidSignature:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidSignature("it is not JSON") from error
    if not isinstance(value, dict):
        raise InvalidSignature("it is not a JSON object")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidSignature("it says something twice")
    return members


def _no_float(text: str) -> NoReturn:
    raise InvalidSignature("it holds a number that is not whole")


def _bytes(value: object, length: int, what: str) -> bytes:
    try:
        content = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except ValueError:
        content = b""
    if len(content) != length:
        raise InvalidSignature(f"its {what} is not {length} bytes of base64")
    return content


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise ValueError(f"expected whole numbers alone in what is signed, got {value}")
    for part in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        _refuse_floats(part)
