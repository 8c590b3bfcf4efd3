"""Pictures that are at no address: originals and what was made of them.

Streamlit serves what it is given as bytes at `/media/…`, to whoever asks with the app's cookie, and
for some time after its page was closed. A data URL travels over the session's own connection and
is gone with it.
"""

from __future__ import annotations

import base64

from engine.codec import signatures


def inline(picture: bytes) -> str:
    """A JPEG or PNG as the data URL that `st.image` takes in its place."""
    kind = "jpeg" if picture.startswith(signatures.JPEG) else "png"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"
