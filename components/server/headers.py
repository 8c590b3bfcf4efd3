"""Response headers: what browsers may do with what the app answers.

Everything a page loads comes from the app itself, so that nothing a file or a data set says can
make a browser call elsewhere. Streamlit writes styles and compiles chart code inline, hence the two
`unsafe` words. Nothing is kept in a cache but the code of Streamlit and its components.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; media-src 'self' data: blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors {}"
)
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
        is_https: cookies are then for TLS alone; Streamlit does not say so of its own.
    """
    if is_https:
        cookies = headers.getlist("set-cookie")
        del headers["set-cookie"]
        for cookie in cookies:
            is_marked = "; secure" in cookie.lower()
            headers.append("set-cookie", cookie if is_marked else f"{cookie}; Secure")
    headers.update(_FIXED)
    ancestors = "'self'" if path.startswith(_COMPONENT) else "'none'"
    headers["Content-Security-Policy"] = _POLICY.format(ancestors)
    if not path.startswith(_CODE):
        headers["Cache-Control"] = "no-store"
