"""Prediction job: a labelled picture in, its prediction record out."""

from __future__ import annotations

from dataclasses import dataclass

from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.policy import Policy
from engine.runs.jobs import Models, Outcome
from engine.runs.sources import PictureSource


@dataclass(frozen=True, slots=True)
class Prediction(Outcome):
    """Prediction record of a labelled picture, as a job's outcome."""

    findings: PredictionRecord


@dataclass(frozen=True, slots=True)
class PredictionJob:
    """Detection on one labelled picture; ends as `Prediction`, quarantined or postponed."""

    id: str
    """Names the work in its outcome."""
    source: PictureSource
    policy: Policy
    orientation: int = 1
    """EXIF orientation, 1..8: it is looked at as if its file held it this way up."""

    @property
    def most_megapixels(self) -> float:
        """What the policy allows."""
        return self.policy.codec.max_megapixels

    def run(self, models: Models) -> Prediction:
        """Run detection.

        Raises:
            Exception: whatever goes wrong.
        """
        from engine.evaluation.predict import predict  # decoders are loaded where they are needed

        data = self.source.read()
        found = predict(data, self.id, models.ensemble, self.policy, orientation=self.orientation)
        return Prediction(self.id, found)
