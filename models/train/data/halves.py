"""Two halves of the calibration pictures: A to stop training and to fit, B to choose thresholds.

Written down as a rule rather than a list, so that nobody has to keep a list and a group is never
split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, TypeAlias

from engine.evaluation.data.labels import LabelledPicture

Half: TypeAlias = Literal["A", "B"]

_PREFIX = "lethe-calibration"


def half_of(group: str) -> Half:
    """The half of a group: by the parity of the first byte of SHA-256 of prefix and name."""
    digest = hashlib.sha256(f"{_PREFIX}{group}".encode()).digest()
    return "B" if digest[0] % 2 else "A"


def half(pictures: Iterable[LabelledPicture], wanted: Half) -> tuple[LabelledPicture, ...]:
    """The pictures of one half; those without a group go by their name."""
    return tuple(
        picture for picture in pictures if half_of(picture.group or picture.name) == wanted
    )
