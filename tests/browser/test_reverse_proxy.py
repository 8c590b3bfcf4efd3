"""The app behind nginx, as docs/how-to/reverse-proxy.md says: TLS, headers, limit, WebSocket."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import streamlit
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser import nginx
from tests.browser.conftest import (
    FLAGS,
    PATIENCE_MS,
    ROOT,
    App,
    chromium,
    serving,
)
from tests.browser.nginx import NAME, Proxy
from tests.ports import free_port

pytestmark = pytest.mark.browser

PATIENCE_S = PATIENCE_MS / 1000
EVIL = "evil.example"
_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Behind:
    """The app, and the proxy in front of it."""

    app: App
    proxy: Proxy
    status_without_app: int

    @property
    def way_in(self) -> str:
        return f"/?token={self.app.token}"

    @property
    def cookie(self) -> str:
        return "=".join(self.app.cookie)


@pytest.fixture(scope="module")
def behind(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    nginx.binary()
    chromium()
    folder, port, app_port = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    with nginx.running(folder, port, app_port) as proxy:
        early = ask(proxy, "/?token=while-the-app-is-down")
        with serving(
            home, folder / "app.txt", folder, port=app_port, LETHE_PUBLIC_ADDRESS=proxy.address
        ) as app:
            yield Behind(app, proxy, early.status)


def secured(proxy: Proxy, name: str = NAME) -> ssl.SSLSocket:
    """A connection that trusts the proxy's certificate alone."""
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S)
    return context.wrap_socket(plain, server_hostname=name)


