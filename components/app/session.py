"""What one browser session remembers. The only code that names `st.session_state`.

Anything a person would be sorry to lose is in the store as well; this is for the moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

import streamlit as st

from components.app import accounts, identity
from components.app.access import LOCAL, User, has_accounts
from components.app.services import database, home, now
from store.accounts.actor import Actor

T = TypeVar("T")


_claims: ContextVar[Mapping[str, object] | None] = ContextVar("claims", default=None)
"""Of whom a download is made for, which is made outside of any page."""
_reviewer: ContextVar[str] = ContextVar("reviewer", default="")
"""Under which name the local person has a download made."""


def claims() -> Mapping[str, object]:
    """What the provider says of the person at the screen; empty where nobody signs in."""
    if not has_accounts():
        return {}
    given = _claims.get()
    return dict(st.user.to_dict()) if given is None else given


@contextmanager
def on_behalf_of(given: Mapping[str, object], reviewer: str = "") -> Iterator[None]:
    """Act for a person, where Streamlit does not know the session.

    Args:
        given: what the provider says of them; empty where nobody signs in.
        reviewer: under which name the local person works.
    """
    claims_token, name_token = _claims.set(given), _reviewer.set(reviewer)
    try:
        yield
    finally:
        _claims.reset(claims_token)
        _reviewer.reset(name_token)


def acting_reviewer() -> str:
    """Under which name `on_behalf_of` has the local person act; empty outside of it."""
    return _reviewer.get()


def user() -> User:
    """The person at the screen, as of now.

    Raises:
        UnusableSignIn: the sign-in file cannot be used.
    """
    if not has_accounts():
        return LOCAL
    return identity.person(claims(), accounts.read(home()).access, now())


def actor() -> Actor:
    """The person at the screen as the store knows them: made here and nowhere else.

    Where nobody signs in they review under the name they gave.

    Raises:
        UnusableSignIn: the sign-in file cannot be used.
    """
    person = user()
    if not has_accounts():
        name = _reviewer.get() or getattr(st.session_state.get("reviewer"), "name", person.name)
        return Actor("local", name, person.roles)
    return Actor(
        id=database().signer.keys.pseudonym("account", person.account),
        name=person.name,
        roles=person.roles,
        session=person.session,
        expires=person.expires,
        is_signed_in=True,
    )


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
