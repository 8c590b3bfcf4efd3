"""Two halves of the calibration pictures: A to stop training and to fit, B to choose thresholds.

Written down as a rule rather than a list, so that nobody has to keep a list and a group is never
split.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from engine.evaluation.labels import LabelledPicture

_PREFIX = "lethe-calibration"


def half_of(group: str) -> Literal["A", "B"]:
    """The half of a group: by the parity of the first byte of SHA-256 of prefix and name."""
    digest = hashlib.sha256(f"{_PREFIX}{group}".encode()).digest()
    return "B" if digest[0] % 2 else "A"


def half_of_picture(picture: LabelledPicture) -> Literal["A", "B"]:
    """The half of a picture's group; pictures without a group go by their name."""
    return half_of(picture.group or picture.name)
