"""Which Host and Origin headers a request may carry."""

from __future__ import annotations

import pytest

from components.server.origins import UnusableAddress, read_origins

PUBLIC = "https://lethe.example.org"


@pytest.mark.parametrize(
    ("host", "origin", "is_allowed"),
    [
        ("127.0.0.1:8501", None, True),
        ("127.0.0.1:8501", "http://127.0.0.1:8501", True),
        ("localhost:8501", "http://localhost:8501", True),
        ("[::1]:8501", "http://[::1]:8501", True),
        ("localhost:9000", "http://localhost:9000", True),  # the near end of a tunnel
        ("localhost", "http://localhost:80", True),
        ("", None, False),
        ("evil.example:8501", None, False),
        ("evil.example:8501", "http://evil.example:8501", False),  # DNS rebinding
        ("127.0.0.1.evil.example", None, False),
        ("127.0.0.1:8501@evil.example", None, False),
        ("evil.example@127.0.0.1:8501", None, False),
        ("127.0.0.1:8501/x", None, False),
        ("127.0.0.1:port", None, False),
        ("127.0.0.1:8501", "http://evil.example", False),
        ("127.0.0.1:8501", "http://localhost:8501", False),
        ("127.0.0.1:8501", "http://127.0.0.1:9999", False),  # another user's port
        ("127.0.0.1:8501", "https://127.0.0.1:8501", False),
        ("127.0.0.1:8501", "null", False),
        ("127.0.0.1:8501", "", False),
        ("lethe.example.org", "https://lethe.example.org", False),
    ],
)
def test_without_a_proxy_only_loopback_names_and_their_own_pages_may_ask(host, origin, is_allowed):
    assert read_origins(None).allow(host, origin) is is_allowed


@pytest.mark.parametrize(
    ("host", "origin", "is_allowed"),
    [
        ("lethe.example.org", None, True),
        ("lethe.example.org", "https://lethe.example.org", True),
        ("lethe.example.org:443", "https://lethe.example.org:443", True),
        ("lethe.example.org:443", "https://lethe.example.org", False),  # Streamlit refuses it too
        ("127.0.0.1:8501", "http://127.0.0.1:8501", True),
        ("lethe.example.org", "http://lethe.example.org", False),
        ("lethe.example.org", "https://lethe.example.org:8443", False),
        ("www.lethe.example.org", None, False),
        ("127.0.0.1:8501", "https://lethe.example.org", False),
    ],
)
def test_behind_a_proxy_its_own_origin_may_ask_too(host, origin, is_allowed):
    assert read_origins(PUBLIC).allow(host, origin) is is_allowed


def test_a_port_that_a_proxy_took_from_the_host_is_missed_before_streamlit_asks_outside():
    origins = read_origins(f"{PUBLIC}:8443")

    assert origins.allow("lethe.example.org:8443", f"{PUBLIC}:8443")
    assert not origins.allow("lethe.example.org", f"{PUBLIC}:8443")


@pytest.mark.parametrize(
    "address",
    ["lethe.example.org", "ftp://lethe.example.org", "https://", "https://a.example/lethe", "*"],
)
def test_a_public_address_that_is_none_is_refused_with_the_form_to_write(address):
    with pytest.raises(UnusableAddress, match=r"https://lethe\.example\.org"):
        read_origins(address)


def test_cookies_are_for_https_alone_where_the_proxy_speaks_it():
    assert read_origins(PUBLIC).is_https
    assert not read_origins("http://lethe.example.org").is_https
    assert not read_origins(None).is_https