def ask(
    proxy: Proxy, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> http.client.HTTPResponse:
    """The answer to a request for whatever host the headers say; its body is in `content`."""
    connection = http.client.HTTPConnection(NAME)
    connection.sock = secured(proxy)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": proxy.host, **(headers or {})}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.content = answer.read()
    connection.close()
    return answer


@pytest.fixture
def page(behind: Behind) -> Iterator[Page]:
    """A browser for which the name leads to this machine, and no other name anywhere."""
    flags = [*FLAGS, f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP * ~NOTFOUND"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=flags)
        opened = browser.new_context(ignore_https_errors=True).new_page()
        opened.set_default_timeout(PATIENCE_MS)
        yield opened
        browser.close()


def test_the_first_page_comes_up_over_tls_and_stays_connected(behind: Behind, page: Page):
    sockets, requests, errors = [], [], []
    page.on("websocket", lambda one: sockets.append(one.url))
    page.on("request", lambda one: requests.append(one.url))
    page.on("pageerror", lambda one: errors.append(str(one)))

    page.goto(f"{behind.proxy.address}{behind.way_in}")

    expect(page.get_by_text("Try it with sample pictures").first).to_be_visible()
    stream = f"wss://{NAME}:{behind.proxy.port}/_stcore/stream"
    assert sockets
    assert {url.partition("?")[0] for url in sockets} == {stream}
    inside = (f"{behind.proxy.address}/", "data:", "blob:")
    assert [url for url in requests if not url.startswith(inside)] == []
    assert errors == []
    assert "token" not in page.url
    (cookie,) = [one for one in page.context.cookies() if one["name"] == behind.app.cookie[0]]
    assert cookie["secure"]
    assert cookie["httpOnly"]


def test_a_picture_is_uploaded_and_nginx_writes_nothing_of_it_to_a_file(
    behind: Behind, page: Page, tmp_path: Path
):
    """nginx has no folder for temporary files here, so what it put into one would fail."""
    noise = np.random.default_rng(1).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    assert (tmp_path / "noise.png").stat().st_size > 4 * _MEBIBYTE
    page.goto(f"{behind.proxy.address}{behind.way_in}")
    expect(page.get_by_text("Try it with sample pictures").first).to_be_visible()
    page.goto(f"{behind.proxy.address}/Upload")

    page.locator("input[type=file]").first.set_input_files(tmp_path / "noise.png")

    expect(page.get_by_role("button", name="Start with")).to_be_visible()


def test_an_answer_to_a_slow_reader_is_written_to_no_file_either(behind: Behind):
    static = Path(streamlit.__file__).parent / "static"
    largest = max(static.rglob("*.js"), key=lambda path: path.stat().st_size)
    path = f"/static/{largest.relative_to(static / 'static').as_posix()}"
    size = largest.stat().st_size
    assert size > _MEBIBYTE
    with secured(behind.proxy) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        words = f"GET {path} HTTP/1.1\r\nHost: {behind.proxy.host}\r\nCookie: {behind.cookie}\r\n"
        slow.sendall(f"{words}Connection: close\r\n\r\n".encode())
        time.sleep(2)
        received = b"".join(iter(lambda: slow.recv(65_536), b""))

    assert received.startswith(b"HTTP/1.1 200")
    assert len(received) > size


@pytest.mark.parametrize(("path", "has_token"), [("/", True), ("/", False), ("/media/x.jpg", True)])
def test_every_answer_has_the_headers_of_security_once(behind: Behind, path: str, has_token: bool):
    answer = ask(behind.proxy, path, {"Cookie": behind.cookie} if has_token else {})

    for name, value in {
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Server": "nginx",
    }.items():
        assert answer.headers.get_all(name) == [value], name
    (policy,) = answer.headers.get_all("Content-Security-Policy")
    assert "frame-ancestors 'none'" in policy


def test_nothing_opens_without_the_token(behind: Behind):
    assert ask(behind.proxy, "/").status == 403
    assert ask(behind.proxy, "/_stcore/health").status == 403


def test_another_host_is_refused_by_nginx_and_by_the_app(behind: Behind):
    headers = {"Host": EVIL, "Cookie": behind.cookie}

    assert ask(behind.proxy, "/", headers).status == 421
    with pytest.raises(ssl.SSLError, match="unrecognized"):
        secured(behind.proxy, EVIL)
    direct = http.client.HTTPConnection("127.0.0.1", behind.app.port, timeout=PATIENCE_S)
    direct.request("GET", "/", headers=headers)
    assert direct.getresponse().status == 403
    direct.close()


@pytest.mark.parametrize("origin", [f"https://{EVIL}", f"http://{NAME}", f"https://{NAME}:1"])
def test_a_page_of_another_origin_is_refused(behind: Behind, origin: str):
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    headers = {"Cookie": behind.cookie, "Origin": origin}

    assert ask(behind.proxy, "/", headers).status == 403
    assert ask(behind.proxy, "/_stcore/stream", {**headers, **upgrade}).status == 403
    mine = {**headers, **upgrade, "Origin": behind.proxy.address}
    assert open_stream(behind, mine) == 101


def open_stream(behind: Behind, headers: Mapping[str, str]) -> int:
    """The status that a WebSocket begins with."""
    with secured(behind.proxy) as connection:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(
            f"GET /_stcore/stream HTTP/1.1\r\nHost: {behind.proxy.host}\r\n{lines}\r\n".encode()
        )
        return int(connection.recv(65_536).split()[1])


def test_nginx_takes_what_the_app_takes_and_no_more(behind: Behind):
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    largest = config["server"]["maxUploadSize"] * _MEBIBYTE
    path = "/_stcore/upload_file/session/file"

    # refused by the app, for want of a token, before a byte of it has come
    within = ask(behind.proxy, path, {"Content-Length": str(largest + _MEBIBYTE)}, "PUT")
    above = ask(behind.proxy, path, {"Content-Length": str(largest + 17 * _MEBIBYTE)}, "PUT")

    assert (within.status, above.status) == (403, 413)


def test_nothing_answers_without_tls(behind: Behind):
    plain = http.client.HTTPConnection("127.0.0.1", behind.proxy.port, timeout=PATIENCE_S)
    plain.request("GET", behind.way_in, headers={"Host": behind.proxy.host})
    assert plain.getresponse().status == 400
    plain.close()


def test_no_log_of_nginx_holds_the_token(behind: Behind):
    """Not even where the app was down, which nginx calls an error and quotes the address of."""
    ask(behind.proxy, behind.way_in)

    assert behind.status_without_app == 502
    assert "token" not in behind.proxy.logs()
