"""What the running app answers to strangers: another site's page, another user, no token."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import socket
import subprocess

import pytest
from starlette import formparsers
from starlette.requests import Request
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from components.app import uploads
from components.server import serving
from components.server.origins import read_origins
from components.server.serving import Serving, serve, settings
from tests.ports import free_port
from tests.server.conftest import PATIENCE_S, command

ROUTES = (
    "/",
    "/Release",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/agent/openapi.json",
    "/_stcore/upload_file/session/file",
    "/media/0123456789abcdef.jpg",
    "/download/0123456789abcdef",
    "/component/streamlit_drawable_canvas.st_canvas/index.html",
    "/static/js/index.js",
    "/favicon.png",
    "/app/static/nothing",
)
FOREIGN = {
    "another host": {"Host": "evil.example"},
    "another host that says it asks itself": {
        "Host": "evil.example",
        "Origin": "http://evil.example",
    },
    "another origin": {"Origin": "http://evil.example"},
    "another port of this machine": {"Origin": "http://localhost:9999"},
    "a page of another site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "a page of another port": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "image"},
    "a frame in another site": {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "iframe",
    },
}


def stream(server, **headers):
    """A WebSocket to the app, as its pages open it."""
    origin = headers.pop("Origin", f"http://{server.host}")
    host = headers.pop("Host", server.host)
    return connect(
        f"ws://{host}/_stcore/stream",
        sock=_socket(server),
        origin=origin,
        additional_headers=headers,
        subprotocols=["streamlit"],
        open_timeout=PATIENCE_S,
    )


def _socket(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)


@pytest.mark.slow
@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE"])
def test_nothing_answers_without_the_token(server, path, method):
    answer = server.ask(path, method=method)

    assert answer.status == 403
    assert method == "HEAD" or "token" in answer.text


@pytest.mark.parametrize(
    "cookie",
    ["lethe_{port}=", "lethe_{port}=x", "lethe_{port}={token}x", "lethe={token}", "token={token}"],
)
def test_another_cookie_is_no_token(server, cookie):
    headers = {"Cookie": cookie.format(port=server.port, token=server.token)}

    assert server.ask("/media/x.jpg", headers).status == 403


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=list(FOREIGN))
@pytest.mark.parametrize("path", ["/", "/media/x.jpg", "/_stcore/health"])
def test_a_foreign_request_is_refused_even_with_the_token(server, headers, path):
    answer = server.ask(path, {**headers, "Cookie": server.cookie})

    assert answer.status == 403
    assert "another site" in answer.text


def test_a_link_on_another_site_may_open_the_app_and_do_nothing(server):
    link = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }

    assert server.ask("/", {**link, "Cookie": server.cookie}).status == 200
    for act in ("/auth/login", "/auth/logout"):  # it neither begins nor ends a session
        assert server.ask(act, {**link, "Cookie": server.cookie}).status == 403


def test_the_address_with_the_token_lets_a_browser_in_and_takes_the_token_out_of_it(server):
    answer = server.ask(f"/Release?token={server.token}&batch=1")

    assert answer.status == 303
    assert answer.headers["Location"] == "/Release?batch=1"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(server.cookie + ";")
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    assert server.ask("/Release", {"Cookie": cookie.split(";")[0]}).status == 200


@pytest.mark.parametrize("path", ["//evil.example/", "/%2F/evil.example", "/\\evil.example"])
def test_the_way_in_leads_nowhere_else(server, path):
    answer = server.ask(f"{path}?token={server.token}")

    assert not answer.headers.get("Location", "/").startswith(("//", "/\\", "http"))


def test_a_wrong_token_in_the_address_opens_nothing(server):
    answer = server.ask(f"/?token={server.token[:-1]}")

    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


def test_the_pages_own_connection_opens(server):
    with stream(server, Cookie=server.cookie) as opened:
        assert opened.subprotocol == "streamlit"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": None},
        {"Host": "evil.example", "Origin": "http://evil.example", "Cookie": "{cookie}"},
        {"Origin": "http://evil.example", "Cookie": "{cookie}"},
        {"Origin": "http://localhost:9999", "Cookie": "{cookie}"},
    ],
    ids=["no token", "no token, no page", "rebound name", "another site", "another port"],
)
def test_no_stranger_connects(server, headers):
    headers = {
        name: value and value.format(cookie=server.cookie) for name, value in headers.items()
    }

    with pytest.raises(InvalidStatus) as refused:
        stream(server, **headers)
    assert refused.value.response.status_code == 403


def test_a_foreign_origin_makes_the_app_call_nobody(server):
    """Streamlit would ask an outside service for this machine's address before it refuses."""
    with pytest.raises(InvalidStatus):
        stream(server, Origin="http://evil.example", Cookie=server.cookie)

    assert server.calls_outside() == []
    assert "external IP" not in server.log.read_text()


