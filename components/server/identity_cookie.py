"""Identity cookie: who asks, by the cookie that Streamlit sets and signs when somebody signed in.

Pages ask `components.app.session`, which Streamlit tells; media, uploads and components are no
pages, and Streamlit answers them to anybody. The names and signature of the cookie are inside
Streamlit, whose version is pinned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.requests import HTTPConnection
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from components.app import accounts, identity
from engine.errors import LetheError
from engine.files.home import home


def claims(request: HTTPConnection) -> Mapping[str, object]:
    """What the provider says of whoever asks; empty where it says nothing."""

    def signed(name: str) -> bytes | None:
        value = request.cookies.get(name)
        return decode_signed_value(get_cookie_secret(), name, value) if value else None

    content = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
    if content is None:
        return {}
    try:
        told = json.loads(content)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def is_signed_in(request: HTTPConnection) -> bool:
    """Whether somebody asks who has signed in, whose session runs, and who has a role."""
    try:
        access = accounts.read(home()).access
    except LetheError:
        return False
    return bool(identity.person(claims(request), access, datetime.now(UTC)).roles)
