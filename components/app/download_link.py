"""Download links: addresses for one person in one session, that are over after some minutes.

What Streamlit's own download button gives lies in memory at an address that knows no person and no
end. Here a link is offered on a page and followed at `components.server.downloads`: a token that
nobody can read, change or make without a key of this process, over who it is for and until when.
What it hands out is made when it is followed, on behalf of whoever follows it.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from io import FileIO
from typing import Any, Final, TypeAlias

import streamlit as st
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from components.app import permission, session
from components.app.services import now
from components.app.session import actor
from store.accounts.actor import Actor
from store.accounts.role import PEOPLE
from store.errors import LinkOfAnother, LinkOfAnotherSession, LinkOver, UnknownLink

PATH: Final = "/download/"
LASTS: Final = timedelta(minutes=10)
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"lethe download link"
_GENERATIONS: Final = 2
"""Offers kept of each place on a page: the one that is drawn, and the one before it."""

Made: TypeAlias = bytes | FileIO
"""What is handed out: something small, or a file on the disk that is gone when closed."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link hands out."""

    make: Callable[[], Made]
    """Asks who may and puts it on record."""
    name: str
    """Of the file, as it is saved."""
    media_type: str
    subject: str
    """Id of what it is of."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says."""

    id: str
    actor: str
    session: str
    reviewer: str
    """Under which name the local person works; empty where people sign in."""
    subject: str
    until: datetime


class DownloadLinks:
    """The links of this process; the key dies with it, and with the key every link."""

    def __init__(self) -> None:
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._lock = threading.Lock()
        self._offers: dict[str, tuple[Offer, tuple[str, str], datetime]] = {}

    def add(self, offer: Offer, actor: Actor, place: tuple[str, str], now: datetime) -> str:
        """Offer something to somebody; gives the token.

        Args:
            offer: what.
            actor: to whom alone.
            place: browser and widget; an offer replaces the one before the last of its place.
            now: the present.
        """
        link = Link(
            secrets.token_hex(16),
            actor.id,
            actor.session,
            "" if actor.is_signed_in else actor.name,
            offer.subject,
            now + LASTS,
        )
        with self._lock:
            same = [id_ for id_, (_, where, _) in self._offers.items() if where == place]
            gone = {*same[: max(len(same) + 1 - _GENERATIONS, 0)]}
            gone |= {id_ for id_, (_, _, until) in self._offers.items() if until <= now}
            for id_ in gone:
                del self._offers[id_]
            self._offers[link.id] = offer, place, link.until
        return self._token(link)

    def link(self, token: str) -> Link:
        """What a token says, for whomever it is.

        Raises:
            UnknownLink: it is none of this process, or was changed.
        """
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
            said = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE)
        except (ValueError, InvalidTag) as error:
            raise UnknownLink("This is no download link of this Lethe, or not any more.") from error
        told = json.loads(said)
        link = Link(**{**told, "until": datetime.fromisoformat(told["until"])})
        if self._token(link, sealed[:_NONCE_BYTES]) != token:  # base64 has several spellings
            raise UnknownLink("This is no download link of this Lethe, or not any more.")
        return link

    def offer(self, link: Link, actor: Actor, now: datetime) -> Offer:
        """What somebody gets who follows a link.

        Raises:
            LinkOfAnother: it is another person's.
            LinkOfAnotherSession: it is this person's, from another session of theirs.
            LinkOver: its time is over, or a newer one took its place.
        """
        if link.actor != actor.id:
            raise LinkOfAnother("This download link is another person's.")
        if link.session != actor.session:
            raise LinkOfAnotherSession("This download link was for an earlier session of yours.")
        with self._lock:
            known = self._offers.get(link.id)
        if now >= link.until or known is None:
            raise LinkOver("This download link is over.")
        return known[0]

    def _token(self, link: Link, nonce: bytes | None = None) -> str:
        said = json.dumps({**asdict(link), "until": link.until.isoformat()}).encode()
        nonce = nonce or secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, said, _PURPOSE)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


links = DownloadLinks()
"""Of this process."""


def button(
    label: str,
    make: Callable[[], Made],
    *,
    name: str,
    media_type: str,
    key: str,
    icon: str,
    subject: str = "",
    disabled: bool = False,
    **look: Any,  # noqa: ANN401
) -> None:
    """A button that downloads; its link is renewed for as long as the page stands open.

    Args:
        label: on the button.
        make: gives what is handed out, asks who may, and puts it on record.
        name: of the file, as it is saved.
        media_type: of the file.
        key: of the button.
        icon: before the label.
        subject: id of what it is of.
        disabled: whether there is nothing to hand out; there is no link then.
        look: as `st.link_button` has it.
    """
    offer = None if disabled else Offer(make, name, media_type, subject)
    with st.container(width="content"):  # a fragment alone takes all the room there is
        _renewed(label, offer, key=key, icon=icon, **look)


@st.fragment(run_every=LASTS / 2)
@permission.fragment(*PEOPLE)
def _renewed(label: str, offer: Offer | None, *, key: str, **look: Any) -> None:  # noqa: ANN401
    address = PATH
    if offer is not None:
        place = session.kept("browser", lambda: secrets.token_hex(16)), key
        address += links.add(offer, actor(), place, now())
    st.link_button(label, address, key=key, disabled=offer is None, **look)
