"""What one session has on its table, and the rule that whatever is done to it is done whole.

Streamlit ends a run of the page at any look into its session state once the browser has sent
something newer, and begins the newer run at once, in a thread of its own. A message of which that
was half done was lost, or done by both. So the table is one object that is fetched once, and is
changed by one run at a time, out of Streamlit's sight.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components.app import session
from components.review import reviewer
from engine.geometry import Box
from store.review.choice import Choice

if TYPE_CHECKING:
    from components.review.review import Review


@dataclass(slots=True)
class Taken:
    """How far the browser's messages were taken, and what it waits for."""

    mount: str = ""
    number: int = 0
    has: tuple[str, ...] = ()
    """What it holds already."""
    confirm: tuple[int, str] | None = None
    """The message that has to be confirmed, and the question."""
    preview: int | None = None
    detail: tuple[int, Box] | None = None
    is_queue_open: bool = False


@dataclass(slots=True)
class Desk:
    """A reviewer's table in one session."""

    review: Review | None = None
    """The picture on it."""
    openings: int = 0
    """Pictures put on it so far."""
    choice: Choice = field(default_factory=Choice)
    """Which part of the queue comes to it, in which order."""
    said: tuple[int, str] = (0, "")
    """How many sentences the page has said, and the last."""
    taken: Taken = field(default_factory=Taken)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def say(self, sentence: str) -> None:
        """Have the page say something once."""
        self.said = self.said[0] + 1, sentence

    def clear(self) -> None:
        """Leave the picture: nothing of it stays in memory."""
        if self.review is not None:
            self.review.close()
        self.review = None


_held: ContextVar[Desk | None] = ContextVar("desk", default=None)


def desk() -> Desk:
    """This session's."""
    return _held.get() or session.kept("review_desk", Desk)


@contextmanager
def undisturbed() -> Iterator[Desk]:
    """This session's, for what is done to it whole, and by no two runs at once.

    Raises:
        LookupError: nobody was asked yet who reviews.
    """
    own, name, claims = desk(), reviewer.name(), session.claims()  # a run may end up to here
    with own.lock, session.on_behalf_of(claims, name):
        token = _held.set(own)
        try:
            yield own
        finally:
            _held.reset(token)
