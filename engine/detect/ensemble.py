"""All detectors together: sightings in, things with probabilities out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.category import Category
from engine.detect.base import Detector
from engine.detect.clusters import clusters_of
from engine.detect.score_fusion import ScoreFusion, SurestScore
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy


@dataclass(frozen=True, slots=True)
class EnsembleOutput:
    """What the detectors together say about one picture."""

    detections: tuple[Detection, ...]
    """Each thing once; scores are probabilities."""
    raw_detections: tuple[Detection, ...]
    """Every sighting of those things, with the things' probabilities: evaluations look at them,
    for one of them may have fitted better."""
    weights: tuple[str, ...]
    """`name@sha256[:8]` of everything that had a say."""
    searched: frozenset[Category]
    """The categories that somebody looked for."""
    uncalibrated: tuple[str, ...] = ()
    """Detectors that always look and whose scores nobody made probabilities of: thresholds say
    nothing about what they did not see."""


class Ensemble:
    """Detectors and what makes one probability of their scores. Made once per process."""

    def __init__(
        self,
        detectors: Sequence[Detector],
        fusion: ScoreFusion | None = None,
        local: Callable[[Policy], Sequence[Detector]] | None = None,
    ) -> None:
        """Put an ensemble together.

        Args:
            detectors: those that always look.
            fusion: takes detectors at their word when None.
            local: gives those that a policy adds.
        """
        self._detectors = tuple(detectors)
        self._fusion = fusion or SurestScore()
        self._local = local or (lambda policy: ())

    def look(self, image: RgbImage, policy: Policy) -> EnsembleOutput:
        """Look for what the policy asks for.

        Raises:
            UnusableWeights: the policy names a model file that cannot or may not be loaded.
        """
        wanted = set(policy.looked_for)
        every = (*self._detectors, *self._local(policy))
        asked = [one for one in every if one.categories & wanted]
        raw_detections = [seen for one in asked for seen in one.detect(image, policy)]
        found = clusters_of(one for one in raw_detections if one.category in wanted)
        likely = self._fusion.probabilities(image, found)
        detections: list[Detection] = []
        every_raw_detection: list[Detection] = []
        for cluster, probability in zip(found, likely.tolist(), strict=True):
            detections.append(
                replace(cluster.raw_detections[0], box=cluster.box, score=probability)
            )
            every_raw_detection += (
                replace(one, score=probability) for one in cluster.raw_detections
            )
        return EnsembleOutput(
            tuple(detections),
            tuple(every_raw_detection),
            (*(one.name for one in asked), *self._fusion.names),
            frozenset(category for one in asked for category in one.categories),
            self._uncalibrated(asked),
        )

    def _uncalibrated(self, asked: Sequence[Detector]) -> tuple[str, ...]:
        known = self._fusion.fitted_with
        names = [one.name for one in asked if one in self._detectors]
        return () if known is None else tuple(name for name in names if name not in known)
