"""Response headers: what browsers may do with what the app answers.

Everything a page loads comes from the app itself, so that nothing a file or a data set says can
make a browser call elsewhere. Streamlit writes styles inline and compiles chart code, hence the two
`unsafe` words; of scripts in a page the ones that Streamlit ships run, by their digests, and no
other. Nothing is kept in a cache but the code of Streamlit and its components.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders

_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_POLICY = (
    "default-src 'self'; script-src 'self' {scripts} 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; media-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)
_STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
"""A year; of the app's own host name and what lies below it."""
_SIGN_OUT = "/auth/logout"
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_COMPONENT = ("/component/", "/_stcore/bidi-components/")
"""Code of installed components: pages of the app frame it."""
_CODE = ("/static/", *_COMPONENT)


def secure(headers: MutableHeaders, path: str, *, is_https: bool = False) -> None:
    """Set the headers of an answer.

    Args:
        headers: changed in place.
        path: what was asked for.
        is_https: cookies, and all the host name serves, are then for TLS alone; Streamlit does
            not say so of its own.
    """
    if is_https:
        headers["Strict-Transport-Security"] = _STRICT_TRANSPORT
        cookies = headers.getlist("set-cookie")
        del headers["set-cookie"]
        for cookie in cookies:
            is_marked = "; secure" in cookie.lower()
            headers.append("set-cookie", cookie if is_marked else f"{cookie}; Secure")
    headers.update(_FIXED)
    is_component = path.startswith(_COMPONENT)
    headers["Content-Security-Policy"] = _POLICY.format(
        scripts="'unsafe-inline'" if is_component else _SCRIPTS,  # in a frame of their own
        ancestors="'self'" if is_component else "'none'",
    )
    if path == _SIGN_OUT:
        headers["Clear-Site-Data"] = '"cache", "storage"'
    if not path.startswith(_CODE):
        headers["Cache-Control"] = "no-store"


def _digests(page: bytes) -> str:
    """Scripts that stand in a page, as the policy allows them."""
    found = (hashlib.sha256(script).digest() for script in _INLINE.findall(page))
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in found)


_SCRIPTS = _digests((Path(streamlit.__file__).parent / "static" / "index.html").read_bytes())
