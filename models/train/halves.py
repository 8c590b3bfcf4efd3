"""Two halves of the calibration pictures: A fits, B chooses thresholds and tells how good it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, TypeAlias

from engine.evaluation.labels import LabelledPicture

Half: TypeAlias = Literal["A", "B"]

_SEED = "lethe-calibration"


def half_of(group: str) -> Half:
    """The half a group belongs to: a fixed coin, so that no group is ever split."""
    digest = hashlib.sha256(f"{_SEED}:{group}".encode()).digest()
    return "A" if digest[0] % 2 == 0 else "B"


def half(pictures: Iterable[LabelledPicture], wanted: Half) -> tuple[LabelledPicture, ...]:
    """The pictures of one half; one without a group is a group of its own."""
    return tuple(one for one in pictures if half_of(one.group or one.name) == wanted)
