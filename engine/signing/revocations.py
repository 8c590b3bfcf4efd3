"""Revocation lists: which releases their maker wants nobody to use any more, signed.

Each entry has its number, and an entry that was made once stays: a later list begins with all of an
earlier one. It says which releases and when, and not why: the list goes to everybody, and a reason
would tell whoever still has a picture what to look for in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.files.safe_read import content
from engine.signing.envelope import SignedDocument, read_document
from engine.signing.schema import (
    REVOCATIONS_SCHEMA,
    REVOCATIONS_VERSION,
    Revocation,
    Revocations,
    read_revocations,
)

LONGEST: Final = 2**26
"""In bytes: some 700,000 entries."""


@dataclass(frozen=True, slots=True)
class SignedRevocations:
    """A list whose signature fits, whoever signed it."""

    document: SignedDocument
    list: Revocations

    def begins(self, later: SignedRevocations) -> bool:
        """Whether the other list says all that this one says, in the same order."""
        return later.list.releases[: self.list.number] == self.list.releases


def revocations(entries: Iterable[tuple[str, str]], *, at: str, key: str) -> dict[str, Any]:
    """Make the body of a list.

    Args:
        entries: release and day (UTC, as 2026-11-23) of each, in the order they were revoked.
        at: of signing, as 2026-11-23T12:00:00Z.
        key: id of the key that will sign.
    """
    numbered = [
        Revocation(number=number, release=release, day=day)
        for number, (release, day) in enumerate(entries, start=1)
    ]
    body = Revocations(
        schema=REVOCATIONS_SCHEMA,
        version=REVOCATIONS_VERSION,
        number=len(numbered),
        at=at,
        releases=numbered,
        key=key,
    )
    return body.model_dump(by_alias=True)


def read_signed_revocations(data: bytes) -> SignedRevocations:
    """Read a list and check its signature, whoever signed it.

    Raises:
        InvalidSignature: it is none, was changed, or is out of order.
    """
    document = read_document("revocations", data)
    return SignedRevocations(document, read_revocations(document.body))


def read_revocations_file(path: Path) -> SignedRevocations:
    """`read_signed_revocations` of a file.

    Raises:
        UnreadableFile: it cannot be read.
        InvalidSignature: it is none, was changed, or is out of order.
    """
    return read_signed_revocations(content(path, LONGEST))
