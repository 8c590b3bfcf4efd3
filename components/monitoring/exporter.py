"""The port that figures are read at: of this machine alone, whatever name a request is for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from components.server.origins import Origins, UnusableAddress

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ADDRESS = "127.0.0.1"
PATH = "/metrics"


class _Handler(WSGIRequestHandler):
    """A handler that does not log who asked."""

    def log_message(self, *_: object) -> None:
        """Nothing: monitoring asks every few seconds."""


@contextmanager
def listening(port: int, registry: CollectorRegistry) -> Iterator[None]:
    """Answer on the port within the block, in threads of its own.

    Raises:
        UnusableAddress: something else listens there.
    """
    try:
        server = make_server(ADDRESS, port, guarded(registry), ThreadingWSGIServer, _Handler)
    except OSError as error:
        raise UnusableAddress(
            f"Figures cannot be served on port {port} ({error.strerror}); give another to "
            "--metrics-port, or leave it out."
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def guarded(
    registry: CollectorRegistry,
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """The figures at one path, and nothing for a page of a browser or another host's name."""
    figures, origins = make_wsgi_app(registry), Origins()

    def answer(environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        is_page = "HTTP_ORIGIN" in environment or "HTTP_SEC_FETCH_SITE" in environment
        if is_page or not origins.allow(environment.get("HTTP_HOST", ""), None):
            return _refused(start, HTTPStatus.FORBIDDEN)
        if environment["PATH_INFO"] != PATH:
            return _refused(start, HTTPStatus.NOT_FOUND)
        if environment["REQUEST_METHOD"] != "GET":
            return _refused(start, HTTPStatus.METHOD_NOT_ALLOWED)
        found: Iterable[bytes] = figures(environment, start)
        return found

    return answer


def _refused(start: StartResponse, status: HTTPStatus) -> Iterable[bytes]:
    start(f"{status.value} {status.phrase}", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{status.phrase}\n".encode()]
