"""Allowed origins: which `Host` and `Origin` headers a request may carry.

A page of another site can make its own name point to this machine (DNS rebinding); the browser then
sends that name as `Host`. So names are listed, and an `Origin` must be the very place that the
request went to. Ports of loopback names are not looked at: a tunnel may end at another one. Behind
a proxy both must be written alike: where one has a port and the other none, Streamlit would ask a
service outside for this machine's address before it refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from engine.errors import LetheError

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class UnusableAddress(LetheError):
    """The app cannot be served at the address that was asked for."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Loopback names, and where a reverse proxy makes the app known, if one does."""

    public: SplitResult | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host name that a request may be for."""
        public = self.public.hostname if self.public else None
        return (*LOOPBACK_NAMES, public) if public else LOOPBACK_NAMES

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the app over TLS."""
        return self.public is not None and self.public.scheme == "https"

    def allow(self, host: str, origin: str | None) -> bool:
        """Whether a request with these two headers comes from a page of the app, or from no page.

        Args:
            host: empty where the header is missing.
            origin: None where the header is missing, as on a plain link.
        """
        target = _split(f"http://{host}")
        if target is None or target.path or target.hostname not in self.hosts:
            return False
        if origin is None:
            return True
        source = _split(origin)
        if source is None or source.hostname != target.hostname:
            return False
        if self.public is not None and source.hostname == self.public.hostname:
            is_public = (source.scheme, _port(source)) == (self.public.scheme, _port(self.public))
            return is_public and source.netloc == host
        return source.scheme == "http" and _port(source) == _port(target)


def read_origins(public: str | None) -> Origins:
    """The origins of an app that a reverse proxy serves at `public`; None without a proxy.

    Raises:
        UnusableAddress: it is no address of a site.
    """
    if not public:
        return Origins()
    parts = _split(public.rstrip("/"))
    if parts is None or parts.scheme not in _DEFAULT_PORTS or parts.path:
        raise UnusableAddress(
            f"The public address is {public!r}; write scheme and host, such as "
            "https://lethe.example.org."
        )
    return Origins(parts)


def _split(url: str) -> SplitResult | None:
    """The parts of `scheme://host[:port]`; None for anything that is not of this form."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    is_plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts if is_plain and "@" not in parts.netloc and parts.hostname else None


def _port(parts: SplitResult) -> int | None:
    return parts.port or _DEFAULT_PORTS.get(parts.scheme)