@pytest.mark.parametrize("path", ["/", "/media/x.jpg", "/_stcore/host-config", "/download/x"])
@pytest.mark.parametrize("has_token", [True, False])
def test_every_answer_tells_browsers_what_they_may_do(server, path, has_token):
    headers = server.ask(path, {"Cookie": server.cookie} if has_token else {}).headers

    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


def test_of_scripts_in_a_page_only_those_that_were_shipped_run(server):
    answer = server.ask("/", {"Cookie": server.cookie})
    rules = dict(
        rule.strip().partition(" ")[::2]
        for rule in answer.headers["Content-Security-Policy"].split(";")
    )

    (script,) = re.findall("<script>(.*?)</script>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in rules["script-src"]
    assert "'unsafe-inline'" not in rules["script-src"]
    assert (rules["object-src"], rules["base-uri"]) == ("'none'", "'none'")


@pytest.mark.parametrize("path", ["/", "/_stcore/host-config", "/media/x.jpg", "//nothing/"])
def test_every_answer_says_what_it_is(server, path):
    kind = server.ask(path, {"Cookie": server.cookie}).headers["Content-Type"]

    assert kind == "application/json" or kind.endswith("charset=utf-8"), kind


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/media/x.jpg"])
def test_nobody_is_told_what_they_sent(server, path):
    answer = server.ask(path, {"Cookie": server.cookie, "X-Secret": "told"}, method="TRACE")

    assert answer.status in {404, 405}
    assert "told" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["/static", "/static/js", "/component/streamlit_drawable_canvas.st_canvas/", "/media/",
     "/app/static", "/.git/config", "/requirements.txt", "/pages/1_Upload.py", "/static/../Home.py",
     "/static/%2e%2e/%2e%2e/Home.py"],
)  # fmt: skip
def test_no_folder_is_listed_and_no_file_of_the_program_is_served(server, path):
    answer = server.ask(path, {"Cookie": server.cookie})

    is_page = answer.status == 200 and "<title>Streamlit</title>" in answer.text
    assert is_page or answer.status in {400, 403, 404, 405}
    for inner in ("index.js", "[core]", "streamlit==", "open_page"):
        assert is_page or inner not in answer.text


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/static//evil.example/", "/\\evil.example/", "/evil.example//"]
)
def test_no_path_sends_a_browser_elsewhere(server, path):
    answer = server.ask(path, {"Cookie": server.cookie})

    assert re.match(r"/[^/\\]", answer.headers.get("Location", "/x"))


HIDDEN = "GET /hidden HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body", "answers"),
    [
        ("Content-Length: {length}\r\nTransfer-Encoding: chunked", "0\r\n\r\n{hidden}", 2),
        ("Content-Length: 5\r\nContent-Length: 6", "12345{hidden}", 1),
        ("Transfer-Encoding: chunked, identity", "0\r\n\r\n{hidden}", 1),
        ("Content-Length: {length}", "{hidden}", 1),
    ],
    ids=["both", "two lengths", "an unknown coding", "one within another's body"],
)
def test_a_request_ends_where_it_says_in_one_way(server, headers, body, answers):
    """Chunks overrule a length, and what contradicts itself is no request at all."""
    hidden = HIDDEN.format(host=server.host)
    body = body.format(hidden=hidden)
    head = f"POST /_stcore/health HTTP/1.1\r\nHost: {server.host}\r\n"
    text = f"{head}{headers.format(length=len(body))}\r\n\r\n{body}"

    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(text.encode())
        connection.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    assert said.count("HTTP/1.1 ") == answers, said


