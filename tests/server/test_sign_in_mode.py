"""Starting with accounts: what is refused before there is a socket, and what cookies carry."""

from __future__ import annotations

import pytest
from starlette.datastructures import MutableHeaders

from components.server import __main__ as launcher
from components.server.headers import secure
from engine.cli.exits import Exit
from tests.app.test_accounts import ACCESS, AUTH, written

PUBLIC = {"LETHE_AUTH": "oidc", "LETHE_PUBLIC_ADDRESS": "https://lethe.example.org"}


@pytest.fixture
def served(monkeypatch):
    """What would be served."""
    from components.server import serving

    calls = []
    monkeypatch.setattr(serving, "serve", lambda given, announce: calls.append(given))
    return calls


@pytest.mark.parametrize(
    ("text", "environment", "says"),
    [
        (AUTH + ACCESS, {"LETHE_AUTH": "none"}, "single or oidc"),
        ("", {"LETHE_AUTH": "oidc"}, "auth: Field required"),
        (AUTH + ACCESS, {"LETHE_AUTH": "oidc"}, "which is no address of this app"),
        (
            AUTH.replace("https://lethe.example.org", "http://127.0.0.1:8501") + ACCESS,
            PUBLIC,
            "which is no address of this app",
        ),
        (
            AUTH + ACCESS,
            {"LETHE_AUTH": "oidc", "LETHE_PUBLIC_ADDRESS": "https://other.example.org"},
            "which is no address of this app",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_served(
    tmp_path, monkeypatch, capsys, served, text, environment, says
):
    monkeypatch.setenv("LETHE_HOME", str(written(tmp_path, text)))

    assert launcher.main([], environment) == Exit.USAGE
    assert says in capsys.readouterr().err
    assert served == []


def test_with_accounts_there_is_no_token_and_the_address_is_where_people_come_back_to(
    tmp_path, monkeypatch, served
):
    monkeypatch.setenv("LETHE_HOME", str(written(tmp_path, AUTH + ACCESS)))

    assert launcher.main([], {**PUBLIC, "LETHE_TOKEN": "x" * 32}) == Exit.DONE

    (serving,) = served
    assert serving.token is None
    assert serving.url == "https://lethe.example.org/"


def test_what_people_signed_out_of_is_read_before_anything_is_served(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LETHE_HOME", str(written(tmp_path, AUTH + ACCESS)))
    (tmp_path / "signed-out.json").write_text("damaged")

    assert launcher.main([], PUBLIC) == Exit.USAGE

    assert "nobody knows who signed out" in capsys.readouterr().err


def test_without_accounts_a_token_is_drawn_and_the_sign_in_file_is_not_read(
    tmp_path, monkeypatch, served
):
    monkeypatch.setenv("LETHE_HOME", str(written(tmp_path, "rubbish")))

    assert launcher.main([], {}) == Exit.DONE

    (serving,) = served
    assert serving.sign_in is None
    assert serving.token


@pytest.mark.parametrize("is_https", [True, False])
def test_cookies_are_for_tls_alone_where_there_is_tls(is_https):
    headers = MutableHeaders()
    headers.append("set-cookie", "a=1; Path=/; HttpOnly")
    headers.append("set-cookie", "b=2; Secure")

    secure(headers, "/", is_https=is_https)

    marked = ["; secure" in cookie.lower() for cookie in headers.getlist("set-cookie")]
    assert marked == [is_https, True]


@pytest.mark.parametrize("is_https", [True, False])
def test_browsers_are_told_to_keep_to_tls_where_there_is_tls(is_https):
    headers = MutableHeaders()

    secure(headers, "/", is_https=is_https)

    told = headers.get("strict-transport-security")
    assert told == ("max-age=31536000; includeSubDomains" if is_https else None)


def test_signing_out_clears_what_the_browser_keeps():
    out, other = MutableHeaders(), MutableHeaders()

    secure(out, "/auth/logout")
    secure(other, "/auth/login")

    assert out["clear-site-data"] == '"cache", "storage"'
    assert "clear-site-data" not in other
