"""Prediction records: the detections in a labelled picture before any threshold.

Thresholds do not change them, so recall under other thresholds is computed from them without
running the models again. They come from the same line as in `pipeline.prepare`; a test holds the
two together.
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
    """Detections of one picture under one policy."""

    size: Size
    """Upright."""
    stored_size: Size
    """Before the file's EXIF orientation is applied, which is how some label it."""
    orientation: int
    """EXIF, 1..8."""
    found: tuple[Region, ...]
    """Every detection down to `FLOOR`, after clustering, by score in descending order."""
    dropped: tuple[Region, ...]
    """Detections above `review_at` that were suppressed as duplicates of another."""
    standing: tuple[Reason, ...]
    """Reasons for review that hold at any threshold."""
    weights: tuple[str, ...]
    """`name@sha256[:8]` of every model that ran."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the store."""
        return {
            "size": list(self.size),
            "stored_size": list(self.stored_size),
            "orientation": self.orientation,
            "found": list(map(_region_to_json, self.found)),
            "dropped": list(map(_region_to_json, self.dropped)),
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
            found=tuple(map(_region_from_json, value["found"])),
            dropped=tuple(map(_region_from_json, value["dropped"])),
            standing=tuple(map(Reason.parse, value["standing"])),
            weights=tuple(value["weights"]),
        )


def _region_to_json(region: Region) -> dict[str, Any]:
    # `Region.to_json` rounds, and a score of 0.49996 must not come back above a threshold of 0.5
    exact = {"box": list(region.box.corners), "score": region.score, "masked": list(region.rect)}
    return region.to_json() | exact


def _region_from_json(value: Mapping[str, Any]) -> Region:
    return Region.from_json(value).with_rect(PixelRect(*value["masked"]))
