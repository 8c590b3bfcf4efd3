"""Middleware before everything that Streamlit serves: pages, WebSocket, media, uploads, components.

A request must be for an allowed host, come from no foreign page, and carry the start-up token: once
in the address, then in a cookie, as Jupyter does it. Loopback is no identity: every user of this
machine and every page in a browser on it reaches the port. Where people sign in, their identity
takes the token's place, and without one only the way to sign in is open.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from components.server.headers import secure
from components.server.origins import Origins
from components.server.refused_requests import RefusedRequests

PARAMETER = "token"
_OPEN = frozenset(
    {
        "/favicon.png",
        "/_stcore/health",
        "/_stcore/host-config",
        "/_stcore/stream",
        "/auth/login",
        "/auth/logout",
        "/oauth2callback",
    }
)
"""What signing in takes, beside pages and the code of Streamlit."""
_CODE = "/static/"
_ACTS = frozenset({"/auth/login", "/auth/logout"})
"""Pages that do something by being gone to."""
_FOREIGN = "This request came from another site, or for a name that is not the app's."
_SIGN_IN = "Sign in first.\n"
_CLOSED = (
    "Lethe opens with its whole address, token included: the terminal it was started in shows it. "
    "Each start draws a new token.\n"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """What a request must have."""

    token: str | None
    """None where people sign in."""
    origins: Origins
    cookie: str
    """Its name; cookies know no ports, so each port has its own."""
    is_known: Callable[[HTTPConnection], bool] | None = None
    """Whether somebody who has signed in and has a role asks; None where a token is enough."""
    pages: frozenset[str] = frozenset()
    """Paths of pages, which ask whoever is not known to sign in."""

    def knows(self, token: str | None) -> bool:
        """Whether this is the token; takes equally long whichever sign is wrong."""
        if token is None or self.token is None:
            return False
        return hmac.compare_digest(token.encode(), self.token.encode())

    def is_way_in(self, path: str) -> bool:
        """Whether this is answered to whoever has not signed in yet."""
        return path in self.pages or path in _OPEN or path.startswith(_CODE)


class Guard:
    """ASGI middleware that lets through whoever has the token, and secures every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        self._refused = RefusedRequests()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                headers = MutableHeaders(scope=message)
                secure(headers, scope["path"], is_https=self._access.origins.is_https)
                if message["status"] >= HTTPStatus.BAD_REQUEST:
                    headers.setdefault("Content-Type", "text/plain; charset=utf-8")
            await send(message)

        request = HTTPConnection(scope)
        answer = self._answer(request)
        if answer is None:
            await self._app(scope, receive, send_secured)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        else:
            await answer(scope, receive, send_secured)

    def _answer(self, request: HTTPConnection) -> Response | None:
        """What to answer instead of the app; None to pass the request on."""
        access = self._access
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if not access.origins.allow(host, origin) or _is_foreign(request):
            self._refused.add("from another site")
            return PlainTextResponse(_FOREIGN, HTTPStatus.FORBIDDEN)
        if access.is_known is not None:
            is_let_in = access.is_way_in(request.scope["path"]) or access.is_known(request)
            if is_let_in:
                return None
            self._refused.add("without an identity")
            return PlainTextResponse(_SIGN_IN, HTTPStatus.UNAUTHORIZED)
        if access.knows(request.query_params.get(PARAMETER)) and _is_page(request):
            return self._admit(request)
        if access.knows(request.cookies.get(access.cookie)):
            return None
        self._refused.add("without the token")
        return PlainTextResponse(_CLOSED, HTTPStatus.FORBIDDEN)

    def _admit(self, request: HTTPConnection) -> Response:
        """Move the token from the address, where histories keep it, to a cookie."""
        log.warning("a browser was let in with the start-up token")
        others = [(key, value) for key, value in request.query_params.multi_items()
                  if key != PARAMETER]  # fmt: skip
        path = "/" + quote(request.scope["path"].lstrip("/\\"))
        answer = RedirectResponse(
            f"{path}?{urlencode(others)}" if others else path, HTTPStatus.SEE_OTHER
        )
        answer.set_cookie(
            self._access.cookie,
            self._access.token or "",
            httponly=True,
            samesite="lax",
            secure=self._access.origins.is_https,
        )
        return answer


def _is_page(request: HTTPConnection) -> bool:
    return (request.scope["type"], request.scope.get("method")) == ("http", "GET")


def _is_foreign(request: HTTPConnection) -> bool:
    """Whether the browser says that a page of another origin asks, and not for a page to go to.

    Another port of this machine is the same site, so that its pages' requests carry our cookie.
    """
    if request.headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
        return False
    is_link = (
        request.scope["path"] not in _ACTS
        and request.headers.get("sec-fetch-mode") == "navigate"
        and request.headers.get("sec-fetch-dest") == "document"
    )
    return not (is_link and _is_page(request))