def test_a_download_link_that_is_none_is_refused_with_a_page(server):
    answer = server.ask("/download/x", {"Cookie": server.cookie})

    assert answer.status == 403
    assert "Nothing was downloaded" in answer.text


def test_only_the_apps_own_pages_frame_a_component(server):
    path = "/component/streamlit_drawable_canvas.st_canvas/index.html"

    policy = server.ask(path, {"Cookie": server.cookie}).headers["Content-Security-Policy"]

    assert "frame-ancestors 'self'" in policy


def test_no_other_site_may_send_the_pages_messages(server):
    answer = server.ask("/_stcore/host-config", {"Cookie": server.cookie})

    assert '"allowedOrigins":[]' in answer.text


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", ""])  # noqa: S104
def test_an_address_that_others_reach_is_refused_before_the_port_answers(address, tmp_path):
    how = command("--address", address, "--port", str(free_port()), LETHE_HOME=str(tmp_path))

    done = subprocess.run(**how, capture_output=True, text=True, timeout=PATIENCE_S)

    assert done.returncode == 2
    assert "on this machine only" in done.stderr
    assert not done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("token", ["short", "a" * 31, "a" * 40 + "&", "ä" * 40])
def test_a_token_that_can_be_guessed_is_refused(token, tmp_path):
    how = command(LETHE_TOKEN=token, LETHE_HOME=str(tmp_path))

    done = subprocess.run(**how, capture_output=True, text=True, timeout=PATIENCE_S)

    assert done.returncode == 2
    assert "LETHE_TOKEN" in done.stderr


def test_settings_in_the_environment_do_not_open_the_app(tmp_path):
    """Streamlit reads its own from there, and they overrule its file."""
    given = settings(Serving("127.0.0.1", 8501, read_origins("https://a.example"), "token"))

    assert given["server.address"] == "127.0.0.1"
    assert given["server.allowedHosts"] == ["127.0.0.1", "localhost", "::1", "a.example"]
    assert given["client.allowedOrigins"] == []
    assert given["client.showErrorDetails"] == "none"
    assert given["server.trustedUserHeaders"] == {}
    assert given["browser.gatherUsageStats"] is False


def test_an_upload_lies_sealed_on_the_disk_and_neither_in_plain_nor_in_memory(
    tmp_path, monkeypatch
):
    """Above a mebibyte Starlette would write it in plain, and wherever `TMPDIR` is."""
    content = b"synthetic " * (3 << 17)
    monkeypatch.setattr(formparsers, "SpooledTemporaryFile", None)
    monkeypatch.setattr(serving, "home", lambda: tmp_path)
    monkeypatch.setattr(serving.access, "stand_guard", lambda **_: None)
    monkeypatch.setattr(serving.sys, "argv", [])
    kept = []

    class App:
        def __init__(self, *_, **__):
            pass

        def run(self, **_):
            kept.append(asyncio.run(uploaded(content)))

    monkeypatch.setattr(serving.st, "App", App)

    serve(Serving("127.0.0.1", 8501, read_origins(""), "token"), lambda _: None)

    (data,) = kept
    given = UploadedFile(UploadedFileRec("1", "a.png", "", data), FileURLs())
    assert len(data) < 200
    assert uploads.content(given) == content
    (sealed,) = (tmp_path / "incoming").iterdir()
    assert b"synthetic" not in sealed.read_bytes()


async def uploaded(content):
    """What Streamlit is given of a form with a file, as its route reads it."""
    head = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\n'
    body = head + content + b"\r\n--x--\r\n"
    kind = (b"content-type", b"multipart/form-data; boundary=x")

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async with Request({"type": "http", "headers": [kind]}, receive).form() as form:
        return await form["a"].read()
