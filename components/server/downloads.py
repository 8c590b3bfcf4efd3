"""The route `/download/…`: hands out what a page offers, in chunks, to whom it was offered.

Each request without a range has the file made anew, on record before its first byte leaves; a range
goes on with the one that was made last for the link, so that a break in a large zip costs what was
missing and no more, unless a picture ended or a release was revoked or withdrawn since. What waits
for that has no name on the disk, and is gone with its last byte, or ten minutes after it was made
and nothing is sent of it.
"""

from __future__ import annotations

import html
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from components.app import services, session
from components.app.access import LOCAL
from components.app.download_link import LASTS, PATH, Link, Made, Offer, links
from components.app.permission import NotPermitted
from components.server.byte_range import ByteRange, Unsatisfiable, wanted
from engine.errors import LetheError
from store.accounts.actor import Actor
from store.accounts.role import Role
from store.audit import downloads
from store.errors import LinkRefused, NotAllowed, SessionExpired, UnknownLink

CHUNK_BYTES: Final = 256 * 1024
"""As much of a download is in memory at a time."""

Claims = Callable[[Request], Mapping[str, object]]

_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width"><title>Nothing was downloaded · Lethe</title>
<style>body {{font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 20vh auto 0;
padding: 0 1.5rem}}</style>
<h1>Nothing was downloaded</h1><p>{}</p></html>
"""
_AGAIN: Final = "Reload the page that offers the download, and take it from there."


class Delivery:
    """What was made for a link, until the link is over or all of it was sent."""

    def __init__(self, made: Made, roles: frozenset[Role]) -> None:
        self.roles = roles
        """Of whom it was made for, then."""
        self.etag = f'"{secrets.token_hex(16)}"'
        self.size = len(made) if isinstance(made, bytes) else os.fstat(made.fileno()).st_size
        self._made = made
        self._lock = threading.Lock()
        self._streams = 0
        self._is_over = False
        self._sent = 0
        """So many bytes from the start on were sent."""
        self._timer: threading.Timer | None = None

    def end_after(self, seconds: float, over: Callable[[], None]) -> None:
        """Have `over` called after a time, unless this ends before; once."""
        with self._lock:
            if self._is_over:
                return
            self._timer = threading.Timer(seconds, over)
            self._timer.daemon = True
            self._timer.start()

    def enter(self) -> bool:
        """Begin to send; what is over cannot be sent any more."""
        with self._lock:
            self._streams += not self._is_over
            return not self._is_over

    def leave(self) -> None:
        """End sending."""
        with self._lock:
            self._streams -= 1
            self._close_unused()

    def end(self) -> None:
        """Have it gone as soon as nothing is being sent of it; again is harmless."""
        with self._lock:
            self._is_over = True
            timer = self._timer
            self._close_unused()
        if timer is not None:
            timer.cancel()

    def read(self, start: int, end: int) -> bytes:
        """At most a chunk of what lies from `start` to before `end`; between `enter` and `leave`.

        Raises:
            OSError: the disk does not give it.
        """
        count = min(CHUNK_BYTES, end - start)
        if isinstance(self._made, bytes):
            return self._made[start : start + count]
        return os.pread(self._made.fileno(), count, start)

    def sent(self, start: int, end: int) -> bool:
        """Note that bytes were sent; whether that made it whole, which is so once."""
        with self._lock:
            if start > self._sent or end <= self._sent:
                return False
            self._sent = end
            return end == self.size

    def _close_unused(self) -> None:
        if self._is_over and not self._streams and not isinstance(self._made, bytes):
            self._made.close()


class Downloads:
    """ASGI middleware behind the guard that answers what is below `/download/`."""

    def __init__(self, app: ASGIApp, claims: Claims) -> None:
        """`claims` tells what the provider says of whoever asks; nothing where nobody signs in."""
        self._app = app
        self._claims = claims
        self._lock = threading.Lock()
        self._deliveries: dict[str, Delivery] = {}
        self._is_told = False
        self._ends = 0
        """So many pictures and releases ended since the first download."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a download, and pass on all else; with the server, what is kept ends."""
        if scope["type"] == "lifespan":
            try:
                await self._app(scope, receive, send)
            finally:
                # a thread that outlives the program keeps DuckDB's objects, which it then lists
                self._forget_all()
            return
        if scope["type"] != "http" or not scope["path"].startswith(PATH):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        if request.method == "GET":
            answer = await run_in_threadpool(self._answer, request)
        else:
            answer = Response(status_code=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET"})
        await answer(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        try:
            return self._stream(request)
        except Unsatisfiable as error:
            status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            return Response(status_code=status, headers={"Content-Range": f"bytes */{error.size}"})
        except LinkRefused as refusal:
            return _page(f"{refusal} {_AGAIN}", HTTPStatus.FORBIDDEN)
        except (NotAllowed, SessionExpired, NotPermitted) as refusal:
            return _page(str(refusal), HTTPStatus.FORBIDDEN)
        except LetheError as error:
            return _page(str(error), HTTPStatus.CONFLICT)
        except OSError as error:
            why = error.strerror or type(error).__name__
            return _page(f"The disk did not do it ({why}).", HTTPStatus.INSUFFICIENT_STORAGE)

    def _stream(self, request: Request) -> Response:
        """Raises what `_answer` puts into words."""
        claims = self._claims(request)
        actor, link, offer = _admitted(request.scope["path"].removeprefix(PATH), claims)
        delivery, part = self._kept(request, link, actor)
        if delivery is None:
            with session.on_behalf_of(claims, link.reviewer):
                delivery = self._begun(link, offer, actor)
        start, end = part or ByteRange(0, delivery.size)
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Disposition": f"attachment; filename*=utf-8''{quote(offer.name)}",
            "Content-Length": str(end - start),
            "ETag": delivery.etag,
            "X-Accel-Buffering": "no",  # else nginx would put it into a temporary file of its own
        }
        if part is not None:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{delivery.size}"
        return StreamingResponse(
            self._chunks(request, delivery, (start, end), _Receiver(actor, link)),
            HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT,
            headers,
            offer.media_type,
        )

    def _kept(
        self, request: Request, link: Link, actor: Actor
    ) -> tuple[Delivery, ByteRange] | tuple[None, None]:
        """What was made last for a link, and the part of it that is asked for.

        Whoever lost a role since has it made anew, which asks whether they may.
        """
        with self._lock:
            delivery = self._deliveries.get(link.id)
        if delivery is None or not delivery.roles <= actor.roles:
            return None, None
        if request.headers.get("if-range") not in (None, delivery.etag):
            return None, None
        part = wanted(request.headers.get("range"), delivery.size)
        if part is None or not delivery.enter():
            return None, None
        return delivery, part

    def _begun(self, link: Link, offer: Offer, actor: Actor) -> Delivery:
        self._be_told()
        ends = self._ends
        delivery = Delivery(offer.make(), actor.roles)
        delivery.enter()
        with self._lock:
            earlier = self._deliveries.pop(link.id, None)
            is_kept = ends == self._ends
            if is_kept:
                self._deliveries[link.id] = delivery
        if earlier is not None:
            earlier.end()
        if not is_kept:
            delivery.end()
            return delivery
        delivery.end_after(LASTS.total_seconds(), partial(self._forget, link, delivery))
        return delivery

    def _be_told(self) -> None:
        """Have what is kept for a range gone when a picture or a release ends, whichever it is."""
        with self._lock:
            is_told, self._is_told = self._is_told, True
        if not is_told:
            services.database().forgetting.add(lambda _: self._forget_all())

    def _forget_all(self) -> None:
        with self._lock:
            self._ends += 1
            deliveries, self._deliveries = self._deliveries, {}
        for delivery in deliveries.values():
            delivery.end()

    def _forget(self, link: Link, delivery: Delivery) -> None:
        with self._lock:
            if self._deliveries.get(link.id) is delivery:
                del self._deliveries[link.id]
        delivery.end()

    async def _chunks(
        self, request: Request, delivery: Delivery, part: tuple[int, int], receiver: _Receiver
    ) -> AsyncIterator[bytes]:
        """A chunk at a time; on record once every byte of the whole was sent."""
        position, end = part
        is_whole = False
        try:
            while position < end:
                chunk = await run_in_threadpool(delivery.read, position, end)
                if not chunk:
                    raise OSError(f"a download of {delivery.size} bytes was cut short")
                yield chunk
                if await request.is_disconnected():
                    return
                is_whole = delivery.sent(position, position + len(chunk)) or is_whole
                position += len(chunk)
            if is_whole:
                await run_in_threadpool(receiver.completed, delivery.size)
        finally:
            delivery.leave()
            if is_whole:
                self._forget(receiver.link, delivery)


@dataclass(frozen=True, slots=True)
class _Receiver:
    """Who follows which link."""

    actor: Actor
    link: Link

    def completed(self, size: int) -> None:
        downloads.completed(self.actor, services.database(), self.link.subject, size)


def _admitted(token: str, claims: Mapping[str, object]) -> tuple[Actor, Link, Offer]:
    """Who asks and what for; that it was refused is recorded."""
    try:
        link = links.link(token)
    except UnknownLink as refusal:
        with session.on_behalf_of(claims, LOCAL.name):
            downloads.refused(session.actor(), services.database(), "", refusal)
        raise
    with session.on_behalf_of(claims, link.reviewer):
        actor = session.actor()
    try:
        return actor, link, links.offer(link, actor, services.now())
    except LinkRefused as refusal:
        downloads.refused(actor, services.database(), link.subject, refusal)
        raise


def _page(text: str, status: HTTPStatus) -> Response:
    return HTMLResponse(_PAGE.format(html.escape(text)), status)
