"""Growth of the line itself: with the pixels of a picture, and with the regions that go."""

from __future__ import annotations

import time
from collections.abc import Sequence

import cv2
import numpy as np

from engine import pipeline
from engine.category import Category
from engine.codec.decode import decode
from engine.detect.ensemble import Ensemble
from engine.detect.registry import default_ensemble
from engine.geometry import Box, Size
from engine.pipeline import Stopwatch, Terms
from engine.plan import Origin, Plan, Region
from engine.policy import Policy
from tests.growth.fit import Growth
from tests.scenes import SilentReleaseCheck

MEGAPIXELS = (1, 4, 16, 36, 64, 100)
REGIONS = (1, 2, 5, 10, 20, 50, 100, 200)
_DRAWN_MEGAPIXELS, _REGIONS = 4, 3
_TERMS = Terms(release_id="00" * 16, seed=1)


def by_pixels(
    megapixels: Sequence[int] = MEGAPIXELS, *, most_detected: int = MEGAPIXELS[-1]
) -> tuple[Growth, ...]:
    """Decode, remove, check and encode pictures of so many megapixels; and look at them.

    Args:
        megapixels: their sizes.
        most_detected: larger ones are not looked at by detectors, which take minutes.
    """
    policy = Policy()
    released = tuple((one, _released(_picture(one), _REGIONS, policy)) for one in megapixels)
    looked_at = [one for one in megapixels if one <= most_detected]
    ensemble = default_ensemble()
    detected = tuple((one, _prepared(_picture(one), ensemble, policy)) for one in looked_at)
    return (
        Growth("Removal, checks, encoding", "megapixels", released),
        Growth("Detection", "megapixels", detected),
    )


def by_regions(regions: Sequence[int] = REGIONS) -> tuple[Growth, ...]:
    """Release a picture with so many regions."""
    data, policy = _picture(_DRAWN_MEGAPIXELS), Policy()
    points = tuple((one, _released(data, one, policy)) for one in regions)
    return (Growth("Removal by regions", "regions", points),)


def _picture(megapixels: int) -> bytes:
    """A JPEG of soft noise, three by two."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    coarse = np.random.default_rng(1).integers(0, 256, (height // 16, height // 11, 3), np.uint8)
    rgb = cv2.resize(coarse, (round(height * 1.5), height), interpolation=cv2.INTER_LINEAR)
    return bytes(cv2.imencode(".jpg", rgb)[1])


def _released(data: bytes, regions: int, policy: Policy) -> float:
    began = time.process_time()
    image = decode(data, "00", max_megapixels=policy.codec.max_megapixels)
    plan = Plan("00", image.size, _regions(image.size, regions), (), (), policy.fingerprint)
    pipeline.release(
        image, plan, policy, _TERMS, watch=Stopwatch(), release_check=SilentReleaseCheck()
    )
    return time.process_time() - began


def _prepared(data: bytes, ensemble: Ensemble, policy: Policy) -> float:
    began = time.process_time()
    pipeline.prepare(data, "00", ensemble, policy, draw=1.0, watch=Stopwatch())
    return time.process_time() - began


def _regions(size: Size, count: int) -> tuple[Region, ...]:
    """Faces side by side, each a thirtieth of the picture's height."""
    side = size.height / 30
    places = [(column, row) for row in range(15) for column in range(20)][:count]
    return tuple(
        Region(
            Box.from_xywh(2 * side * column + side, 2 * side * row + side / 2, side, side),
            Category.FACE,
            Origin.MODEL,
            0.9,
        )
        for column, row in places
    )
