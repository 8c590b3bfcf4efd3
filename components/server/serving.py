"""The server: Streamlit's app behind the guard, with the settings that safety rests on.

They are given here, not in `.streamlit/config.toml` alone, as environment variables overrule that
file. The first word of the program becomes `Home.py`: Streamlit looks for the file beside it.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import itsdangerous
import streamlit as st
from starlette import formparsers
from starlette.middleware import Middleware

from components.app import access, accounts, identity, services
from components.app.accounts import SignIn
from components.app.uploads import Incoming
from components.monitoring import exporter, metrics
from components.server.downloads import Downloads
from components.server.guard import PARAMETER, Access, Guard
from components.server.identity_cookie import claims, is_signed_in
from components.server.origins import Origins
from engine.files.home import home
from store.accounts.actor import MACHINE
from store.files import Files
from store.monitoring.figures import Figures, figures

_MALLOC = {-8: 2, -1: 128 * 1024, -3: 128 * 1024}
"""M_ARENA_MAX, M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h; the latter two grow else."""
HOME_PAGE = Path(__file__).resolve().parents[2] / "Home.py"
_NUMBER = re.compile(r"^\d+_")


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the app is served, and who may come in."""

    address: str
    port: int
    origins: Origins
    token: str | None
    """None where people sign in."""
    sign_in: SignIn | None = None
    metrics_port: int | None = None
    """Of figures for monitoring; None where nobody asked for them."""

    @property
    def url(self) -> str:
        """The address to open, with the token if there is one."""
        if self.sign_in is not None:
            return f"{self.sign_in.auth.origin}/"
        if self.origins.public is not None:
            base = self.origins.public.geturl()
        else:
            host = f"[{self.address}]" if ":" in self.address else self.address
            base = f"http://{host}:{self.port}"
        return f"{base}/?{PARAMETER}={self.token}"


def serve(serving: Serving, announce: Callable[[Serving], None]) -> None:
    """Serve until the program is told to end.

    Args:
        serving: where and for whom.
        announce: called once the port is ours.

    Raises:
        UnusableAddress: the port of figures is taken.
        UnusableSignIn: nobody knows who signed out.
    """
    has_accounts = serving.sign_in is not None
    guarded = Middleware(
        Guard,
        access=Access(
            serving.token,
            serving.origins,
            f"lethe_{serving.port}",
            is_signed_in if has_accounts else None,
            _page_paths(),
        ),
    )
    handing_out = Middleware(Downloads, claims=claims if has_accounts else lambda _: {})

    @asynccontextmanager
    async def opened(_: st.App) -> AsyncIterator[None]:
        announce(serving)
        yield

    if serving.sign_in is not None:
        identity.signed_out.keep_in(home() / identity.SIGNED_OUT)
    access.stand_guard(with_accounts=has_accounts)
    with _figures_for_monitoring(serving.metrics_port):
        seal_uploads(Files(home()).incoming)
        give_memory_back()
        signal.signal(signal.SIGTERM, _end)
        sign_cookies_with_sha256()
        sys.argv = [str(HOME_PAGE)]
        st.App(HOME_PAGE, middleware=[guarded, handing_out], lifespan=opened).run(
            config=settings(serving)
        )


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End as a program ends: the signal itself would leave the database open.

    uvicorn, once it has stopped, hands on the signal that told it to.
    """
    raise SystemExit(0)


def _figures_for_monitoring(port: int | None) -> AbstractContextManager[None]:
    if port is None:
        return nullcontext()
    return exporter.listening(port, metrics.registry(_figures))


def _figures() -> Figures:
    """The figures as of now; opens the database where no page did so yet."""
    return figures(MACHINE, services.database(), services.now())


def seal_uploads(folder: Path) -> None:
    """Let uploads wait in a folder, sealed: in memory they fill it, and Starlette spills in plain.

    Streamlit refuses what is above its own limit as it comes.
    """

    def incoming(max_size: int = 0) -> Incoming:
        del max_size
        return Incoming(folder)

    vars(formparsers)["SpooledTemporaryFile"] = incoming


def give_memory_back() -> None:
    """Have freed memory returned to the system, where the C library can be told to (Linux).

    Each run of a page is a thread, and each thread would keep a heap of its own.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in _MALLOC.items():
            mallopt(option, value)


def sign_cookies_with_sha256() -> None:
    """Sign identities, and sign-ins under way, with HMAC-SHA-256.

    Streamlit and Starlette take what their library takes where nothing is said: SHA-1.
    """
    itsdangerous.Signer.default_digest_method = staticmethod(hashlib.sha256)


def _page_paths() -> frozenset[str]:
    """Where pages are, for whoever has to sign in first."""
    names = (_NUMBER.sub("", path.stem) for path in (HOME_PAGE.parent / "pages").glob("*.py"))
    return frozenset({"/", *(f"/{name}" for name in names)})


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
        "server.trustedUserHeaders": {},
        "secrets.files": [str(accounts.path(home()).absolute())] if serving.sign_in else [],
        "client.allowedOrigins": [],
        "client.disableDataExport": True,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "browser.gatherUsageStats": False,
        "logger.hideWelcomeMessage": True,
        "logger.enableRich": False,
    }
