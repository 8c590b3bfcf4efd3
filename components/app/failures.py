"""Expected failures and those of the disk, shown as a sentence; all else is for the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from components.app.palette import plain
from engine.errors import LetheError


@contextmanager
def shown() -> Iterator[None]:
    """Show a failure raised inside as a sentence and go on after the block."""
    try:
        yield
    except (LetheError, OSError) as error:
        st.error(plain(_sentence(error)), icon=":material/error:")


@contextmanager
def fatal() -> Iterator[None]:
    """Show a failure raised inside as a sentence and end the page there."""
    try:
        yield
    except (LetheError, OSError) as error:
        st.error(plain(_sentence(error)), icon=":material/error:")
        st.stop()


def _sentence(error: LetheError | OSError) -> str:
    """What the disk says is no sentence, and may hold a path."""
    if isinstance(error, LetheError):
        return str(error)
    return (
        f"A file or folder could not be used ({error.strerror or type(error).__name__}), so this "
        "was not done to the end. Mend the cause, by freeing room on the disk, say, and try again."
    )
