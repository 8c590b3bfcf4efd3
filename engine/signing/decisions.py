"""Signatures of decision files: who vouches for what a file of decisions says.

A file of decisions is text that anybody can write. Beside it may lie a signed document with the
file's SHA-256; then whoever has the key stands for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.errors import InvalidSignature, UnreadableFile
from engine.files.safe_read import content
from engine.signing.envelope import key_id, public_bytes, read_document, sha256, sign

ENDING: Final = ".signature.json"
_LONGEST: Final = 65_536
_SCHEMA: Final = "lethe/decisions"


def signature_path(decisions: Path) -> Path:
    """Where the signature of a file of decisions lies."""
    return decisions.with_name(decisions.name + ENDING)


def signature(data: bytes, key: Ed25519PrivateKey) -> bytes:
    """The file of a signature over a file of decisions."""
    body = {
        "schema": _SCHEMA,
        "version": 1,
        "sha256": sha256(data),
        "key": key_id(public_bytes(key)),
    }
    return sign("decisions", body, key)


def is_authenticated(decisions: Path, data: bytes, known: frozenset[bytes]) -> bool:
    """Whether somebody whose key is known signed a file of decisions; False without a signature.

    Args:
        decisions: the file.
        data: its content.
        known: raw public keys of people who decide.

    Raises:
        InvalidSignature: there is a signature and it does not fit, or its key is not known.
    """
    path = signature_path(decisions)
    if not path.exists() and not path.is_symlink():
        return False
    try:
        document = read_document("decisions", content(path, _LONGEST))
    except UnreadableFile as error:
        raise InvalidSignature(f"it {error}") from error
    expected = {"schema": _SCHEMA, "version": 1, "sha256": sha256(data), "key": document.key_id}
    if document.body != expected:
        raise InvalidSignature("it is of another file, or the decisions were changed since")
    if document.public_key not in known:
        raise InvalidSignature(f"nobody here knows its key ({document.key_id})")
    return True
