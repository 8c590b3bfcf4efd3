"""Events: what is on record of one act, and the hash that binds it to those before.

An event is never changed and never goes, so it holds ids, pseudonyms and counts alone. What is
personal lies in `audit_names`, outside the chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from engine.signing.envelope import canonical
from store.times import stored

FIRST = "0" * 64
"""What stands before the first event."""
Detail: TypeAlias = str | int | bool


@dataclass(frozen=True, slots=True)
class Event:
    """One act that was done, or refused."""

    number: int
    """1 for the first; the next is one more."""
    at: datetime
    actor: str
    act: str
    subject: str
    details: Mapping[str, Detail]
    previous: str
    """Hash of the event before."""

    @property
    def details_text(self) -> str:
        """The details as their column holds them."""
        return canonical(dict(self.details)).decode()

    @property
    def hash(self) -> str:
        """SHA-256, in hex, of the canonical JSON (RFC 8785) of all of it."""
        value = {
            "number": self.number,
            "at": f"{stored(self.at).isoformat(timespec='microseconds')}Z",
            "actor": self.actor,
            "act": self.act,
            "subject": self.subject,
            "details": dict(self.details),
            "previous": self.previous,
        }
        return hashlib.sha256(canonical(value)).hexdigest()


@dataclass(slots=True)
class OpenEvent:
    """The event of the transaction that is open, which may still tell more of it."""

    subject: str = ""
    details: dict[str, Detail] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    """Names by the pseudonyms that stand in `details`."""
    is_idle: bool = False
    """Set where nothing came of the act: there is nothing to record then."""
