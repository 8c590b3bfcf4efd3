"""Who may do what. One question, asked in one place, so that accounts can replace the answer.

Until accounts exist there is one local person with every role: whoever has the start-up token that
`components.server.guard` asks for. The app answers on a loopback address alone, and never without
that guard.
"""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass

from store.accounts.role import PEOPLE
from store.accounts.role import Role as Role


@dataclass(frozen=True, slots=True)
class User:
    """The person at the screen."""

    name: str
    roles: frozenset[Role]


AUDITORS = (Role.AUDITOR, Role.ADMIN)
"""Who may read the audit trail: either will do."""
LOCAL = User("local", PEOPLE)
_guard = threading.Event()


def stand_guard() -> None:
    """Say that whatever reaches pages in this process has passed `components.server.guard`."""
    _guard.set()


def is_guarded() -> bool:
    """True when pages are served behind the server's guard; not by a bare `streamlit run`."""
    return _guard.is_set()


def may(user: User, role: Role) -> bool:
    """True when `user` may open pages that need `role`."""
    return role in user.roles


def is_loopback(address: str | None) -> bool:
    """True for an address that only this machine can reach; None means every address."""
    if address is None:
        return False
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
