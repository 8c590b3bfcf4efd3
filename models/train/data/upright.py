"""Labels in pixels of the upright picture."""

from __future__ import annotations

from engine.evaluation.data.labels import Label, LabelledPicture
from engine.evaluation.scores.prediction_record import PredictionRecord
from engine.evaluation.scores.scoring import upright_labels
from engine.images import RgbImage


def labels_in(picture: LabelledPicture, image: RgbImage) -> tuple[Label, ...]:
    """A picture's labels in pixels of the upright picture, cut off at its edges.

    Raises:
        InvalidDataset: the labels are for a picture of another size, or lie outside of it.
    """
    nothing = PredictionRecord(
        size=image.size,
        stored_size=image.codec.stored_size,
        orientation=image.codec.orientation,
        found=(),
        dropped=(),
        standing=(),
        weights=(),
    )
    return upright_labels(picture, nothing)
