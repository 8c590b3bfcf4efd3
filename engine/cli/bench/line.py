"""The line in a process of its own, on one thread: CPU seconds by stage, and its peak memory."""

from __future__ import annotations

import resource
import statistics
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine import pipeline
from engine.codec.decode import decode
from engine.codec.encode import encode, output_format
from engine.detect.centerface import CenterFace
from engine.detect.registry import default_ensemble, default_release_check
from engine.detect.weights import load_weights
from engine.errors import LetheError
from engine.images import RedactedImage
from engine.pipeline import Stopwatch, Terms
from engine.plan import Detection, ReviewDecision
from engine.policy import Policy
from engine.processes import new_pool
from engine.redact.masks import mask_of
from engine.redact.removal import remove
from engine.triage import settled

STAGES: Final = ("decode", "detect", "remove", "check", "witness", "encode")
"""`check` is T1, T3 and T4 together, `witness` T7."""
FLOOR_STAGES: Final = ("decode", "detect", "encode")
FLOOR_PX: Final = 1280
"""Longer side at which the floor's one look is taken at most."""


@dataclass(frozen=True, slots=True)
class LineCost:
    """What pictures cost, each released whatever was found in it."""

    stages: dict[str, float]
    """CPU seconds a picture."""
    floor: dict[str, float]
    """The same for decoding, one look of CenterFace, and encoding."""
    loading: float
    """CPU seconds until the models were loaded."""
    loaded_mb: float
    """Memory in use then, MiB."""
    peak_mb: float
    unreadable: int


def measured(files: Sequence[Path], policy: Policy) -> LineCost:
    """Measure pictures in a fresh process, as a worker has it."""
    with new_pool(1) as pool:
        cost: LineCost = pool.submit(_measured, files, policy).result()
        return cost


def _measured(files: Sequence[Path], policy: Policy) -> LineCost:
    warnings.filterwarnings("ignore", module="PIL")
    ensemble, release_check = default_ensemble(), _SilentReleaseCheck()
    loading, loaded = time.process_time(), _peak_mb()
    timings = []
    readable = []
    for file in files:
        watch = Stopwatch(clock=time.process_time)
        try:
            ready = pipeline.prepare(
                file.read_bytes(), "bench", ensemble, policy, draw=1.0, watch=watch
            )
            decision = ReviewDecision.on(ready.plan, ready.plan.proposed, "bench")
            plan = settled(ready.plan, decision)
            terms = Terms(release_id="bench", seed=0)
            pipeline.release(
                ready.image, plan, policy, terms, watch=watch, release_check=release_check
            )
        except LetheError:
            continue
        timings.append(watch.seconds)
        readable.append(file)
    peak = _peak_mb()
    floor = [_floor(file, policy) for file in readable]
    return LineCost(
        _means(timings, STAGES),
        _means(floor, FLOOR_STAGES),
        round(loading, 3),
        round(loaded),
        round(peak),
        len(files) - len(readable),
    )


def _floor(file: Path, policy: Policy) -> dict[str, float]:
    """The least there is to do: decode, look once, encode."""
    watch = Stopwatch(clock=time.process_time)
    detector = CenterFace(load_weights("centerface"))
    with watch.stage("decode"):
        image = decode(file.read_bytes(), "bench", max_megapixels=policy.codec.max_megapixels)
    one_look = policy.detection.model_copy(
        update={"scales": (min(FLOOR_PX, max(image.size)),), "rotations": (0,), "tile_px": 0}
    )
    with watch.stage("detect"):
        detector.detect(image, policy.model_copy(update={"detection": one_look}))
    redacted = remove(image, mask_of((), image.size), seed=0)
    with watch.stage("encode"):
        file_format = output_format(image.codec, "same")
        encode(redacted, file_format, jpeg_quality=policy.codec.jpeg_quality)
    return watch.seconds


def _means(timings: Sequence[dict[str, float]], stages: Sequence[str]) -> dict[str, float]:
    return {
        stage: round(statistics.fmean(one.get(stage, 0.0) for one in timings), 5)
        if timings
        else 0.0
        for stage in stages
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class _SilentReleaseCheck:
    """A release check whose detections are dropped, so that every picture is measured whole."""

    def __init__(self) -> None:
        self._release_check = default_release_check()
        self.name = self._release_check.name
        self.categories = self._release_check.categories
        self.independent = self._release_check.independent

    def detect(self, redacted: RedactedImage, policy: Policy) -> tuple[Detection, ...]:
        """See `ReleaseCheck.detect`."""
        self._release_check.detect(redacted, policy)
        return ()
