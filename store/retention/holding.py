"""Holdings: what is held of a picture, and why one ends."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final


class Holding(StrEnum):
    """What is held of a picture, each with a deadline of its own."""

    ORIGINAL = "original"
    """Sealed, with its key. The key seals the name too, so both end together."""
    PREVIEW = "preview"
    """What the app makes of an original for somebody to see. It lies in memory alone; when it ends,
    nobody sees the original any more."""
    NAME = "name"
    """The one it came with, and its line in the manifest."""
    RELEASE = "release"
    REVIEW = "review"
    """Plans, drafts, decisions, and the boxes in the receipt."""


class Cause(StrEnum):
    """Why something ends."""

    DEADLINE = "deadline"
    REQUEST = "request"
    """A person asked."""

    @property
    def reason(self) -> str:
        """Why a picture that had no outcome yet is held back."""
        return _REASONS[self]


REJECTED: Final = "Rejected in review"
"""How the reason of a rejection begins; who rejected it follows, and ends with the decision."""
HELD_FOR: Final = "ended"
"""Stands in `pictures.held_for` of one that is held back since something of it ended."""
_REASONS: Final = {
    Cause.DEADLINE: "Its time was over.",
    Cause.REQUEST: "It was deleted on request.",
}
EVERYTHING: Final = frozenset(Holding)
_WITH_THE_KEY: Final = frozenset({Holding.ORIGINAL, Holding.PREVIEW, Holding.NAME})
NEEDED_FOR_REVIEW: Final = frozenset({Holding.ORIGINAL, Holding.PREVIEW, Holding.REVIEW})
"""Without any of these no person can decide."""
NEEDED_FOR_WORK: Final = frozenset({Holding.ORIGINAL, Holding.REVIEW})


def complete(holdings: Collection[Holding]) -> frozenset[Holding]:
    """These, and what cannot be kept without them."""
    ending = frozenset(holdings)
    return ending | _WITH_THE_KEY if Holding.ORIGINAL in ending else ending
