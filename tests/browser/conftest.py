"""The real app as a process of its own, and a real Chromium in front of it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.ports import free_port

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ROOT = Path(__file__).parents[2]
PATIENCE_MS = 1000 * int(os.environ.get("LETHE_PATIENCE_S", "60"))
"""How long anything may take before a test gives up; no promise about how long it takes."""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
WITHOUT_SAMPLES = "[review]\naudit_share = 0.0\n"
"""No sample checks by chance, so that each run takes the same way."""
playwright.expect.set_options(timeout=PATIENCE_MS)
_INSIDE = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")


@dataclass
class App:
    """The running app's address, and everything browsers asked for or complained about."""

    port: int
    token: str
    shots: Path
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cookie(self) -> tuple[str, str]:
        """Name and value of what lets a browser in."""
        return f"lethe_{self.port}", self.token

    def watch(self, page: playwright.Page) -> None:
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._release_checked)

    def _asked(self, url: str) -> None:
        if not url.startswith(_INSIDE):
            self.outside.append(url)

    def _release_checked(self, message: playwright.ConsoleMessage) -> None:
        # on a deep link Streamlit's page looks for its server under the page's own path first
        is_probe = "/_stcore/" in message.location.get("url", "")
        if message.type == "error" and not is_probe:
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")


def chromium() -> str:
    """Where Chromium is; without one the test is skipped, but fails where it has to run."""
    path = os.environ.get("LETHE_CHROMIUM", "/usr/bin/chromium")
    if not Path(path).is_file():
        says = f"there is no Chromium at {path}; install it or set LETHE_CHROMIUM"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(says)
    return path


def wait_for(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not holds():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.1)


def _is_up(app: App) -> bool:
    cookie = "=".join(app.cookie)
    asked = urllib.request.Request(f"{app.address}/_stcore/health", headers={"Cookie": cookie})  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=1) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def serving(
    home: Path,
    log: Path,
    shots: Path,
    policy: str = WITHOUT_SAMPLES,
    port: int | None = None,
    **environment: str,
) -> Iterator[App]:
    """The app over a home folder, under a policy; what it wrote is looked through at the end."""
    chromium()
    port, token = port or free_port(), secrets.token_urlsafe()
    (home / "policy.toml").write_text(policy)
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "components.server", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "LETHE_HOME": str(home), "LETHE_TOKEN": token, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        running = App(port, token, shots)
        try:
            wait_for(lambda: _is_up(running), "the server")
            yield running
        finally:
            server.terminate()
            try:
                status = server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                raise
    assert status == 0
    assert not (home / "lethe.duckdb.wal").exists(), "the database was not closed"
    said = log.read_text(errors="replace")
    assert "Traceback" not in said, said[-3000:]
    assert "leaked" not in said, said[-3000:]  # DuckDB lists what a thread still holds at the end


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the app keeps everything: empty, unless a module lays something there."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def app(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app over `home`; one per module, since models take seconds to load."""
    shots = Path(os.environ.get("LETHE_SHOTS") or tmp_path_factory.mktemp("shots"))
    with serving(home, tmp_path_factory.mktemp("log") / "server.txt", shots) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    path = chromium()
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield opened
        opened.close()


def entered(app: App, browser: playwright.Browser, **how: object) -> playwright.Page:
    """A browser session of its own, 1280 by 800 unless told otherwise."""
    size = {"viewport": {"width": 1280, "height": 800}}
    context = browser.new_context(**(size | {"accept_downloads": True} | how))
    name, value = app.cookie
    context.add_cookies([{"name": name, "value": value, "url": app.address}])
    opened = context.new_page()
    app.watch(opened)
    return opened


@pytest.fixture
def page(app: App, browser: playwright.Browser) -> Iterator[playwright.Page]:
    opened = entered(app, browser)
    yield opened
    opened.context.close()
