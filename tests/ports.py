"""Ports for servers that tests start."""

from __future__ import annotations

import itertools
import os
import socket

_FIRST = 20_000
_A_WORKER = 1_000
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_next = itertools.count(_FIRST + _A_WORKER * (_worker % 10))


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens at, and that no other worker is given.

    They lie below those that the system deals out, so nothing takes one before the server does.
    """
    for port in _next:
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable")
