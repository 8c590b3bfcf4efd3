"""Who reviews: a name asked once of each browser, so that claims tell two people apart.

With accounts the name is the account's. Without, a browser keeps what was answered in a cookie of
its session, beside a random word: a name that another browser uses now is refused. It is no login;
whoever reaches the app has passed the server's guard.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote, unquote

import streamlit as st

from components.app import session
from components.app.access import LOCAL
from components.app.services import now
from engine.errors import LetheError
from engine.files.safe_read import printable

COOKIE = "lethe_reviewer"
LONGEST = 40
_FORGOTTEN_AFTER = timedelta(minutes=30)
"""As long as a claim runs."""


class NameTaken(LetheError):
    """Somebody reviews under that name in another browser."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """The person at the screen, as this browser calls them."""

    name: str
    browser: str
    """Random; tells two browsers with one name apart."""

    @property
    def cookie(self) -> str:
        """As JavaScript sets it: gone with the browser, sent nowhere else."""
        return f"{COOKIE}={quote(self.name, safe='')}.{self.browser}; path=/; SameSite=Strict"


@dataclass(slots=True)
class Names:
    """Which browser uses which name now."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _users: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def use(self, reviewer: Reviewer, moment: datetime) -> bool:
        """Note that a browser works under a name; False when another one does."""
        key = reviewer.name.casefold()
        with self._lock:
            browser, seen = self._users.get(key, (reviewer.browser, moment))
            if browser != reviewer.browser and moment - seen < _FORGOTTEN_AFTER:
                return False
            self._users[key] = (reviewer.browser, moment)
            return True


def name() -> str:
    """The reviewer's name.

    Raises:
        LookupError: nobody was asked yet; the page asks before anything else.
    """
    if session.acting_reviewer():
        return session.acting_reviewer()
    known = current()
    if known is None:
        raise LookupError("expected a reviewer's name, and nobody was asked yet")
    return known.name


def current() -> Reviewer | None:
    """Who reviews in this browser; None while that has to be asked."""
    if session.user() != LOCAL:
        return Reviewer(session.user().name, "")
    known: Reviewer | None = session.kept("reviewer", _remembered)
    if known is not None and not _names().use(known, now()):
        session.keep("reviewer", None)
        return None
    return known


def introduce(typed: str) -> None:
    """Review under this name from now on.

    Raises:
        NameTaken: another browser does; says so.
        LetheError: it is no name.
    """
    clean = " ".join(printable(typed).split())
    if not clean or len(clean) > LONGEST:
        raise LetheError(f"Please give a name of 1 to {LONGEST} letters.")
    reviewer = Reviewer(clean, secrets.token_hex(8))
    if not _names().use(reviewer, now()):
        raise NameTaken(
            f"Somebody reviews as {clean} in another browser now. Choose another name, such as "
            f"{clean} 2; if that was you, it is free again half an hour after the last action."
        )
    session.keep("reviewer", reviewer)


def _remembered() -> Reviewer | None:
    """What this browser's cookie says; it is not believed beyond being a name."""
    text = st.context.cookies.get(COOKIE, "")
    quoted, _, browser = text.rpartition(".")
    clean = " ".join(printable(unquote(quoted)).split())
    if not clean or len(clean) > LONGEST or not browser.isalnum() or len(browser) > LONGEST:
        return None
    return Reviewer(clean, browser)


@st.cache_resource(show_spinner=False)
def _names() -> Names:
    return Names()
