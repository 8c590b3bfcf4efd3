"""The server: Streamlit's app behind the guard, with the settings that safety rests on.

They are given here, not in `.streamlit/config.toml` alone, as environment variables overrule that
file. The first word of the program becomes `Home.py`: Streamlit looks for the file beside it.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from components.app import access
from components.server.guard import PARAMETER, Access, Guard
from components.server.origins import Origins

HOME_PAGE = Path(__file__).resolve().parents[2] / "Home.py"


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the app is served, and who may come in."""

    address: str
    port: int
    origins: Origins
    token: str

    @property
    def url(self) -> str:
        """The address to open, with the token."""
        if self.origins.public is not None:
            base = self.origins.public.geturl()
        else:
            host = f"[{self.address}]" if ":" in self.address else self.address
            base = f"http://{host}:{self.port}"
        return f"{base}/?{PARAMETER}={self.token}"


def serve(serving: Serving, announce: Callable[[str], None]) -> None:
    """Serve until the program is told to end.

    Args:
        serving: where and for whom.
        announce: called with the address to open, once the port is ours.
    """
    guarded = Middleware(
        Guard, access=Access(serving.token, serving.origins, f"lethe_{serving.port}")
    )

    @asynccontextmanager
    async def opened(_: st.App) -> AsyncIterator[None]:
        announce(serving.url)
        yield

    access.stand_guard()
    sys.argv = [str(HOME_PAGE)]
    st.App(HOME_PAGE, middleware=[guarded], lifespan=opened).run(config=settings(serving))


def settings(serving: Serving) -> dict[str, Any]:
    """Streamlit's settings by their dotted names."""
    return {
        "server.address": serving.address,
        "server.port": serving.port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.enableStaticServing": False,
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.allowedHosts": list(serving.origins.hosts),
        "client.allowedOrigins": [],
        "client.disableDataExport": True,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "browser.gatherUsageStats": False,
        "logger.hideWelcomeMessage": True,
        "logger.enableRich": False,
    }
