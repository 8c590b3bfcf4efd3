"""Who may do what. One question, asked in one place.

In `single` mode there is one local person with every role: whoever has the start-up token that
`components.server.guard` asks for. With accounts people sign in, and `components.app.identity` says
who they are and what for. Either way the app answers on a loopback address alone, and never without
that guard.
"""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass
from datetime import datetime

from store.accounts.role import PEOPLE
from store.accounts.role import Role as Role


@dataclass(frozen=True, slots=True)
class User:
    """The person at the screen."""

    name: str
    """Under which they decide; nobody else has it."""
    roles: frozenset[Role]
    label: str = ""
    """How their screen addresses them."""
    account: str = ""
    """Issuer and subject, which stay when everything else about an account changes."""
    session: str = ""
    expires: datetime | None = None


RELEASERS = (Role.ANALYST, Role.MANAGER, Role.ADMIN)
"""Who may see what was released: it is downloaded by analysts, and revoked by the others."""
AUDITORS = (Role.AUDITOR, Role.ADMIN)
"""Who may read the audit trail: either will do."""
LOCAL = User("local", PEOPLE)
NOBODY = User("", frozenset())
"""Whoever has not signed in."""
_guard = threading.Event()
_accounts = threading.Event()


def stand_guard(*, with_accounts: bool = False) -> None:
    """Say that whatever reaches pages in this process has passed `components.server.guard`.

    Args:
        with_accounts: people sign in; else there is one local person.
    """
    if with_accounts:
        _accounts.set()
    _guard.set()


def is_guarded() -> bool:
    """True when pages are served behind the server's guard; not by a bare `streamlit run`."""
    return _guard.is_set()


def has_accounts() -> bool:
    """True when people sign in."""
    return _accounts.is_set()


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
