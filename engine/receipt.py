"""The internal record of one release: what was removed, by which policy, which checks passed.

It stays inside, without pixels and file names; a certificate is what goes out with a release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.category import Category
from engine.coverage import share_removed
from engine.geometry import PixelRect, Size
from engine.images import Leakage
from engine.plan import Region


@dataclass(frozen=True, slots=True)
class Receipt:
    """How one picture became one release."""

    release: str
    """Random id, the released file's name without extension."""
    image_id: str
    format: Literal["png", "jpeg"]
    size: Size
    regions: tuple[Region, ...]
    masked: tuple[PixelRect, ...]
    """For each region the rectangle of upright pixels that was removed."""
    not_looked_for: tuple[Category, ...]
    reviewer: str | None
    """Who settled the plan; None when no person was asked."""
    policy: str
    weights: tuple[str, ...]
    """`name@sha256[:8]` of every model that looked."""
    checks: Mapping[str, bool]
    leakage: Leakage
    seconds: Mapping[str, float]
    """Wall-clock seconds by stage."""
    release_checked: Mapping[Category, bool] = field(default_factory=dict)
    """The categories for which a witness looked at the release (check T7); True where it took no
    part in finding."""

    @property
    def share_removed(self) -> float:
        """Share of the picture under what was removed, 0..1."""
        return share_removed(self.masked, self.size)

    def to_json(self) -> dict[str, Any]:
        """One JSON line: plain keys, no scores."""
        return {
            "release": self.release,
            "picture": self.image_id,
            "format": self.format,
            "size": list(self.size),
            "regions": region_lines(self.regions, self.masked, scores=False),
            "share_removed": round(self.share_removed, 4),
            "not_looked_for": [category.value for category in self.not_looked_for],
            "reviewer": self.reviewer,
            "policy": self.policy,
            "weights": list(self.weights),
            "checks": dict(self.checks),
            "witnesses": {one.value: is_apart for one, is_apart in self.release_checked.items()},
            "codec_residual": self.leakage.value,
            "seconds": {stage: round(value, 4) for stage, value in self.seconds.items()},
        }


def region_lines(
    regions: tuple[Region, ...], masked: tuple[PixelRect, ...], *, scores: bool
) -> list[dict[str, Any]]:
    """Regions as plain values, each with the rectangle that removal covers for it.

    Raises:
        ValueError: not one rectangle per region.
    """
    lines = []
    for region, rect in zip(regions, masked, strict=True):
        line = region.to_json()
        if not scores:
            del line["score"]
        lines.append({**line, "masked": list(rect)})
    return lines
