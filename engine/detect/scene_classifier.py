"""Scene classification: a whole picture in, log-odds that it shows people out.

From near, a dog's head or a bolt can pass for a face or a ring; the whole picture shows a dog and a
bench. So score fusion goes, beside each crop, by whether anybody is there to whom a face, a tattoo
or a piece of jewelry could belong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.detect.inference_graph import pixels_of, taking_pixels
from engine.detect.onnx import session_of
from engine.detect.resizing import resized
from engine.detect.weights import Weights
from engine.errors import UnusableWeights


class SceneClassifier:
    """A small network over the whole picture."""

    def __init__(self, weights: Weights) -> None:
        """Load it.

        Raises:
            UnusableWeights: it is no network with one answer to a square picture.
        """
        self.name = weights.label
        self._session = session_of(taking_pixels(weights.data, unit=1 / 255))
        [pixels], [output] = self._session.get_inputs(), self._session.get_outputs()
        self._side = pixels.shape[1]
        if not isinstance(self._side, int) or output.shape[-1] != 1:
            raise UnusableWeights(
                f"The model file of {weights.name!r} does not give one answer to a square picture "
                "of a fixed size; it was not loaded."
            )

    def people(self, rgb: NDArray[np.uint8]) -> float:
        """Log-odds that a picture shows a person or a part of one.

        Args:
            rgb: uint8 (H, W, 3), in any rotation.
        """
        pixels = pixels_of(resize_square(rgb, self._side))[np.newaxis]
        [[[log_odds]]] = self._session.run(None, {"pixels": pixels})
        return float(log_odds)


def resize_square(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The whole picture as the network's input: (side, side, 3), whatever its proportions."""
    return resized(rgb, (side, side))
