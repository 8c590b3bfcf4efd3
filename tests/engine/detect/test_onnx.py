"""Sessions share one arena, which gives back what large pictures took."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from engine.detect import ensemble, onnx
from engine.detect.centerface import CenterFace
from engine.detect.ensemble import Ensemble
from engine.detect.onnx import session_of, shrink_arena
from engine.detect.weights import load_weights
from engine.geometry import Size
from engine.images import RgbImage, SourceCodec
from engine.policy import Policy


def held_mb():
    """Memory that this process has in use, MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = [line for line in status if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def image(width, height):
    size = Size(width, height)
    return RgbImage("a", np.zeros((height, width, 3), np.uint8), SourceCodec("png", size))


@pytest.mark.slow
def test_the_arena_gives_back_what_activations_took():
    detector = CenterFace(load_weights("centerface"))
    shrink_arena()
    detector._infer(np.zeros((1280, 1280, 3), np.uint8))
    full = held_mb()

    shrink_arena()

    assert held_mb() < full - 150  # of 270


@pytest.mark.parametrize(("size", "times"), [((2000, 3000), 0), ((4000, 3000), 1)])
def test_it_does_after_pictures_as_large_as_photographs(size, times, monkeypatch):
    calls = []
    monkeypatch.setattr(ensemble, "shrink_arena", lambda: calls.append(1))

    Ensemble([]).detect(image(*size), Policy())

    assert len(calls) == times


@pytest.mark.parametrize("is_warned", [False, True], ids=["as it is", "as if it saturated"])
def test_sums_of_int8_products_are_exact(monkeypatch, is_warned):
    if is_warned:
        monkeypatch.setattr(onnx, "_saturates", lambda: True)
    rng = np.random.default_rng(1)
    pixels = rng.choice(np.array([0, 255], np.uint8), (1, 64, 6, 6))
    weights = rng.choice(np.array([-127, 127], np.int8), (8, 64, 1, 1))
    scale = 64 * 255 * 127 / 255
    network = onnx._network(
        helper.make_node(
            "QLinearConv", ["x", "one", "zero", "weights", "one", "none", "scale", "middle"], ["y"]
        ),
        TensorProto.UINT8,
        {
            "weights": weights, "one": np.float32(1), "zero": np.uint8(0), "none": np.int8(0),
            "scale": np.float32(scale), "middle": np.uint8(128),
        },
    )  # fmt: skip

    (sums,) = session_of(network).run(None, {"x": pixels})

    exact = np.einsum("oi,ihw->ohw", weights[:, :, 0, 0].astype(int), pixels[0].astype(int))
    assert np.abs(sums[0] - np.clip(exact / scale + 128, 0, 255)).max() <= 0.5


def test_a_processor_whose_sums_saturate_is_told_by_them(monkeypatch):
    import onnxruntime

    class Saturating:
        def __init__(self, *_, **__):
            pass

        def run(self, *_):
            return [np.full((1, 8, 8, 8), 101, np.uint8)]  # pairs of products cut off at 32767

    monkeypatch.setattr(onnxruntime, "InferenceSession", Saturating)

    assert onnx._saturates.__wrapped__()
