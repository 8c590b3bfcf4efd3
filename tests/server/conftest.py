"""The app as a process of its own, asked over sockets with whatever headers a stranger sends."""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Server:
    port: int
    token: str
    log: Path
    proxy: socket.socket
    """Where the process must send what it asks of other machines."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def cookie(self) -> str:
        return f"lethe_{self.port}={self.token}"

    def calls_outside(self) -> list[bytes]:
        """The first lines of what the process asked of other machines since the last call."""
        found = []
        while True:
            try:
                connection, _ = self.proxy.accept()
            except BlockingIOError:
                return found
            with connection, connection.makefile("rb") as request:
                connection.settimeout(PATIENCE_S)
                if line := request.readline():  # a stranger that scans ports says nothing
                    found.append(line)

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> http.client.HTTPResponse:
        """The answer, with its body read into `text`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request(method, path, headers={"Host": self.host, **(headers or {})})
        answer = connection.getresponse()
        answer.text = answer.read().decode("utf-8", "replace")
        connection.close()
        return answer


def command(*words: str, **environment: str) -> dict[str, object]:
    """How `python -m components.server` is started, for `subprocess`."""
    return {
        "args": [sys.executable, "-m", "components.server", *words],
        "cwd": ROOT,
        "env": {**os.environ, **environment},
    }


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    proxy = socket.create_server(("127.0.0.1", free_port()))
    proxy.setblocking(False)
    running = Server(free_port(), secrets.token_urlsafe(), folder / "log.txt", proxy)
    outside = f"http://127.0.0.1:{proxy.getsockname()[1]}"
    how = command(
        "--port",
        str(running.port),
        LETHE_HOME=str(folder / "home"),
        LETHE_TOKEN=running.token,
        http_proxy=outside,
        https_proxy=outside,
    )
    with proxy, running.log.open("wb") as log:
        process = subprocess.Popen(**how, stdout=log, stderr=subprocess.STDOUT)
        try:
            until_ready(running, process)
            yield running
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while "?token=" not in server.log.read_text() or not answers(server):
        assert process.poll() is None, server.log.read_text()
        assert time.monotonic() < deadline, "waited too long for the server"
        time.sleep(0.1)


def answers(server: Server) -> bool:
    try:
        return server.ask("/").status > 0
    except OSError:
        return False
