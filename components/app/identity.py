"""Identities: from the claims of a provider to a person, their roles and when their session ends.

Made anew for each call and kept nowhere, so that neither a role that was taken away nor a session
that is over outlives the next click.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from components.app.access import NOBODY, User
from components.app.accounts import Access, UnusableSignIn
from engine.errors import UnreadableFile
from engine.files import atomic
from engine.files.json_object import json_object
from engine.files.safe_read import content, printable

SIGNED_OUT = "signed-out.json"
LONGEST_SESSION = timedelta(hours=168)
"""That `session_hours` may make of one, also after it was ended."""
_MOST_BYTES = 16 * 1024 * 1024
log = logging.getLogger(__name__)
_NEVER = datetime.fromtimestamp(0, UTC)


class SignedOut:
    """Sessions that somebody ended before their time, in every tab and for every copied cookie."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, datetime] = {}
        self._file: Path | None = None

    def keep_in(self, file: Path) -> None:
        """Know what the file says, and keep there what is ended from now on.

        Raises:
            UnusableSignIn: the file is damaged, so that nobody knows who signed out.
        """
        try:
            is_there = file.is_symlink() or file.exists()
            known = json_object(content(file, _MOST_BYTES)) if is_there else {}
            sessions = {key: _moment(str(end)) for key, end in known.items()}
        except (ValueError, UnreadableFile) as error:
            raise UnusableSignIn(
                f"{file.name} cannot be read, so nobody knows who signed out. Put it back from a "
                "copy; or set another cookie_secret, which signs everybody out, and remove it."
            ) from error
        with self._lock:
            self._file = file
            self._sessions |= sessions

    def add(self, user: User, now: datetime) -> None:
        """End this person's session."""
        with self._lock:
            self._sessions = {
                key: end for key, end in self._sessions.items() if end + LONGEST_SESSION > now
            }
            self._sessions[user.session] = max(user.expires or now, now)
            if self._file is None:
                return
            told = {key: end.isoformat() for key, end in self._sessions.items()}
            try:
                atomic.write(self._file, json.dumps(told).encode())
            except OSError as error:  # this process knows it all the same
                log.error("a session that ended was not kept (%s)", error.strerror)  # noqa: TRY400

    def __contains__(self, session: str) -> bool:
        """Whether it was ended."""
        with self._lock:
            return session in self._sessions


signed_out = SignedOut()
"""Of this process, and kept where `serve` says."""


def person(claims: Mapping[str, object], access: Access, now: datetime) -> User:
    """Whom a provider's claims tell of; `NOBODY` when they tell of nobody.

    They are called by their verified e-mail address, or by the provider's id of them: people can
    change what else they are called, and then decide in another's name. Once the session is over
    they have no role.
    """
    issuer, subject = claims.get("iss"), claims.get("sub")
    if claims.get("is_logged_in") is not True or not _is_text(issuer) or not _is_text(subject):
        return NOBODY
    email = _verified_email(claims)
    expires, session = _expires(claims, access), _session(claims)
    if session in signed_out:
        return NOBODY
    words = _words(claims.get(access.roles_claim)) if access.roles_claim else frozenset()
    name = " ".join(printable(email or str(subject)).split())
    return User(
        name=name,
        roles=access.roles(words, email) if now < expires else frozenset(),
        label=" ".join(printable(str(claims.get("name") or name)).split())[:60],
        account=f"{issuer}\0{subject}",
        session=session,
        expires=expires,
    )


def _moment(text: str) -> datetime:
    """A moment with its zone, as `SignedOut` writes it.

    Raises:
        ValueError: it is none.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected a moment with a zone, got {text!r}")
    return moment


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _verified_email(claims: Mapping[str, object]) -> str:
    email = claims.get("email")
    verified = claims.get("email_verified")
    is_verified = verified is True or verified == "true"  # 1 equals True and says nothing
    return str(email).strip().lower() if is_verified and _is_text(email) else ""


def _expires(claims: Mapping[str, object], access: Access) -> datetime:
    """The end of the session; long ago where the claims do not say."""
    hours = access.session_hours
    start, length = (
        (claims.get("exp"), timedelta())
        if hours is None
        else (claims.get("iat"), timedelta(hours=hours))
    )
    if isinstance(start, bool) or not isinstance(start, int | float):
        return _NEVER
    try:
        return datetime.fromtimestamp(start, UTC) + length
    except (ValueError, OverflowError, OSError):
        return _NEVER


def _session(claims: Mapping[str, object]) -> str:
    parts = [str(claims.get(key, "")) for key in ("iss", "sub", "iat", "exp", "nonce")]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _words(value: object) -> frozenset[str]:
    """A claim as words: one, or those of a list."""
    values = value if isinstance(value, list | tuple) else [value]
    return frozenset(one for one in values if isinstance(one, str))
