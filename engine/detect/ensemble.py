"""The ensemble: raw detections of all detectors in, one calibrated detection an object out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.category import Category
from engine.detect.base import Detector
from engine.detect.clusters import clusters_of
from engine.detect.onnx import shrink_arena
from engine.detect.score_fusion import MaxScore, ScoreFusion
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy

LARGE_PX2 = 8_000_000
"""Of pictures with more pixels, what is left to do needs the memory that looking at them took."""


@dataclass(frozen=True, slots=True)
class EnsembleOutput:
    """Fused detections of one picture, and what they were made from."""

    detections: tuple[Detection, ...]
    """Each object once; scores are probabilities."""
    raw_detections: tuple[Detection, ...]
    """Every raw detection, with its cluster's probability: evaluations need them, for one of them
    may have fitted better."""
    weights: tuple[str, ...]
    """`name@sha256[:8]` of every model that took part."""
    searched: frozenset[Category]
    """The categories that some detector covers."""
    uncalibrated: tuple[str, ...] = ()
    """Detectors that always run and that the fusion was not fitted with: thresholds say nothing
    about what they missed."""


class Ensemble:
    """Detectors and the fusion of their scores. Made once per process."""

    def __init__(
        self,
        detectors: Sequence[Detector],
        fusion: ScoreFusion | None = None,
        local: Callable[[Policy], Sequence[Detector]] | None = None,
    ) -> None:
        """Put an ensemble together.

        Args:
            detectors: those that always run.
            fusion: `MaxScore` when None.
            local: gives those that a policy adds.
        """
        self._detectors = tuple(detectors)
        self._fusion = fusion or MaxScore()
        self._local = local or (lambda policy: ())

    def detect(self, image: RgbImage, policy: Policy) -> EnsembleOutput:
        """Detect what the policy asks for.

        Raises:
            UnusableWeights: the policy names a model file that cannot or may not be loaded.
        """
        wanted = set(policy.looked_for)
        detectors = [
            detector
            for detector in (*self._detectors, *self._local(policy))
            if detector.categories & wanted
        ]
        clusters = clusters_of(
            detection
            for detector in detectors
            for detection in detector.detect(image, policy)
            if detection.category in wanted
        )
        if image.size.width * image.size.height > LARGE_PX2:
            shrink_arena()
        detections: list[Detection] = []
        raw_detections: list[Detection] = []
        probabilities = self._fusion.probabilities(image, clusters).tolist()
        for cluster, probability in zip(clusters, probabilities, strict=True):
            scored = [replace(raw, score=probability) for raw in cluster.raw_detections]
            detections.append(replace(scored[0], box=cluster.box))
            raw_detections += scored
        return EnsembleOutput(
            tuple(detections),
            tuple(raw_detections),
            (*(detector.name for detector in detectors), *self._fusion.names),
            frozenset(category for detector in detectors for category in detector.categories),
            self._uncalibrated(detectors),
        )

    def _uncalibrated(self, detectors: Sequence[Detector]) -> tuple[str, ...]:
        calibrated = self._fusion.fitted_with
        names = [detector.name for detector in detectors if detector in self._detectors]
        return () if calibrated is None else tuple(name for name in names if name not in calibrated)
