"""The page's guard, for what Streamlit runs before or without the page.

Callbacks run before the page's first line, fragments and downloads by themselves: somebody whose
role was taken away, in a tab that is still open, would act once more. Whatever of these reads or
changes what is stored is wrapped here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from components.app import media, session
from components.app.access import Role, is_guarded, may
from engine.errors import LetheError

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
    """Raise `NotPermitted` without one of the roles, and keep no copy of what was handed out."""

    def wrap(make: Callable[P, T]) -> Callable[P, T]:
        @wraps(make)
        def checked(*args: P.args, **kwargs: P.kwargs) -> T:
            if not _is_permitted(roles):
                raise NotPermitted(f"This is for people with the role {' or '.join(roles)}.")
            made = make(*args, **kwargs)
            media.delete_soon()
            return made

        return checked

    return wrap


def _is_permitted(roles: Collection[Role]) -> bool:
    return is_guarded() and any(may(session.user(), role) for role in roles)
