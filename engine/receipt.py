"""The internal record of one release: what was removed, by which policy, which checks passed.

It stays inside, without pixels and file names; a certificate is what goes out with a release.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from engine.category import Category
from engine.coverage import share_removed
from engine.geometry import Size
from engine.images import Leakage
from engine.plan import Region


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who settled a plan."""

    reviewer: str | None = None
    """None when no person was asked."""
    second_reviewer: str | None = None
    """Who decided too, without seeing what `reviewer` had decided; None when nobody was asked."""
    is_authenticated: bool | None = None
    """Of a decision from a file: whether somebody whose key is known signed it; else None."""


UNATTENDED: Final = SignOff()
"""Of a plan that no person was asked about."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """How one picture became one release."""

    release: str
    """Random id, the released file's name without extension."""
    image_id: str
    format: Literal["png", "jpeg"]
    size: Size
    regions: tuple[Region, ...]
    """Each with the rectangle of upright pixels that was removed."""
    not_looked_for: tuple[Category, ...]
    sign_off: SignOff
    policy: str
    weights: tuple[str, ...]
    """`name@sha256[:8]` of every model that took part."""
    checks: Mapping[str, bool]
    leakage: Leakage
    seconds: Mapping[str, float]
    """Wall-clock seconds by stage."""
    release_checked: Mapping[Category, bool] = field(default_factory=dict)
    """The categories that the release check covered (T7); True where it took no part in finding."""

    @property
    def share_removed(self) -> float:
        """Share of the picture under what was removed, 0..1."""
        return share_removed((region.rect for region in self.regions), self.size)

    def to_json(self) -> dict[str, Any]:
        """One JSON line: plain keys, no scores."""
        return {
            "release": self.release,
            "picture": self.image_id,
            "format": self.format,
            "size": list(self.size),
            "regions": region_lines(self.regions, scores=False),
            "share_removed": round(self.share_removed, 4),
            "not_looked_for": [category.value for category in self.not_looked_for],
            "reviewer": self.sign_off.reviewer,
            "second_reviewer": self.sign_off.second_reviewer,
            "reviewer_authenticated": self.sign_off.is_authenticated,
            "policy": self.policy,
            "weights": list(self.weights),
            "checks": dict(self.checks),
            "witnesses": {
                category.value: is_independent
                for category, is_independent in self.release_checked.items()
            },
            "codec_residual": self.leakage.value,
            "seconds": {stage: round(value, 4) for stage, value in self.seconds.items()},
        }


def region_lines(regions: Iterable[Region], *, scores: bool) -> list[dict[str, Any]]:
    """Regions as plain values, each with the rectangle that removal covers for it.

    Raises:
        ValueError: a region has no rectangle.
    """
    lines = [region.to_json() | {"masked": list(region.rect)} for region in regions]
    if not scores:
        for line in lines:
            del line["score"]
    return lines
