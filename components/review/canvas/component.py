"""Mount the review canvas: Streamlit's components v2, from the files in this folder.

There is no build: the files are joined in the order of `_SCRIPTS` to one module, and each is plain
JavaScript without imports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from components.app import session

KEY = "review_canvas"
_SCRIPTS = (
    "elements",
    "boxes",
    "view",
    "stage",
    "list",
    "tools",
    "queue",
    "dialogs",
    "link",
    "keys",
    "review",
)


def mount(data: Mapping[str, Any], on_message: Callable[[], None]) -> None:
    """Show the canvas, or hand the one that is shown new data.

    Args:
        data: see `components.review.data`.
        on_message: called, before the page runs, when the browser sent something; see `sent`.
    """
    _component()(key=KEY, data=dict(data), on_message_change=on_message)


def sent() -> object:
    """The newest message of the browser, which nobody vouches for; None before the first."""
    state = session.widget_value(KEY)
    return None if state is None else state.get("message")


def script() -> str:
    """The module as browsers get it."""
    return "\n".join(_read(f"{name}.js") for name in _SCRIPTS)


@cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component("lethe.review", css=_read("review.css"), js=script())


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
