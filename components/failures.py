"""Expected failures, shown as the sentence they carry; everything else is for the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from components.palette import plain
from engine.errors import LetheError


@contextmanager
def shown() -> Iterator[None]:
    """Show a `LetheError` raised inside as a sentence and go on after the block."""
    try:
        yield
    except LetheError as error:
        st.error(plain(str(error)), icon=":material/error:")


@contextmanager
def fatal() -> Iterator[None]:
    """Show a `LetheError` raised inside as a sentence and end the page there."""
    try:
        yield
    except LetheError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.stop()
