"""Binomial proportions that add, with exact and Wilson confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betaincinv, ndtri

CONFIDENCE = 0.95
"""Of every bound, one-sided, unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """Successes of trials. Shards of a data set add with `+`."""

    found: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.found <= self.total:
            raise ValueError(f"expected 0 <= found <= total, got {self.found} of {self.total}")

    def __add__(self, other: Proportion) -> Proportion:
        return Proportion(self.found + other.found, self.total + other.total)

    @property
    def share(self) -> float | None:
        """Found by total; None of nothing."""
        return self.found / self.total if self.total else None

    def lower(self, confidence: float = CONFIDENCE) -> float | None:
        """One-sided exact lower bound of the share (Clopper and Pearson 1934); None of nothing.

        The p at which `found` or more of `total` has probability 1 - confidence: the quantile
        1 - confidence of Beta(found, total - found + 1).
        """
        if not self.total:
            return None
        if self.found == 0:
            return 0.0
        return float(betaincinv(self.found, self.total - self.found + 1, 1 - confidence))

    def upper(self, confidence: float = CONFIDENCE) -> float | None:
        """One-sided exact upper bound of the share (Clopper and Pearson 1934); None of nothing."""
        if not self.total:
            return None
        if self.found == self.total:
            return 1.0
        return float(betaincinv(self.found + 1, self.total - self.found, confidence))

    def wilson(self, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
        """Two-sided score interval (Wilson 1927), for bars in charts; None of nothing."""
        if not self.total:
            return None
        n, p = self.total, self.found / self.total
        z = float(ndtri((1 + confidence) / 2))
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(middle - half, 0.0), min(middle + half, 1.0)


NONE = Proportion()
"""Nothing counted yet."""


def more_to_prove(proportion: Proportion, target: float, *, limit: int = 1_000_000) -> int | None:
    """Further successes that lift the lower bound to `target`; None beyond `limit`.

    Args:
        proportion: what was counted so far.
        target: the share to prove, below 1.
        limit: where the search ends.
    """
    if not 0.0 <= target < 1.0:
        raise ValueError(f"target must lie in 0..1, below 1, got {target}")

    def is_proven(more: int) -> bool:
        bound = Proportion(proportion.found + more, proportion.total + more).lower()
        return bound is not None and bound >= target

    if not is_proven(limit):
        return None
    low, high = -1, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_proven(middle) else (middle, high)
    return high
