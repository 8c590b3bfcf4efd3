"""Thumbnails of releases, which alone are ever cached this way: never of originals."""

from __future__ import annotations

from pathlib import Path

import cv2
import streamlit as st

from components.review.viewport import THUMBNAIL_PX, thumbnail_jpeg


@st.cache_data(max_entries=500, show_spinner=False)
def thumbnail(path: str, sha256: str, longest_px: int = THUMBNAIL_PX) -> bytes | None:
    """A small JPEG of a release; None where its file is gone or is no picture.

    Args:
        path: of the file.
        sha256: of its content, so that another file in its place is looked at anew.
        longest_px: of the JPEG's longer side.
    """
    del sha256
    try:
        return thumbnail_jpeg(Path(path).read_bytes(), longest_px)
    except (OSError, TypeError, cv2.error):  # TypeError: OpenCV gave no picture
        return None


def clear(_: str = "") -> None:
    """Let go of all of them: a picture ended, or its release is withdrawn."""
    thumbnail.clear()
