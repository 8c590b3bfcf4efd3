"""Actors: on whose behalf the store is asked.

Every public function of the store takes one first. The app makes one in `components.app.session`,
the command line one for the user of its shell, and the program's own threads are `MACHINE`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.accounts.role import PEOPLE, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts, in one session."""

    id: str
    """Goes into the audit trail, which never forgets; so no name."""
    name: str
    roles: frozenset[Role]
    session: str = ""
    """Random; tells two browsers of one person apart."""
    expires: datetime | None = None
    """From when on nothing is done for this session; None for as long as the process lives."""
    is_signed_in: bool = False
    """Whether a provider vouches for the name: then nothing is done under another one."""


MACHINE = Actor("machine", "machine", frozenset({Role.MACHINE}))
"""Dispatcher, recovery, and what the app takes in by itself when it starts."""


def shell(uid: int) -> Actor:
    """A user of this machine's command line, who can read and write the files anyway."""
    name = f"shell:{uid}"
    return Actor(name, name, PEOPLE)
