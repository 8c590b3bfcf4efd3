"""Categories of regions: what detectors are asked for, and what reviewers draw."""

from __future__ import annotations

from enum import StrEnum


class Category(StrEnum):
    """The kinds of region; `OTHER` is drawn by reviewers only and never detected."""

    FACE = "face"
    TATTOO = "tattoo"
    JEWELRY = "jewelry"
    OTHER = "other"


DETECTABLE = (Category.FACE, Category.TATTOO, Category.JEWELRY)
"""The categories a detector can be asked for, in the order they are always shown."""
