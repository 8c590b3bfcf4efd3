"""What one browser session remembers. The only code that names `st.session_state`.

Anything a person would be sorry to lose is in the store as well; this is for the moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import streamlit as st

from components.app.access import LOCAL, User
from store.accounts.actor import Actor

T = TypeVar("T")


def user() -> User:
    """The person at the screen."""
    return LOCAL


def actor() -> Actor:
    """The person at the screen as the store knows them; they review under the name they gave."""
    person, reviewer = user(), st.session_state.get("reviewer")
    return Actor("local", getattr(reviewer, "name", person.name), person.roles)


def kept(name: str, make: Callable[[], T]) -> T:
    """The value kept under `name`, made the first time."""
    if name not in st.session_state:
        st.session_state[name] = make()
    return cast(T, st.session_state[name])


def keep(name: str, value: object) -> None:
    """Keep `value` under `name`, in place of what was there."""
    st.session_state[name] = value


def forget(name: str) -> None:
    """Drop what was kept under `name`, if anything."""
    st.session_state.pop(name, None)


def widget_value(key: str) -> Any:  # noqa: ANN401 -- each widget has a value of its own type
    """The current value of the widget with this key; None before it was first shown."""
    return st.session_state.get(key)
