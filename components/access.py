"""Who may do what. One question, asked in one place, so that accounts can replace the answer.

Until accounts exist there is one local person who has every role; that is safe only because the
app answers on the loopback address alone, and refuses to work on any other.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a page may ask for."""

    ANALYST = "analyst"
    REVIEWER = "reviewer"
    MANAGER = "manager"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class User:
    """The person at the screen."""

    name: str
    roles: frozenset[Role]


LOCAL = User("local", frozenset(Role))


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
