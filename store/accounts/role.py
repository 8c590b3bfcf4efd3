"""Roles: what a person is here for."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an act, or a page, may ask for."""

    ANALYST = "analyst"
    """Brings pictures and hands out what was released."""
    REVIEWER = "reviewer"
    MANAGER = "manager"
    """Measures, decides on policies, and sees how people get on."""
    AUDITOR = "auditor"
    """Reads, and changes nothing."""
    ADMIN = "admin"
    MACHINE = "machine"
    """Of the program itself; no person has it."""


PEOPLE = frozenset(Role) - {Role.MACHINE}
"""What a person can have."""
EVERYBODY = frozenset(Role)
