"""SCRFD face detection with a model file of the user's own, through insightface.

Guo et al., "Sample and Computation Redistribution for Efficient Face Detection" (2021): for each of
three strides the network gives scores, distances from an anchor to the four sides of a box, and key
points. insightface's own class reads those outputs; views and non-maximum suppression are added
here. insightface is imported with the first such file: it takes a third of a second and brings
scipy, scikit-image and requests, which nobody else needs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.category import Category
from engine.detect.base import Detector
from engine.detect.nms import non_max_suppression
from engine.detect.onnx import one_thread
from engine.detect.views import STRIDE_PX, ViewPlan, detect_in_views, pyramid_of, whole_view
from engine.detect.weights import Weights, load_local
from engine.errors import UnusableWeights
from engine.geometry import Box, Size
from engine.images import RgbImage
from engine.plan import Detection
from engine.policy import Policy

FLOOR = 0.05
"""Detections below this score are dropped; useful thresholds lie at 0.3 and above."""
_OUTPUTS = (6, 9)
"""Scores and boxes at three strides, without and with key points."""


def _load_errors() -> tuple[type[Exception], ...]:
    """What insightface and onnxruntime raise over a file that is of another kind, or broken."""
    from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

    return (
        AssertionError,
        AttributeError,
        IndexError,
        RuntimeError,
        TypeError,
        ValueError,
        ort_errors.EPFail,
        ort_errors.Fail,
        ort_errors.InvalidArgument,
        ort_errors.InvalidGraph,
        ort_errors.InvalidProtobuf,
        ort_errors.NoSuchFile,
        ort_errors.NotFound,
        ort_errors.NotImplemented,
        ort_errors.RuntimeException,
    )


class Scrfd:
    """Faces by a local SCRFD-type file, in every view the policy asks for."""

    def __init__(self, weights: Weights) -> None:
        """Load the file.

        Raises:
            UnusableWeights: it is not of the SCRFD type, or its input is of a size nobody can use.
        """
        self.name = weights.label
        self.categories = frozenset({Category.FACE})
        self._model = _model(weights)
        fixed = self._model.static_input_size
        self._fixed = None if fixed is None else Size(*fixed)

    def detect(self, image: RgbImage, policy: Policy) -> tuple[Detection, ...]:
        """See `Detector.detect`.

        A file with a fixed input gets the whole picture at that size alone, in every rotation.
        """
        options = policy.detection
        if self._fixed is None:
            view_plan = ViewPlan(options.scales, options.rotations, tile_px=options.tile_px)
            rows = detect_in_views(pyramid_of(image), view_plan, self._infer)
        else:
            views = [
                whole_view(image.rgb, _longer_in(self._fixed, image.rgb, rotation), rotation)
                for rotation in options.rotations
            ]
            rows = np.concatenate([view.detect_with(self._infer) for view in views])
        return tuple(
            Detection(Box(*corners), Category.FACE, score, self.name)
            for *corners, score, _ in rows.tolist()
        )

    def _infer(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores, boxes = _outputs(self._model, _padded_to(rgb, self._fixed), FLOOR)
        rows = non_max_suppression(np.column_stack([boxes, scores]))
        return np.column_stack([rows, np.zeros(len(rows), np.float32)])


class LocalDetectors:
    """The detectors of the user's own that policies name, each loaded once per process."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, bool], Scrfd] = {}

    def __call__(self, policy: Policy) -> tuple[Detector, ...]:
        """Those of one policy; empty where it names none.

        Raises:
            UnusableWeights: the file cannot be used; the message says what to do.
        """
        if not policy.detection.scrfd:
            return ()
        name, allowed = key = (policy.detection.scrfd, policy.detection.allow_noncommercial)
        if key not in self._loaded:
            file = Path(name).expanduser()
            self._loaded[key] = Scrfd(load_local(file, allow_noncommercial=allowed))
        return (self._loaded[key],)


