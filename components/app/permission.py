"""The page's guard, for what Streamlit runs before or without the page.

Callbacks run before the page's first line, fragments and downloads by themselves: somebody whose
role was taken away, in a tab that is still open, would act once more. Whatever of these reads or
changes what is stored is wrapped here; what is refused is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from components.app import session
from components.app.access import NOBODY, Role, is_guarded, may
from components.app.services import database
from engine.errors import LetheError
from store.accounts.act import Act, acting_as
from store.accounts.role import PEOPLE

P = ParamSpec("P")
T = TypeVar("T")


class NotPermitted(LetheError):
    """The person at the screen lacks the role."""


def callback(*roles: Role) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Do nothing without one of the roles: the page, which comes next, says so."""

    def wrap(act: Callable[P, None]) -> Callable[P, None]:
        @wraps(act)
        def checked(*args: P.args, **kwargs: P.kwargs) -> None:
            if _is_permitted(roles):
                act(*args, **kwargs)

        return checked

    return wrap


def fragment(*roles: Role) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Run the whole page instead, which says so, without one of the roles. Below `@st.fragment`."""

    def wrap(draw: Callable[P, None]) -> Callable[P, None]:
        @wraps(draw)
        def checked(*args: P.args, **kwargs: P.kwargs) -> None:
            if not _is_permitted(roles):
                st.rerun()
            draw(*args, **kwargs)

        return checked

    return wrap


def download(*roles: Role) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Raise `NotPermitted` without one of the roles. On what `download_link.button` is given."""

    def wrap(make: Callable[P, T]) -> Callable[P, T]:
        @wraps(make)
        def checked(*args: P.args, **kwargs: P.kwargs) -> T:
            if not _is_permitted(roles):
                raise NotPermitted(f"This is for people with the role {' or '.join(roles)}.")
            return make(*args, **kwargs)

        return checked

    return wrap


def record_refusal(*roles: Role) -> None:
    """Put on record that the person at the screen was refused what takes a role, or any role.

    Of whoever has not signed in there is nothing to record.
    """
    is_anybody = not roles or set(roles) >= PEOPLE
    act = Act.READ_BATCHES if is_anybody else acting_as(roles[0])
    with suppress(LetheError):
        if session.user() != NOBODY:
            database().admit(session.actor(), act)


def _is_permitted(roles: Collection[Role]) -> bool:
    if not is_guarded():
        return False
    try:
        if any(may(session.user(), role) for role in roles):
            return True
    except LetheError:  # the page says why
        return False
    record_refusal(*roles)
    return False
