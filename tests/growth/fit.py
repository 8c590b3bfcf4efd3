"""Exponents of growth: the slope of time over size, both as powers of ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FITTED = 3
"""Largest sizes that the exponent is fitted to: what each run takes anyway hides it below them."""
LINEAR = 1.1
"""Up to here growth is called linear: measurements of a busy machine scatter so far."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What one thing took at several sizes."""

    name: str
    unit: str
    """What sizes count."""
    points: tuple[tuple[float, float], ...]
    """Size and CPU seconds, the smallest size first."""

    @property
    def exponent(self) -> float:
        """1 where twice the size takes twice the time; 0 of what takes the same."""
        return slope([(math.log10(x), math.log10(max(y, 1e-6))) for x, y in self.points[-FITTED:]])

    @property
    def is_linear(self) -> bool:
        """Whether it grows with the size, or more slowly."""
        return self.exponent <= LINEAR


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the line through points with the least squares.

    Raises:
        ValueError: there are not two that differ in x.
    """
    mean_x = sum(x for x, _ in points) / max(len(points), 1)
    mean_y = sum(y for _, y in points) / max(len(points), 1)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        raise ValueError(f"expected points that differ in x, got {points}")
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
