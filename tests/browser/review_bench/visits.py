"""What one look at one picture cost, and many of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from engine.evaluation.scores.cost import Histogram

KEY_S, POINT_S, BUTTON_S, THINK_S = 0.28, 1.1, 0.1, 1.35
"""Operators of the keystroke-level model (Card, Moran and Newell 1980): a key of a person who is no
typist, moving the mouse to a place, pressing or releasing its button, and thinking."""
GROUPS = (("0", 0, 0), ("1-2", 1, 2), ("3-5", 3, 5), ("6-10", 6, 10), ("over 10", 11, None))
"""Names and bounds of the numbers of boxes that figures are told by."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One picture on the table, from its first sight to the next."""

    source: str
    boxes: int
    """As shown at first."""
    unsure: int
    dropped: int
    drawn: int
    keys: int
    drags: int
    """Boxes drawn and views moved with the mouse."""
    asked: int
    """Questions that had to be answered, for instance whether so much shall go."""
    key_ms: tuple[float, ...]
    """From each key to the second frame painted after it."""
    next_ms: float | None
    """From the last key to the next picture on the screen; None where none came."""
    is_again: bool
    """The picture had been accepted, and came back."""
    asked_ms: tuple[float, ...] = ()
    """From each accepting key to the question it was answered with."""

    @property
    def app_s(self) -> float:
        """Seconds that the app took in all."""
        return (sum(self.key_ms) + sum(self.asked_ms) + (self.next_ms or 0.0)) / 1000

    @property
    def modelled_s(self) -> float:
        """Seconds of a practised person by the keystroke-level model, the app's own included.

        One thought for the picture, one for each box that is shown or drawn.
        """
        thoughts = 1 + self.boxes + self.drawn
        drag = 2 * (POINT_S + BUTTON_S)
        return KEY_S * self.keys + drag * self.drags + THINK_S * thoughts + self.app_s

    def to_json(self) -> dict[str, object]:
        """Plain values; nothing that names the picture."""
        times = [round(one, 1) for one in self.key_ms]
        ends = None if self.next_ms is None else round(self.next_ms, 1)
        asked = [round(one, 1) for one in self.asked_ms]
        return asdict(self) | {"key_ms": times, "next_ms": ends, "asked_ms": asked}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the whole run came to."""

    pictures: int
    asked: int
    """Pictures that went to a person at least once."""
    visits: tuple[Visit, ...]
    released: int
    quarantined: int
    labels: int
    """That count, in released pictures."""
    uncovered_reviewed: int
    """Of them, more visible than may be in the release, in pictures that a person saw."""
    uncovered_unasked: int
    """The same in pictures that nobody was asked about."""


def spread(values: Iterable[float]) -> tuple[float, float, float] | None:
    """Median, 90th percentile and worst, each one that occurs; None of nothing."""
    many = Histogram.of(values)  # type: ignore[arg-type]
    found = [many.at(share) for share in (0.5, 0.9, 1.0)]
    return None if found[0] is None else tuple(found)  # type: ignore[return-value]


def grouped(visits: Sequence[Visit]) -> list[tuple[str, list[Visit]]]:
    """First looks by the number of boxes that were shown."""

    def holds(least: int, most: int | None) -> Callable[[Visit], bool]:
        return lambda one: least <= one.boxes and (most is None or one.boxes <= most)

    return [(name, list(filter(holds(least, most), visits))) for name, least, most in GROUPS]
