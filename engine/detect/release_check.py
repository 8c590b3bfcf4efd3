"""The witness: a detector that took no part in finding looks at the finished picture (check T7).

It is another network than the finders', trained from nothing, so that it does not overlook what
they overlook for the same reason. It can only object: what it sees goes to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.category import Category
from engine.detect.clusters import clusters_of
from engine.detect.nms import SAME_IOU
from engine.detect.views import ViewPlan
from engine.detect.weights import Weights
from engine.detect.yolo import Yolo
from engine.geometry import Box, PixelRect, Size
from engine.images import RedactedImage
from engine.plan import Detection, Origin, Region
from engine.policy import Policy

SCALES: Final = (480, 960)
"""Longer sides, in pixels, at which a release is looked at; upright alone."""
MASKED_SHARE: Final = 0.5
"""Share of a sighting under the mask from which it was made up by the fill, or is what was removed.
The outline of a head, which is not hidden, looks like one."""
DECIDED_SHARE: Final = 0.6
"""Share of a sighting that lies in what a person has decided, from which it is a part of that."""


class ReleaseCheck(Protocol):
    """Looks at releases."""

    @property
    def name(self) -> str:
        """`name@sha256[:8]`."""
        ...

    @property
    def categories(self) -> frozenset[Category]:
        """What it can tell."""
        ...

    @property
    def independent(self) -> frozenset[Category]:
        """The categories in whose finding it took no part."""
        ...

    def look(self, redacted: RedactedImage, policy: Policy) -> tuple[Detection, ...]:
        """What it sees of the policy's categories, each thing once."""
        ...


class YoloReleaseCheck:
    """The witness that Lethe ships."""

    def __init__(self, weights: Weights) -> None:
        """Load the file.

        Raises:
            UnusableWeights: as `Yolo`.
        """
        self._network = Yolo(weights)
        self.name = weights.label
        self.categories = weights.categories
        self.independent = weights.categories

    def look(self, redacted: RedactedImage, policy: Policy) -> tuple[Detection, ...]:
        """See `ReleaseCheck.look`."""
        view_plan = ViewPlan(SCALES, (0,), sure_at=1.0, seen_at=1.0)
        found = clusters_of(self._network.seen(redacted.rgb, view_plan, policy))
        return tuple(cluster.raw_detections[0] for cluster in found)


def residual_detections(
    seen: Sequence[Detection],
    mask: NDArray[np.bool_],
    decided: Sequence[Region],
    policy: Policy,
) -> tuple[Region, ...]:
    """What the witness saw that nobody removed and no person has decided about.

    Args:
        seen: by the witness, in the release.
        mask: (H, W), True where pixels were removed.
        decided: what a person has looked at in this picture and left.
        policy: from which score a sighting counts.
    """
    size = Size(mask.shape[1], mask.shape[0])
    return tuple(
        Region(one.box.clipped(size), one.category, Origin.MODEL, one.score)
        for one in seen
        if policy.release_check.is_enabled(one.category)
        and one.score >= policy.release_check.ask_at(one.category)
        and one.box.clipped(size).area > 0
        and _masked_share(one.box.clipped(size), mask) < MASKED_SHARE
        and not any(_is_decided(one, region) for region in decided)
    )


def _masked_share(box: Box, mask: NDArray[np.bool_]) -> float:
    rect: PixelRect = box.outward().clipped(Size(mask.shape[1], mask.shape[0]))
    return float(mask[rect.rows, rect.columns].mean())


def _is_decided(seen: Detection, region: Region) -> bool:
    shared = seen.box.intersection(region.box)
    union = seen.box.area + region.box.area - shared
    return seen.category is region.category and (
        shared >= DECIDED_SHARE * seen.box.area or shared >= SAME_IOU * union
    )