def _model(weights: Weights) -> Any:  # noqa: ANN401 (insightface has no types)
    """The model of the bytes that were checked, as insightface makes it.

    insightface reads from a path alone. Handing it the user's own would let the file change after
    its sum was compared.
    """
    from insightface import model_zoo

    with tempfile.TemporaryDirectory(prefix="lethe-") as folder:
        file = Path(folder) / "scrfd.onnx"
        file.write_bytes(weights.data)
        try:
            model = model_zoo.get_model(
                str(file),
                providers=["CPUExecutionProvider"],
                sess_options=one_thread(),
                static_shape_sessions=False,  # else a session for each size, made from the path
            )
            _check(model)
        except _load_errors() as error:
            raise UnusableWeights(
                f"The model file of {weights.name!r} is not of the SCRFD type that insightface "
                f"loads: {_reason(error)}. Name another one as detection.scrfd in the policy."
            ) from error
    return model


def _check(model: Any) -> None:  # noqa: ANN401
    """Run the model once, so that a misfit shows before the first picture.

    Raises:
        ValueError: says what does not fit; others of `_load_errors()` come from inside the run.
    """
    if type(model).__name__ != "SCRFD" or len(model.output_names) not in _OUTPUTS:
        outputs = len(getattr(model, "output_names", ()))
        raise ValueError(f"expected {' or '.join(map(str, _OUTPUTS))} outputs, got {outputs}")
    if not _fits(model.input_shape):
        raise ValueError(
            f"expected an input of (1, 3, height, width), both sides free or multiples of "
            f"{STRIDE_PX}, got {tuple(model.input_shape)}"
        )
    width, height = model.static_input_size or (2 * STRIDE_PX, 2 * STRIDE_PX)
    _outputs(model, np.zeros((height, width, 3), np.uint8), FLOOR)


def _fits(shape: Sequence[int | str | None]) -> bool:
    """Whether views can be fed into an input of this shape, where what is free is no number."""
    if len(shape) != 4 or shape[1] != 3 or (isinstance(shape[0], int) and shape[0] != 1):
        return False
    fixed = [side for side in shape[2:] if isinstance(side, int)]
    return len(fixed) != 1 and all(side > 0 and side % STRIDE_PX == 0 for side in fixed)


def _outputs(
    model: Any,  # noqa: ANN401
    rgb: NDArray[np.uint8],
    floor: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores (N,) and boxes (N, 4) `x0 y0 x1 y1` in input pixels, from all strides.

    insightface wants BGR. A network may overshoot: scores are clipped, corners put in order, and
    what is not a number or has no extent is left out.
    """
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    scores, boxes, _ = model.forward(bgr, floor)
    rows = np.column_stack([np.concatenate(boxes), np.concatenate(scores)]).reshape(-1, 5)
    rows = rows[np.isfinite(rows).all(axis=1)].astype(np.float32)
    corners = np.concatenate(
        [np.minimum(rows[:, :2], rows[:, 2:4]), np.maximum(rows[:, :2], rows[:, 2:4])], axis=1
    )
    is_box = (corners[:, :2] < corners[:, 2:]).all(axis=1)
    return np.clip(rows[is_box, 4], 0.0, 1.0), corners[is_box]


def _longer_in(fixed: Size, rgb: NDArray[np.uint8], rotation: int) -> int:
    """The longer side at which the rotated picture just fits into a fixed input."""
    height, width = rgb.shape[:2] if rotation % 180 == 0 else rgb.shape[1::-1]
    scale = min(fixed.width / width, fixed.height / height)
    return max(int(scale * max(width, height)), 1)


def _padded_to(rgb: NDArray[np.uint8], fixed: Size | None) -> NDArray[np.uint8]:
    """The view in the corner of a black picture of the fixed size; itself where none is fixed."""
    if fixed is None:
        return rgb
    bottom, right = fixed.height - rgb.shape[0], fixed.width - rgb.shape[1]
    return np.pad(rgb, ((0, bottom), (0, right), (0, 0)))


def _reason(error: Exception) -> str:
    first = str(error).strip().splitlines()
    return first[0].rstrip(".") if first else type(error).__name__
