"""What the machine finds in a labelled picture, before any threshold decides.

These are facts that thresholds do not change, so recall under other thresholds can be computed
from them without looking again. They are found by the same line as in `pipeline.prepare`; a test
holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.geometry import PixelRect, Size
from engine.plan import Reason, Region

FLOOR = 0.01
"""Detections with a lower score are not kept, unless the policy itself asks about lower ones."""


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """One picture as the machine saw it under one policy."""

    size: Size
    """Upright."""
    stored_size: Size
    """Before the file's EXIF orientation is applied, which is how some label it."""
    orientation: int
    """EXIF, 1..8."""
    found: tuple[Region, ...]
    """Every detection down to `FLOOR`, each thing once, the surest first."""
    dropped: tuple[Region, ...]
    """Sightings above `review_at` that were taken for something else already found."""
    standing: tuple[Reason, ...]
    """Reasons for review that hold at any threshold."""
    weights: tuple[str, ...]
    """`name@sha256[:8]` of every model that looked."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the store."""
        return {
            "size": list(self.size),
            "stored_size": list(self.stored_size),
            "orientation": self.orientation,
            "found": [_masked_to_json(one) for one in self.found],
            "dropped": [_masked_to_json(one) for one in self.dropped],
            "standing": [str(reason) for reason in self.standing],
            "weights": list(self.weights),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PredictionRecord:
        """Undo `to_json`."""
        return cls(
            size=Size(*value["size"]),
            stored_size=Size(*value["stored_size"]),
            orientation=value["orientation"],
            found=tuple(_masked_from_json(one) for one in value["found"]),
            dropped=tuple(_masked_from_json(one) for one in value["dropped"]),
            standing=tuple(Reason.parse(reason) for reason in value["standing"]),
            weights=tuple(value["weights"]),
        )


def _masked_to_json(one: Region) -> dict[str, Any]:
    # `Region.to_json` rounds, and a score of 0.49996 must not come back above a threshold of 0.5
    exact = {"box": list(one.box.corners), "score": one.score}
    return one.to_json() | exact | {"masked": list(one.rect)}


def _masked_from_json(value: Mapping[str, Any]) -> Region:
    return Region.from_json(value).with_rect(PixelRect(*value["masked"]))
